package clientcmd

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity"
)

// deed is what an action means, for those who are about to do it.
type deed struct {
	short string
	long  string
}

// deviceDeed tells what an action does to a device.
func deviceDeed(action identity.Action) deed {
	switch action {
	case identity.Hold:
		return deed{"Hold a device until it is released", `Holds a device with all its certificates: relying parties refuse them
(certificateHold), and it cannot renew. touchmark device release takes it back.`}
	case identity.Release:
		return deed{"Release a device from hold", `Takes a hold back: the device is active again, and the certificates that were held
with it are good. One that was held by itself stays held.`}
	case identity.Revoke:
		return deed{"Revoke a device for good", `Revokes a device with every certificate that it has, for good. With --reason
keyCompromise its keys are never certified again; that reason may be given later
in place of a weaker one.`}
	case identity.Retire:
		return deed{"Retire a device at the end of its life", `Retires a device for good: its certificates are revoked as cessationOfOperation,
which says that nothing was wrong with it.`}
	default:
		panic("no words for " + action)
	}
}

// certificateDeed tells what an action does to one certificate.
func certificateDeed(action identity.Action) deed {
	switch action {
	case identity.Hold:
		return deed{"Hold one certificate until it is released", `Holds one certificate: relying parties refuse it (certificateHold), and it cannot
renew. Its device stays as it is.`}
	case identity.Release:
		return deed{"Release one certificate from hold", `Takes back the hold of one certificate. Where its device is held, release the
device.`}
	case identity.Revoke:
		return deed{"Revoke one certificate for good", `Revokes one certificate. Its device stays active and needs new evidence to enrol
again. With --reason keyCompromise every certificate with the same key goes too.`}
	case identity.Retire:
		return deed{"Retire one certificate for good", `Revokes one certificate as cessationOfOperation, which says that nothing was wrong
with it. Its device stays as it is.`}
	default:
		panic("no words for " + action)
	}
}

// saidSoon ends the help of every action.
const saidSoon = `

The command returns when OCSP of this server says so; CRLs follow within a second.
Repeating it changes nothing.`

func (a *app) deviceAction(action identity.Action) *cobra.Command {
	d := deviceDeed(action)
	cmd, words := a.actionCommand(action, d, "DEVICE", "  touchmark device "+string(action)+" TH20-SN1")
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
		device, err := c.ActOnDevice(cmd.Context(), args[0], action, *words)
		if err != nil {
			return err
		}
		return show(cmd, a, device, tellDevice)
	})
	return cmd
}

func (a *app) certificateAction(action identity.Action) *cobra.Command {
	d := certificateDeed(action)
	cmd, words := a.actionCommand(action, d, "SERIAL", "  touchmark certificate "+string(action)+" "+exampleSerial)
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
		certificate, err := c.ActOnCertificate(cmd.Context(), args[0], action, *words)
		if err != nil {
			return err
		}
		return show(cmd, a, certificate, func(w io.Writer, c resource.Certificate) error { return tellCertificate(w, c) })
	})
	return cmd
}

func (a *app) actionCommand(action identity.Action, d deed, object, example string) (*cobra.Command, *resource.Action) {
	words := &resource.Action{}
	if action == identity.Revoke {
		example += ` --reason keyCompromise --comment "found on a market"`
	}
	cmd := &cobra.Command{
		Use: string(action) + " " + object, Short: d.short, Long: d.long + saidSoon + mayWait, Example: example, Args: a.Takes(object),
	}
	addComment(cmd, &words.Comment)
	if reasons := reasonsFor(action); len(reasons) > 0 {
		cmd.Flags().StringVar(&words.Reason, "reason", "", "why, as RFC 5280, section 5.3.1, names it: "+oneOf(reasons))
		complete(cmd, "reason", reasons)
	}
	return cmd, words
}

func addComment(cmd *cobra.Command, comment *string) {
	cmd.Flags().StringVar(comment, "comment", "", "why, in words, for the log; at most 1024 bytes")
	complete(cmd, "comment", nil)
}

// reasonsFor returns the reasons that an action may be given; the server has the
// last word.
func reasonsFor(action identity.Action) []string {
	var reasons []ca.Reason
	switch action {
	case identity.Hold:
		reasons = []ca.Reason{ca.CertificateHold}
	case identity.Retire:
		reasons = []ca.Reason{ca.CessationOfOperation}
	case identity.Revoke:
		reasons = []ca.Reason{
			ca.Unspecified, ca.KeyCompromise, ca.AffiliationChanged, ca.Superseded, ca.CessationOfOperation, ca.PrivilegeWithdrawn,
		}
	case identity.Release:
	}
	var names []string
	for _, reason := range reasons {
		names = append(names, reason.String())
	}
	return names
}
