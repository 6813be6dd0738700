package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// vouching is a station's request. Resolve notes where it comes from.
type vouching struct {
	ID     string `path:"id" maxLength:"64" doc:"The order's id"`
	Body   resource.Enrolment
	source string
}

// Resolve implements huma.Resolver.
func (v *vouching) Resolve(ctx huma.Context) []error {
	v.source = sourceOf(&http.Request{RemoteAddr: ctx.RemoteAddr()})
	return nil
}

// enrolled is 201, or 200 for the answer that was given before.
type enrolled struct {
	Status int
	Body   resource.Enrolled
}

func (d *door) addEnrol() {
	handle(d, operation{
		id: "enrol-device", method: http.MethodPost, path: "/api/v1/orders/{id}/devices", permission: identity.DeviceEnrol,
		summary: "Enrol a device that the caller, a station of the order, vouches for; 200 when the answer was given before", status: http.StatusCreated, waits: true,
	}, d.enrol)
	responses := d.api.OpenAPI().Paths["/api/v1/orders/{id}/devices"].Post.Responses
	responses["200"] = &huma.Response{Description: "The answer that was given before", Content: responses["201"].Content}
}

func (d *door) enrol(ctx context.Context, p identity.Principal, in *vouching) (*enrolled, error) {
	csr, fault := requestDER(in.Body.CSR)
	issued, err := d.Service.Issue(ctx, enroll.Request{
		Principal: p, Evidence: enroll.VouchEvidence{
			Order: enroll.OrderID(in.ID), Serial: in.Body.Serial, KeyProtection: policy.KeyProtection(in.Body.KeyProtection),
		},
		CSR: csr, Fault: fault, Source: in.source,
	})
	if err != nil {
		return nil, err
	}
	out := &enrolled{Status: http.StatusCreated, Body: resource.Enrolled{
		Device: string(issued.Device), Serial: issued.Certificate.Serial.String(),
		Certificate: certificatesPEM(issued.DER),
		Chain:       certificatesPEM(append([][]byte{issued.DER}, issued.Chain...)...),
	}}
	if issued.Recalled {
		out.Status = http.StatusOK
	}
	return out, nil
}
