package est

import (
	"net"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
)

// postSimpleEnroll is RFC 7030, section 4.2.1: a first certificate for a ticket.
func (d *door) postSimpleEnroll(w http.ResponseWriter, r *http.Request) {
	ticket, ok := ticketOf(r)
	if !ok {
		// Some clients ask once without credentials and wait to be told.
		answerRefusal(w, enroll.Refuse(enroll.Unauthenticated, "no ticket"))
		return
	}
	d.issue(w, r, ticket)
}

// ticketOf returns the ticket that a request shows (RFC 7030, section 3.2.3).
func ticketOf(r *http.Request) (enroll.TicketEvidence, bool) {
	user, secret, ok := r.BasicAuth()
	return enroll.TicketEvidence{User: user, Secret: secret, Label: chi.URLParam(r, "order")}, ok
}

// postSimpleReenroll is RFC 7030, section 4.2.2: a new certificate for the one
// presented in TLS. The label and the CSR's names play no part.
func (d *door) postSimpleReenroll(w http.ResponseWriter, r *http.Request) {
	certificate := presented(r)
	if certificate == nil {
		answerRefusal(w, enroll.Refuse(enroll.Unauthenticated, "no certificate"))
		return
	}
	d.issue(w, r, enroll.CertificateEvidence{DER: certificate})
}

// presented returns the certificate that the client presented in TLS, in DER; nil
// for none.
func presented(r *http.Request) []byte {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return nil
	}
	return r.TLS.PeerCertificates[0].Raw
}

// issue asks for a certificate. What is wrong with the body goes along, for the
// service to tell those who may know.
func (d *door) issue(w http.ResponseWriter, r *http.Request, evidence enroll.Evidence) {
	csr, fault := readCSR(w, r)
	if fault != nil && r.Context().Err() != nil {
		answerRefusal(w, errEnded())
		return
	}
	issued, err := d.service.Issue(r.Context(), enroll.Request{
		Evidence: evidence, CSR: csr, Fault: fault, Source: source(r), Channel: channelOf(r),
	})
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	// Only the certificate that was issued (RFC 7030, section 4.2.3): its chain is
	// what cacerts is for.
	packed, err := ca.CertsOnly(issued.DER)
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	answer(w, typePKCS7, transferEncode(packed))
}

// source returns the client's address without its port.
func source(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
