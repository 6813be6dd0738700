package rest

import (
	"context"
	"net/http"

	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

type certificatePath struct {
	Serial string `path:"serial" maxLength:"64" doc:"40 hexadecimal digits; upper case and colons are taken too"`
}

// certificateAction is an action on a certificate. Its body may be left out.
type certificateAction struct {
	Serial string `path:"serial" maxLength:"64" doc:"40 hexadecimal digits; upper case and colons are taken too"`
	Body   *resource.Action
}

func (d *door) addCertificates() {
	handle(d, operation{
		id: "list-certificates", method: http.MethodGet, path: "/api/v1/certificates", permission: identity.CertificateRead,
		summary: "List one device's certificates, newest first; or all, those that end first first; or, of a branch, and for those who may not read the whole tree's, the newest within the times asked for of each device, in the order of devices",
	}, d.listCertificates)
	handle(d, operation{
		id: "show-certificate", method: http.MethodGet, path: "/api/v1/certificates/{serial}", permission: identity.CertificateRead,
		summary: "Show a certificate",
	}, d.showCertificate)
	for _, action := range identity.Actions() {
		handle(d, operation{
			id: string(action) + "-certificate", method: http.MethodPost, path: "/api/v1/certificates/{serial}/" + string(action),
			permission: identity.ActionPermission(action), summary: verb(action) + " one certificate; for keyCompromise all of its key", waits: true,
		}, func(ctx context.Context, p identity.Principal, in *certificateAction) (*answer[resource.Certificate], error) {
			words := wordsIn(in.Body)
			certificate, err := d.Service.ActOnCertificate(ctx, p, in.Serial, action, words.Reason, words.Comment)
			return answerOf(wholeCertificateOf(certificate)), err
		})
	}
}

// certificateQuery selects certificates.
type certificateQuery struct {
	Device         string    `query:"device" maxLength:"97" doc:"Id of a device"`
	Fleet          string    `query:"fleet" maxLength:"1024" doc:"Path of a branch: of its devices, one certificate each"`
	ExpiringAfter  parameter `query:"expiring_after" doc:"Only those that do not end before it"`
	ExpiringBefore parameter `query:"expiring_before" doc:"Only those that end before it"`
	resource.Page
}

func (d *door) listCertificates(ctx context.Context, p identity.Principal, in *certificateQuery) (*answer[resource.List[resource.Certificate]], error) {
	certificates, err := d.Service.Certificates(ctx, p, enroll.CertificateQuery{
		Device: in.Device, Fleet: in.Fleet, ExpiringAfter: in.ExpiringAfter.Time, ExpiringBefore: in.ExpiringBefore.Time, Page: pageIn(in.Page),
	})
	return pageOf(certificates, certificateOf), err
}

func (d *door) showCertificate(ctx context.Context, p identity.Principal, in *certificatePath) (*answer[resource.Certificate], error) {
	certificate, err := d.Service.Certificate(ctx, p, in.Serial)
	return answerOf(wholeCertificateOf(certificate)), err
}
