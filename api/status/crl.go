package status

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/pem"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

func (d *door) getCRL(w http.ResponseWriter, r *http.Request) {
	der, next, err := d.source.CRL(r.Context(), chi.URLParam(r, "issuer"), chi.URLParam(r, "shard"))
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/pkix-crl") // RFC 2585, section 4.2
	// A CRL ends with its signature, which no two share: no digest of some hundred
	// KiB is needed.
	cacheUntil(w.Header(), der[max(0, len(der)-16):], d.clock(), next)
	// ServeContent answers If-None-Match, HEAD and ranges.
	http.ServeContent(w, r, "", thisUpdate(der), bytes.NewReader(der))
}

// cacheUntil lets caches keep what is told apart by tag for MaxAge or until next,
// whichever is sooner.
func cacheUntil(h http.Header, tag []byte, now, next time.Time) {
	age := max(0, min(MaxAge, next.Sub(now)))
	h.Set("Cache-Control", "public, no-transform, must-revalidate, max-age="+strconv.Itoa(int(age/time.Second)))
	h.Set("Expires", now.Add(age).UTC().Format(http.TimeFormat))
	h.Set("ETag", `"`+hex.EncodeToString(tag)+`"`)
}

// thisUpdate reads when a CRL was made without looking at its entries, or the
// zero time (RFC 5280, section 5.1).
func thisUpdate(der []byte) time.Time {
	input := cryptobyte.String(der)
	var list, toBeSigned cryptobyte.String
	if !input.ReadASN1(&list, asn1.SEQUENCE) || !list.ReadASN1(&toBeSigned, asn1.SEQUENCE) ||
		!toBeSigned.SkipOptionalASN1(asn1.INTEGER) || // version
		!toBeSigned.SkipASN1(asn1.SEQUENCE) || // signature
		!toBeSigned.SkipASN1(asn1.SEQUENCE) { // issuer
		return time.Time{}
	}
	var made time.Time
	if toBeSigned.PeekASN1Tag(asn1.UTCTime) && toBeSigned.ReadASN1UTCTime(&made) ||
		toBeSigned.PeekASN1Tag(asn1.GeneralizedTime) && toBeSigned.ReadASN1GeneralizedTime(&made) {
		return made
	}
	return time.Time{}
}

// getBundle streams PEM, so that its size is bounded by nothing but the number
// of certificates.
func (d *door) getBundle(w http.ResponseWriter, r *http.Request) {
	issuer := chi.URLParam(r, "issuer")
	if _, err := d.source.IssuerCertificate(r.Context(), issuer); err != nil {
		d.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	w.Header().Set("Cache-Control", "public, max-age="+strconv.Itoa(int(MaxAge/time.Second)))
	if r.Method == http.MethodHead {
		return
	}
	if err := d.writeBundle(r.Context(), w, issuer); err != nil {
		d.logFailure(r, err)
		// The status is sent already: what is cut short must look cut short.
		panic(http.ErrAbortHandler)
	}
}

func (d *door) writeBundle(ctx context.Context, w io.Writer, issuer string) error {
	buffered := bufio.NewWriterSize(w, 32<<10) // pem writes line by line
	write := func(der []byte) error {
		return pem.Encode(buffered, &pem.Block{Type: "X509 CRL", Bytes: der})
	}
	if err := d.source.CRLBundle(ctx, issuer, write); err != nil {
		return err
	}
	for _, parent := range d.parents {
		crls, err := parent.read()
		if err != nil {
			d.log.WarnContext(ctx, "parent CRL cannot be read again; serving what it was", "error", err)
		}
		for _, der := range crls {
			if err := write(der); err != nil {
				return err
			}
		}
	}
	return buffered.Flush()
}
