package transfer

import (
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
)

// shard is a CRL shard with all that is kept of it.
type shard struct {
	enroll.Shard
	CRL     []byte // DER; empty before the first
	Entries []byte // pre-encoded, in order of serial number
	Count   int    // of entries
}

// listShards is Reader.Shards with what hangs on each of them.
func listShards(r enroll.Reader, p enroll.Page) (whole enroll.List[shard], err error) {
	list, err := r.Shards(p)
	if err != nil {
		return whole, err
	}
	whole.Next = list.Next
	for _, s := range list.Items {
		one := shard{Shard: s}
		if one.CRL, err = r.CRL(s.ShardKey); err != nil && !errors.Is(err, enroll.ErrNotFound) {
			return whole, err
		}
		if one.Entries, one.Count, err = r.CRLEntries(s.ShardKey); err != nil {
			return whole, err
		}
		whole.Items = append(whole.Items, one)
	}
	return whole, nil
}

func (s shard) key() string { return s.Issuer + separator + string(s.Shard.Shard) }

// put writes a shard with all that hangs on it, in the place of what there is.
func (s shard) put(tx enroll.Tx) error {
	entries, err := split(s.Entries)
	if err != nil {
		return fmt.Errorf("shard %s: %w", printable(s.key()), err)
	}
	if _, err := tx.Shard(s.ShardKey); err == nil {
		if err := tx.DeleteShard(s.ShardKey); err != nil {
			return err
		}
	}
	if err := tx.PutShard(s.Shard); err != nil {
		return err
	}
	if len(s.CRL) > 0 {
		if err := tx.PutCRL(s.ShardKey, s.CRL); err != nil {
			return err
		}
	}
	for _, e := range entries {
		if err := tx.PutCRLEntry(s.ShardKey, e.serial, e.der); err != nil {
			return err
		}
	}
	return nil
}

// entry is one revokedCertificates element (RFC 5280, section 5.1).
type entry struct {
	serial ca.Serial
	der    []byte
}

// errEntries is wrapped where a shard's entries cannot be told apart.
var errEntries = errors.New("its CRL entries cannot be read; restore the source from a backup")

// split takes the entries of a shard apart.
func split(der []byte) ([]entry, error) {
	var entries []entry
	for rest := cryptobyte.String(der); !rest.Empty(); {
		var element, inside, number cryptobyte.String
		if !rest.ReadASN1Element(&element, asn1.SEQUENCE) {
			return nil, fmt.Errorf("%w: at octet %d", errEntries, len(der)-len(rest))
		}
		whole := []byte(element)
		if !element.ReadASN1(&inside, asn1.SEQUENCE) || !inside.ReadASN1(&number, asn1.INTEGER) {
			return nil, fmt.Errorf("%w: entry %d", errEntries, len(entries))
		}
		serial, err := ca.SerialFromBytes(number)
		if err != nil {
			return nil, fmt.Errorf("%w: entry %d: %w", errEntries, len(entries), err)
		}
		entries = append(entries, entry{serial, whole})
	}
	return entries, nil
}
