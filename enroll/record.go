package enroll

import (
	"context"
	"errors"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity"
)

// record judges the request again on what the store says now and, in the same
// transaction, writes the outcome: the certificate that was signed for planned,
// or the refusal. A verdict without any member set means that what was signed
// does not fit what is decided now.
func (s *Service) record(ctx context.Context, request *opened, signed *ca.Signed, planned *plan) (said verdict, err error) {
	done := s.watch(StepRecord)
	defer func() { done(err) }()
	err = s.store.Update(ctx, func(tx Tx) error {
		if said, err = s.judge(tx, request); err != nil {
			return err
		}
		switch {
		case said.refusal != nil:
			return s.writeRefusal(ctx, tx, request, said)
		case said.asking != nil:
			said.waiting, err = s.askToEnrol(ctx, tx, request, said)
			return err
		case said.plan == nil:
			return nil
		case signed == nil || said.plan.basis() != planned.basis():
			said = verdict{}
			return nil
		}
		said.recorded, said.ended, err = s.writeIssuance(ctx, tx, request, said.plan, signed)
		if errors.Is(err, ErrQuota) {
			return Refuse(OrderFull, "all devices of the order are enrolled")
		}
		return err
	})
	if signed != nil && (err != nil || said.recorded == nil) {
		s.observer.Count(CountDiscarded, 1)
	}
	return said, err
}

// writeIssuance writes the device, the certificate with its predecessor, quota,
// ticket and events. It returns what was recorded, and what it revoked.
func (s *Service) writeIssuance(ctx context.Context, tx Tx, request *opened, p *plan, signed *ca.Signed) (*Certificate, []ca.Serial, error) {
	d, now := p.device, s.now()
	voucher, err := s.vouched(tx, request, p.at)
	if err != nil {
		return nil, nil, err
	}
	var ended []ca.Serial
	if p.isNew {
		if err := tx.TakeQuota(p.order); err != nil {
			return nil, nil, err
		}
	}
	if p.what == another {
		revocation := withdrawal{status: StatusRevoked, reason: ca.Superseded, when: now, at: voucher.at, grant: voucher.grant}
		if ended, err = s.withdrawAll(ctx, tx, actorOf(request.Principal, d.ID), &d, revocation); err != nil {
			return nil, nil, err
		}
	}
	recorded := Certificate{
		Serial: signed.Serial, DER: signed.DER, Issuer: signed.IssuerID, Shard: signed.Shard, Profile: signed.Profile,
		Device: d.ID, Predecessor: p.predecessor, Number: d.Issued + 1, Key: signed.KeyHash, NotBefore: signed.NotBefore,
		Status: StatusGood,
	}
	d.take(recorded, request, p, now)
	err = errors.Join(
		putCertificate(tx, recorded),
		tx.PutKey(recorded.Key, KeyUse{Device: d.ID}),
		s.tellIssuance(ctx, tx, request, p, recorded, voucher),
		s.give(ctx, tx, request, p, &d),
	)
	return &recorded, ended, errors.Join(err, tx.PutDevice(d))
}

// give makes a device that is enrolled its owner's.
func (s *Service) give(ctx context.Context, tx Tx, request *opened, p *plan, d *Device) error {
	if p.owner == ownersOf(d) {
		return nil
	}
	return s.changeOwner(ctx, tx, d, p.at, ownerChange{to: p.owner, by: actorOf(request.Principal, d.ID), how: request.Evidence.operation()})
}

// take changes the device's record by a certificate that it is given.
func (d *Device) take(given Certificate, request *opened, p *plan, now time.Time) {
	d.Live = append(d.standing(now), LiveCertificate{
		Serial: given.Serial, Predecessor: given.Predecessor, Key: given.Key, Status: StatusGood,
	})
	newest := d.Live[len(d.Live)-1]
	d.Newest = &newest
	d.Issued = given.Number
	if p.forked {
		d.ForkedAt = now
	}
	d.Version++
	d.ChangedAt = now
	if p.what == renewal {
		return
	}
	d.Enrolment = &Enrolment{Order: p.order, Key: given.Key, Serial: given.Serial}
	d.Reenrol = nil
	if _, ok := request.Evidence.(TicketEvidence); ok && d.Ticket != nil {
		used := *d.Ticket
		used.UsedBy = &given.Key
		d.Ticket = &used
	}
}

// putCertificate writes a certificate, and in the shard that it names that it is used
// where it is the first of it.
func putCertificate(tx Tx, c Certificate) error {
	if err := tx.PutCertificate(c); err != nil || c.Shard == "" {
		return err
	}
	key := ShardKey{Issuer: c.Issuer, Shard: c.Shard}
	shard, err := tx.Shard(key)
	switch {
	case errors.Is(err, ErrNotFound): // nobody foresaw it
		shard = Shard{ShardKey: key}
	case err != nil || shard.Changes > 0:
		return err
	}
	if shard.Changes = 1; shard.Number > 0 {
		shard.Published = 1 // the CRL that was made ahead of time lists nothing, as it should
	}
	return tx.PutShard(shard)
}

