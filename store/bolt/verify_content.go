package bolt

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
)

// content checks the DER of a row: that it is whole, is what its key says, and
// was signed by the issuer that the row names; and that the keys and orders that
// devices and certificates name are there.
func (v *verifier) content(t tree, key, value []byte) error {
	switch t {
	case issuers:
		return v.issuer(key, value)
	case devices:
		return v.deviceRelated(key, value)
	case certificates: // all issuers were met by now
		if err := v.certificateKey(value); err != nil {
			return err
		}
		key, value = bytes.Clone(key), bytes.Clone(value)
		v.aside.Go(func() error { return rowFault(t, key, v.certificate(key, value)) })
		return nil
	case crls:
		return v.crl(key, value)
	case crlEntries:
		return crlEntry(key, value)
	default:
		return nil
	}
}

func (v *verifier) issuer(key, value []byte) error {
	row, err := read[issuerRow](value)
	if err != nil {
		return err
	}
	issuer, err := x509.ParseCertificate(row.DER)
	if err != nil {
		return err
	}
	if id := ca.IssuerID(issuer); id != string(key) {
		return fmt.Errorf("the certificate is that of the issuer %s", id)
	}
	v.issuers[string(key)] = issuer
	return nil
}

func (v *verifier) certificate(key, value []byte) error {
	row, err := read[certificateRow](value)
	if err != nil {
		return err
	}
	c, err := x509.ParseCertificate(row.DER)
	if err != nil {
		return err
	}
	serial, err := ca.SerialFromInt(c.SerialNumber)
	switch {
	case err != nil:
		return err
	case !bytes.Equal(serial[:], key):
		return fmt.Errorf("the certificate has the serial number %s", serial)
	case sha256.Sum256(c.RawSubjectPublicKeyInfo) != row.Key:
		return errors.New("the certificate is of another public key")
	case !slices.Contains([]string{string(enroll.StatusGood), string(enroll.StatusHeld), string(enroll.StatusRevoked)}, row.Status):
		return fmt.Errorf("there is no status %.20q", row.Status)
	}
	return v.signed(row.Issuer, func(by *x509.Certificate) error {
		return by.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature)
	})
}

func (v *verifier) crl(key, value []byte) error {
	list, err := x509.ParseRevocationList(value)
	if err != nil {
		return err
	}
	issuer, _, _ := bytes.Cut(key, []byte{separator})
	return v.signed(string(issuer), func(by *x509.Certificate) error {
		return by.CheckSignature(list.SignatureAlgorithm, list.RawTBSRevocationList, list.Signature)
	})
}

// signed checks a signature of one of the store's issuers.
func (v *verifier) signed(issuer string, check func(by *x509.Certificate) error) error {
	by := v.issuers[issuer]
	if by == nil {
		return fmt.Errorf("its issuer %q is not in the store", issuer)
	}
	return check(by)
}

// crlEntry checks that an entry of a CRL is one (RFC 5280, section 5.1), of the
// serial number that its key ends with.
func crlEntry(key, value []byte) error {
	var entry pkix.RevokedCertificate
	rest, err := asn1.Unmarshal(value, &entry)
	switch {
	case err != nil:
		return err
	case len(rest) > 0:
		return errors.New("something follows the entry of the CRL")
	}
	if serial, err := ca.SerialFromInt(entry.SerialNumber); err != nil || !bytes.HasSuffix(key, serial[:]) {
		return errors.Join(errors.New("the entry of the CRL is that of another certificate"), err)
	}
	return nil
}
