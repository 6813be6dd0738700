package ca

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// CRLParams is what a CRL says.
type CRLParams struct {
	// Shard is the CRL's scope; its address stands in the CRL's issuing
	// distribution point, as in the certificates' CRL distribution points.
	Shard ShardID
	// Number is the CRL number (RFC 5280, section 5.2.3), greater than that of
	// every CRL of this shard before.
	Number uint64
	// ThisUpdate and NextUpdate say when the CRL was made, and by when the next
	// one will be; they are cut to seconds.
	ThisUpdate, NextUpdate time.Time
	// Entries are the revoked certificates, each as [EncodeCRLEntry] encodes it,
	// one after the other, in any order.
	Entries []byte
}

// EncodeCRLEntry encodes one revokedCertificates element (RFC 5280, section
// 5.1.2.6) with its reason code, which is left out for [Unspecified]
// (section 5.3.1). It takes 39 to 55 octets.
func EncodeCRLEntry(s Serial, revokedAt time.Time, r Reason) []byte {
	b := cryptobyte.NewBuilder(make([]byte, 0, 64))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.INTEGER, func(b *cryptobyte.Builder) { b.AddBytes(s[:]) })
		addTime(b, revokedAt)
		if r == Unspecified {
			return
		}
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addExtension(b, oidReasonCode, false, func(b *cryptobyte.Builder) { b.AddASN1Enum(int64(r)) })
		})
	})
	return b.BytesOrPanic()
}

// SignCRL makes and signs a complete CRL (version 2) of one shard. The entries
// are copied once and not parsed beyond their outer lengths, so that its cost
// is that of one hash and one signature. The signature is verified before it is
// returned. ctx is looked at before the key is used.
func (i *Issuer) SignCRL(ctx context.Context, p CRLParams) ([]byte, error) {
	if err := i.checkCRL(p); err != nil {
		return nil, fmt.Errorf("CRL %s of issuer %s: %w", p.Shard, i.id, err)
	}
	before, after, err := i.crlParts(p)
	if err != nil {
		return nil, fmt.Errorf("CRL %s of issuer %s: %w", p.Shard, i.id, err)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("CRL %s of issuer %s: %w", p.Shard, i.id, err)
	}
	der, err := i.assembleCRL(before, p.Entries, after)
	if err != nil {
		return nil, fmt.Errorf("CRL %s of issuer %s: %w", p.Shard, i.id, err)
	}
	return der, nil
}

func (i *Issuer) checkCRL(p CRLParams) error {
	if i.publicURL == "" {
		return errors.New("the issuer has no public URL, so no certificate names its CRLs; set status.public_url")
	}
	if _, err := ParseShardID(string(p.Shard)); err != nil {
		return err
	}
	if !p.NextUpdate.After(p.ThisUpdate) {
		return fmt.Errorf("nextUpdate %s is not after thisUpdate %s", p.NextUpdate, p.ThisUpdate)
	}
	return checkEntries(p.Entries)
}

// checkEntries walks over the entries' outer tags and lengths: a torn record
// must not become a CRL that nobody can read.
func checkEntries(entries []byte) error {
	rest := cryptobyte.String(entries)
	for !rest.Empty() {
		if !rest.SkipASN1(cbasn1.SEQUENCE) {
			return fmt.Errorf("entries are malformed at octet %d of %d; encode each with EncodeCRLEntry", len(entries)-len(rest), len(entries))
		}
	}
	return nil
}

// crlParts encodes what stands in the TBSCertList before and after the entries
// (RFC 5280, section 5.1).
func (i *Issuer) crlParts(p CRLParams) (before, after []byte, err error) {
	head := cryptobyte.NewBuilder(nil)
	head.AddASN1Int64(1) // version 2
	head.AddBytes(i.scheme.identifier)
	head.AddBytes(i.chain[0].RawSubject)
	addTime(head, p.ThisUpdate)
	addTime(head, p.NextUpdate)
	if before, err = head.Bytes(); err != nil {
		return nil, nil, err
	}
	tail := cryptobyte.NewBuilder(nil)
	tail.AddASN1(contextTag(0), func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addExtension(b, oidAuthorityKeyID, false, func(b *cryptobyte.Builder) { addKeyID(b, i.chain[0].SubjectKeyId) })
			addExtension(b, oidCRLNumber, false, func(b *cryptobyte.Builder) { b.AddASN1Uint64(p.Number) })
			addExtension(b, oidIssuingDistributionPoint, true, func(b *cryptobyte.Builder) { addDistributionPoint(b, i.CRLURL(p.Shard)) })
		})
	})
	after, err = tail.Bytes()
	return before, after, err
}

// addDistributionPoint adds a DistributionPoint, or IssuingDistributionPoint, with
// one URI as its fullName (RFC 5280, sections 4.2.1.13 and 5.2.5).
func addDistributionPoint(b *cryptobyte.Builder, uri string) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(contextTag(0), func(b *cryptobyte.Builder) { // distributionPoint
			b.AddASN1(contextTag(0), func(b *cryptobyte.Builder) { // fullName
				addGeneralName(b, nameURI, []byte(uri))
			})
		})
	})
}

// assembleCRL writes the TBSCertList into the middle of a buffer that has room
// for the outer header before it and the signature after it, so that a CRL of
// any size is copied once.
func (i *Issuer) assembleCRL(before, entries, after []byte) ([]byte, error) {
	const room, signatureRoom = 6, 1100 // the longest header; an RSA signature of 8192 bits
	content := len(before) + len(after)
	if len(entries) > 0 { // revokedCertificates is absent when there are none
		content += len(derHeader(cbasn1.SEQUENCE, len(entries))) + len(entries)
	}
	buf := make([]byte, room, 2*room+content+signatureRoom)
	buf = append(buf, derHeader(cbasn1.SEQUENCE, content)...)
	buf = append(buf, before...)
	if len(entries) > 0 {
		buf = append(buf, derHeader(cbasn1.SEQUENCE, len(entries))...)
		buf = append(buf, entries...)
	}
	buf = append(buf, after...)
	tbs := buf[room:]

	signature, err := i.scheme.sign(i.signer, tbs)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	if err := i.chain[0].CheckSignature(i.scheme.algorithm, tbs, signature); err != nil {
		return nil, fmt.Errorf("the key returned a wrong signature: %w", err)
	}
	buf = append(buf, i.scheme.identifier...)
	buf = append(buf, derHeader(cbasn1.BIT_STRING, len(signature)+1)...)
	buf = append(buf, 0) // no unused bits
	buf = append(buf, signature...)

	header := derHeader(cbasn1.SEQUENCE, len(buf)-room)
	start := room - len(header)
	copy(buf[start:], header)
	return buf[start:], nil
}
