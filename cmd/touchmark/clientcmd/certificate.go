package clientcmd

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/identity"
)

// exampleSerial is a serial number as they are written here.
const exampleSerial = "40019be1a2c3d407f05a9d3e8b1c6642a7f90e35"

func (a *app) certificate() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "certificate",
		Short: "Single certificates: show, list, hold and revoke them",
		Long: `A certificate is named by its serial number: 40 hexadecimal digits, with or without
colons, in upper or lower case. To withdraw a device with all its certificates,
use touchmark device.`,
		Example: `  touchmark certificate show ` + exampleSerial + `
  touchmark certificate list --expiring-before +24h`,
	}
	cmd.AddCommand(a.certificateShow(), a.certificateList())
	for _, action := range []identity.Action{identity.Revoke, identity.Hold, identity.Release} {
		cmd.AddCommand(a.certificateAction(action))
	}
	return a.Group(cmd)
}

func (a *app) certificateShow() *cobra.Command {
	var pem bool
	cmd := &cobra.Command{
		Use:   "show SERIAL",
		Short: "Show a certificate and whether it stands",
		Long: `Shows a certificate: whose it is, how long it lasts, and whether it is good, held,
revoked or expired. With --pem it prints the certificate itself and nothing else.`,
		Example: `  touchmark certificate show ` + exampleSerial + `
  touchmark certificate show ` + exampleSerial + ` --pem | openssl x509 -noout -text`,
		Args: a.Takes("SERIAL"),
	}
	cmd.Flags().BoolVar(&pem, "pem", false, "print the certificate alone, as PEM")
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
		certificate, err := c.Certificate(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		if pem && !a.asJSON {
			_, err := io.WriteString(cmd.OutOrStdout(), certificate.PEM)
			return err
		}
		return show(cmd, a, certificate, tellCertificate)
	})
	return cmd
}

func (a *app) certificateList() *cobra.Command {
	var query client.CertificateFilter
	var part paging
	var after, before string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List one device's certificates, or all, those that end first first",
		Long: `With --device lists that device's certificates, newest first. Without it lists all, by
when they end, to those who may see the certificates of every fleet. With --fleet, and
to those who may see a branch alone, it lists one certificate of each device there, in
the order of the devices: the newest that ends within the times given.`,
		Example: `  touchmark certificate list --device TH20-SN1
  touchmark certificate list --fleet /berlin --expiring-before +24h
  touchmark certificate list --expiring-after +0s --expiring-before +24h`,
		Args: a.Takes(),
	}
	cmd.Flags().StringVar(&query.Device, "device", "", "only of the device with this id")
	cmd.Flags().StringVar(&query.Fleet, "fleet", "", "of this branch, by its path: one of each device's")
	cmd.Flags().StringVar(&after, "expiring-after", "", "only those that do not end before: 2027-01-31T17:00:00Z, 2027-01-31, or +6h and +30d")
	cmd.Flags().StringVar(&before, "expiring-before", "", "only those that end before, written likewise")
	part.addFlags(cmd)
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, _ []string) error {
		now := a.Clock()
		from, fromErr := optionalMoment("expiring-after", after, now)
		until, untilErr := optionalMoment("expiring-before", before, now)
		if err := firstError(fromErr, untilErr); err != nil {
			return err
		}
		if from != nil {
			query.ExpiringAfter = *from
		}
		if until != nil {
			query.ExpiringBefore = *until
		}
		certificates := listing[resource.Certificate]{
			fetch: func(ctx context.Context, after string, limit int) (resource.List[resource.Certificate], error) {
				return c.CertificatesPart(ctx, query, resource.Page{After: after, Limit: limit})
			},
			header: []string{"CERTIFICATE", "DEVICE", "STATUS", "FROM", "UNTIL"},
			row: func(c resource.Certificate) []string {
				return []string{c.Serial, text(c.Device), status(c), when(&c.NotBefore), when(&c.NotAfter)}
			},
			unit:  "certificates",
			empty: "No certificates here that you may see.",
		}
		return certificates.show(cmd, a, part)
	})
	return cmd
}

func tellCertificate(w io.Writer, c resource.Certificate) error {
	return tell(w,
		fact{"certificate", c.Serial},
		fact{"status", c.Status},
		fact{"reason", text(c.Reason)},
		fact{"since", when(c.RevokedAt)},
		fact{"device", text(c.Device)},
		fact{"profile", c.Profile},
		fact{"issuer", c.Issuer},
		fact{"from", when(&c.NotBefore)},
		fact{"until", when(&c.NotAfter)},
		fact{"renewed", text(c.Predecessor)},
		fact{"key", c.Key},
	)
}

// status is a certificate's status, with the reason where there is one.
func status(c resource.Certificate) string {
	if c.Reason == nil {
		return c.Status
	}
	return c.Status + " (" + *c.Reason + ")"
}
