package est

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strconv"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
)

// typePKCS8 is the media type of a private key that is not encrypted (RFC 7030,
// section 4.4.2).
const typePKCS8 = "application/pkcs8"

// postServerKeygen is RFC 7030, section 4.4: a certificate with the key that it is
// for, for a ticket, or for the certificate presented in TLS where there is no ticket.
// The key leaves in this answer and is then forgotten.
func (d *door) postServerKeygen(w http.ResponseWriter, r *http.Request) {
	var evidence enroll.Evidence
	if ticket, ok := ticketOf(r); ok {
		evidence = ticket
	} else if certificate := presented(r); certificate != nil {
		evidence = enroll.CertificateEvidence{DER: certificate}
	} else {
		answerRefusal(w, enroll.Refuse(enroll.Unauthenticated, "neither ticket nor certificate"))
		return
	}
	csr, fault := readCSR(w, r)
	if fault != nil && r.Context().Err() != nil {
		answerRefusal(w, errEnded())
		return
	}
	issued, err := d.service.Issue(r.Context(), enroll.Request{
		Evidence: evidence, CSR: csr, Fault: fault, Source: source(r), Channel: channelOf(r), MakeKey: true,
	})
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	defer issued.Made.Erase()
	mediaType, body, err := keyAndCertificate(issued)
	defer clear(body)
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", mediaType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body) // a client that went away does not get this key again
}

// keyAndCertificate returns the two parts of the answer (RFC 7030, section 4.4.2), in
// the order of the RFC's own example, and their media type. Whoever has the body erases
// it; that it never grows leaves no copies behind.
func keyAndCertificate(issued enroll.Issued) (mediaType string, body []byte, err error) {
	if issued.Made == nil {
		return "", nil, fmt.Errorf("serverkeygen: no key came with the certificate %s", issued.Serial)
	}
	certificate, err := ca.CertsOnly(issued.DER)
	if err != nil {
		return "", nil, err
	}
	const headers = 1 << 10
	whole := bytes.NewBuffer(make([]byte, 0, headers+base64.StdEncoding.EncodedLen(len(issued.Made.PKCS8()))+base64.StdEncoding.EncodedLen(len(certificate))))
	parts := multipart.NewWriter(whole)
	for _, part := range []struct {
		mediaType string
		der       []byte
	}{{typePKCS8, issued.Made.PKCS8()}, {typePKCS7, certificate}} {
		if err := addPart(parts, part.mediaType, part.der); err != nil {
			return "", whole.Bytes(), err
		}
	}
	err = parts.Close()
	return "multipart/mixed; boundary=" + parts.Boundary(), whole.Bytes(), err
}

func addPart(parts *multipart.Writer, mediaType string, der []byte) error {
	part, err := parts.CreatePart(textproto.MIMEHeader{
		"Content-Type":              {mediaType},
		"Content-Transfer-Encoding": {"base64"},
	})
	if err != nil {
		return err
	}
	text := transferEncode(der)
	defer clear(text)
	_, err = part.Write(text)
	return err
}
