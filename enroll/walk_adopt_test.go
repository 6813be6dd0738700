package enroll_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// adoptPowers reads grants, roles, tokens and whoever left something to be done, from
// the documents that are the only ones of their kind; the indexes are checked by them.
func (m *model) adoptPowers(r enroll.Reader) error {
	m.grants, m.roles, m.tokens, m.requests, m.jobs, m.known = nil, nil, nil, nil, nil, map[string]*modelMember{}
	ids := map[identity.Role]string{}
	return errors.Join(
		adoptEach(r, enroll.RoleDocument, func(role enroll.Role) error {
			ids[role.Name] = role.ID
			m.roles = append(m.roles, &modelRole{string(role.Name), permsOf(role.Permissions...)})
			return nil
		}),
		adoptEach(r, enroll.GrantDocument, func(g enroll.Grant) error {
			m.grants = append(m.grants, &modelGrant{
				id: string(g.ID), to: g.For, role: string(g.Role), fleet: m.fleet(g.Fleet), until: g.Until, void: ids[g.Role] != g.RoleID,
			})
			return nil
		}),
		adoptEach(r, enroll.MembershipDocument, func(known enroll.Membership) error {
			m.known[known.ID] = &modelMember{groups: known.Groups, seenAt: known.SeenAt, changed: known.ChangedAt}
			return nil
		}),
		adoptEach(r, enroll.TokenDocument, func(t enroll.Token) error {
			maker := identity.NewBreakGlass()
			if _, subject, person := strings.Cut(t.Maker, "#"); person {
				maker = identity.Principal{Kind: identity.OIDC, Issuer: "https://idp.example", Subject: subject}
			}
			m.tokens = append(m.tokens, &modelToken{id: string(t.ID), maker: maker, may: permsOf(t.Permissions...), fleet: m.fleet(t.Fleet), until: t.Until})
			return nil
		}),
		adoptEach(r, enroll.ApprovalDocument, func(a enroll.Approval) error {
			m.requests = append(m.requests, &modelRequest{id: string(a.ID)})
			return nil
		}),
		adoptEach(r, enroll.JobDocument, func(job enroll.Job) error {
			if job.State != enroll.JobDone {
				m.jobs = append(m.jobs, &modelJob{jobDeed: jobDeed{id: string(job.ID)}})
			}
			return nil
		}),
	)
}

func adoptEach[T any](r enroll.Reader, kind enroll.DocumentKind, f func(T) error) error {
	all, err := everyDocument(r, kind)
	for _, d := range all {
		var it T
		err = errors.Join(err, json.Unmarshal(d.Data, &it), f(it))
	}
	return err
}

// adoptDevices reads whom the devices belong to, and what is offered of them. Codes are
// kept as hashes, and have to lie where the device says.
func (w *walk) adoptDevices(r enroll.Reader) error {
	names := map[string]string{"": ""}
	for _, p := range w.people {
		names[w.pseudonym(p.ID())] = p.ID()
	}
	for _, d := range w.model.devices {
		is, err := r.Device(d.id)
		if err != nil {
			return err
		}
		d.state, d.owner, d.group, d.offer, d.drawn = is.State, names[is.Owner], is.OwnerGroup, nil, nil
		var offer enroll.Transfer
		if found, err := r.Document(enroll.TransferDocument, string(d.id)); err == nil {
			if err := json.Unmarshal(found, &offer); err != nil {
				return err
			}
			d.offer = &modelOffer{names[offer.To], offer.ExpiresAt}
			if offer.From != is.Owner {
				return fmt.Errorf("%s is offered by %s and belongs to %s", d.id, offer.From, is.Owner)
			}
		}
		var codes struct {
			Drawn *struct {
				Hash  string
				Until time.Time
			}
		}
		if found, err := r.Document(enroll.ClaimOfDocument, string(d.id)); err == nil {
			if err := json.Unmarshal(found, &codes); err != nil {
				return err
			}
			if is.Owner != "" && codes.Drawn != nil {
				return fmt.Errorf("%s belongs to %s, and can be claimed", d.id, is.Owner)
			}
		}
		if codes.Drawn != nil {
			d.drawn = &modelCode{hash: codes.Drawn.Hash}
		}
	}
	return nil
}

func (m *model) fleet(id identity.FleetID) *modelFleet {
	for _, f := range m.fleets {
		if f.id == id {
			return f
		}
	}
	return nil
}