// tellIssuance appends the events of an issuance.
func (s *Service) tellIssuance(ctx context.Context, tx Tx, request *opened, p *plan, c Certificate, voucher entitled) error {
	at := p.at
	actor := actorOf(request.Principal, c.Device)
	end := c.Serial.NotAfter()
	if p.what != renewal {
		enrolled := s.event(ctx, actor, DeviceEnrolled)
		enrolled.by(voucher)
		enrolled.Order, enrolled.Device, enrolled.Key = p.order, c.Device, &c.Key
		enrolled.Operation = request.Evidence.operation()
		if err := s.append(tx, actor, enrolled); err != nil {
			return err
		}
	}
	if p.forked {
		fork := s.event(ctx, actor, RenewalForked)
		fork.at(at)
		fork.Order, fork.Device, fork.Key, fork.Predecessor = p.order, c.Device, &c.Key, &c.Predecessor
		if err := s.append(tx, actor, fork); err != nil {
			return err
		}
	}
	issued := s.event(ctx, actor, CertificateIssued)
	issued.by(voucher)
	issued.Order, issued.Device, issued.Key = p.order, c.Device, &c.Key
	issued.Certificate, issued.Issuer, issued.Profile, issued.NotAfter = &c.Serial, c.Issuer, c.Profile, &end
	if !c.Predecessor.IsZero() {
		issued.Predecessor = &c.Predecessor
	}
	if request.MakeKey {
		issued.Operation = operationKeygen
	}
	return s.append(tx, actor, issued)
}

// writeRefusal writes that a caller who proved who it is was refused, and marks
// the device where the refusal is a suspicion. What is refused over and over is
// counted, and written with the number of times.
func (s *Service) writeRefusal(ctx context.Context, tx Tx, request *opened, said verdict) error {
	if !said.proven {
		return nil
	}
	actor := request.Principal
	if said.device != nil {
		actor = actorOf(actor, said.device.ID)
	}
	if said.order != "" {
		if err := tx.CountRefusal(said.order, said.refusal.Code, 1); err != nil {
			return err
		}
	}
	if !s.standsAlone(request, actor, said) {
		return nil
	}
	event := s.event(ctx, actor, RequestRefused)
	if err := s.placeRefusal(ctx, tx, &event, said); err != nil {
		return err
	}
	event.Operation, event.Code = request.Evidence.operation(), said.refusal.Code
	if !request.key.IsZero() {
		event.Key = &request.key
	}
	if said.suspicion != "" {
		event.Kind = said.suspicion
	}
	if d := said.device; d != nil {
		event.Device = d.ID
		if said.suspicion != "" {
			if err := s.putSuspect(tx, *d, said.suspicion); err != nil {
				return err
			}
		}
	}
	return s.append(tx, request.Principal, event)
}

// standsAlone reports whether a refusal is to be written in an event of its own. It is
// counted once, however often the transaction runs. A suspicion is not lost among
// refusals of another kind: each kind of it has a number of its own.
func (s *Service) standsAlone(request *opened, actor identity.Principal, said verdict) bool {
	if request.alone == nil {
		alone := s.refusals.alone(actor, said.refusal.Code, said.suspicion)
		request.alone = &alone
	}
	return *request.alone
}

// placeRefusal says in an event what an enrolment that was refused was about, and
// where: by what was proven, or else by what the request named.
func (s *Service) placeRefusal(ctx context.Context, tx Tx, event *Event, said verdict) error {
	target := targetOf(ctx)
	switch {
	case said.device != nil:
		target = Target{Text: target.Text, Device: string(said.device.ID)}
	case said.order != "":
		target = Target{Text: target.Text, Order: string(said.order)}
	}
	err := s.aim(tx, event, target)
	if said.order != "" {
		event.Order = said.order
	}
	return err
}

// putSuspect flags a device of which there seem to be two.
func (s *Service) putSuspect(tx Tx, d Device, suspicion EventKind) error {
	if suspicion == RenewalForked {
		d.ForkedAt = s.now()
	} else {
		d.CloneSuspectedAt = s.now()
	}
	d.Version++
	d.ChangedAt = s.now()
	return tx.PutDevice(d)
}

// actorOf says who acts in a request: the principal, or the device that proved
// itself by evidence alone.
func actorOf(p identity.Principal, device identity.DeviceID) identity.Principal {
	if p.Kind == identity.Anonymous {
		return identity.Principal{Kind: identity.Certificate, Device: device}
	}
	return p
}
