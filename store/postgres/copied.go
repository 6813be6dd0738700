package postgres

import (
	"bytes"
	"fmt"
	"math"
	"slices"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
)

// What only a copy of another store writes.

// PutEnrolled implements enroll.Tx. The count stands in slot 0, which is no
// node's.
func (r *run) PutEnrolled(id enroll.OrderID, n int) error {
	if n < 0 || n > math.MaxInt32 {
		return fmt.Errorf("%d devices cannot be recorded as enrolled under the order %s: 0 to %d", n, id, math.MaxInt32)
	}
	r.mustBeAlone()
	quotaID := key{quotas, string(id)}
	values, err := r.rows(key{orders, string(id)}, quotaID)
	if err != nil {
		return err
	}
	if values[0] == nil {
		return enroll.ErrNotFound
	}
	shares, _ := values[1].(quota)
	return r.put(quotaID, shares.counted(n))
}

// counted returns the quota with n devices enrolled, all by slot 0, and nothing
// granted beyond.
func (q quota) counted(n int) quota {
	q = slices.Clone(q.withdrawn())
	for i := range q {
		q[i].taken, q[i].granted = 0, 0
		if q[i].slot == 0 {
			q[i].taken, q[i].granted = n, n
		}
	}
	return q
}

// AppendRecord implements enroll.Tx. It has a batch to itself, which numbers what
// it adds.
func (r *run) AppendRecord(record enroll.Record) error {
	r.haveToOneself()
	h := &r.a.head
	if h.more {
		return fmt.Errorf("record %d cannot be added: other nodes' events wait for their numbers", record.Index)
	}
	if next := h.size + uint64(len(h.events)+len(r.a.events)+len(r.events)); record.Index != next {
		return fmt.Errorf("record %d cannot be added: the next of the log is %d", record.Index, next)
	}
	device, err := deviceOf(record.Data)
	if err == nil && device != "" {
		err = checkDeviceID(device)
	}
	if err == nil && len(record.Data) > audit.MaxLeaf {
		err = fmt.Errorf("%d bytes are more than a record has, %d", len(record.Data), audit.MaxLeaf)
	}
	if err != nil {
		return fmt.Errorf("record %d cannot be added: %w", record.Index, err)
	}
	r.events = append(r.events, event{device: string(device), leaf: bytes.Clone(record.Data)})
	return nil
}
