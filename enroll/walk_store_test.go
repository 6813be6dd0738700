package enroll_test

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// pseudonym is how records name a person, from the installation's own key.
func (w *walk) pseudonym(id string) string {
	if id == "" {
		return ""
	}
	var installation enroll.Installation
	check(w.tb, w.store.View(w.tb.Context(), func(r enroll.Reader) (err error) {
		installation, err = r.Installation()
		return err
	}))
	mac := hmac.New(sha256.New, installation.PseudonymKey)
	mac.Write([]byte(id))
	return "person:" + hex.EncodeToString(mac.Sum(nil)[:16])
}

// indexOf is what stands for somebody in keys of documents.
func indexOf(id string) string {
	hash := sha256.Sum256([]byte(id))
	return hex.EncodeToString(hash[:16])
}

// checkIndexes compares the documents of the store with each other and with the
// model: each grant, token, owner, offer and code stands wherever it is looked for,
// and nothing else does.
func (w *walk) checkIndexes() error {
	m := w.model
	want := map[enroll.DocumentKind][]string{}
	add := func(kind enroll.DocumentKind, key string) { want[kind] = append(want[kind], key) }
	for _, g := range m.grants {
		add(enroll.GrantDocument, g.id)
		add(enroll.GrantOfDocument, indexOf(g.to)+"/"+g.id)
		add(enroll.GrantAtDocument, string(g.fleet.id)+"/"+g.id)
		if !g.until.IsZero() {
			add(enroll.EndDocument, fmt.Sprintf("%012d/grant/%s", g.until.Unix(), g.id))
		}
	}
	for _, t := range m.tokens {
		add(enroll.TokenDocument, t.id)
		add(enroll.TokenOfDocument, indexOf(t.maker.ID())+"/"+t.id)
		add(enroll.TokenAtDocument, string(t.fleet.id)+"/"+t.id)
		add(enroll.EndDocument, fmt.Sprintf("%012d/token/%s", t.until.Unix(), t.id))
	}
	for _, role := range m.roles {
		add(enroll.RoleDocument, role.name)
	}
	for id := range m.known {
		add(enroll.MembershipDocument, w.pseudonym(id))
	}
	for _, d := range m.devices {
		if d.owner != "" {
			add(enroll.OwnedDocument, indexOf(w.pseudonym(d.owner))+"/"+string(d.id))
		}
		if d.group != "" {
			add(enroll.OwnedDocument, indexOf(d.group)+"/"+string(d.id))
		}
		if d.offer != nil {
			add(enroll.TransferDocument, string(d.id))
			add(enroll.TransferToDocument, indexOf(w.pseudonym(d.offer.to))+"/"+string(d.id))
		}
		if d.drawn != nil {
			add(enroll.ClaimDocument, d.drawn.index())
		}
		if d.started != nil && !d.started.spent {
			add(enroll.ClaimDocument, d.started.index())
		}
	}
	for _, job := range m.jobs {
		add(enroll.JobOpenDocument, job.id)
	}
	for _, r := range m.requests {
		add(enroll.ApprovalDocument, r.id)
	}
	return w.store.View(w.tb.Context(), func(r enroll.Reader) (err error) {
		for _, kind := range []enroll.DocumentKind{
			enroll.GrantDocument, enroll.GrantOfDocument, enroll.GrantAtDocument, enroll.TokenDocument, enroll.TokenOfDocument,
			enroll.TokenAtDocument, enroll.EndDocument, enroll.RoleDocument, enroll.MembershipDocument, enroll.OwnedDocument, enroll.TransferDocument,
			enroll.TransferToDocument, enroll.ClaimDocument, enroll.JobOpenDocument, enroll.ApprovalDocument,
		} {
			found, listErr := everyDocument(r, kind)
			slices.Sort(want[kind])
			if listErr != nil || !slices.EqualFunc(found, want[kind], func(d enroll.Document, key string) bool { return d.Key == key }) {
				err = errors.Join(err, listErr, fmt.Errorf("under %s stand %v, want %v", kind, keysOf(found), want[kind]))
			}
		}
		return errors.Join(err, sameCopies(r, enroll.GrantDocument, enroll.GrantOfDocument, enroll.GrantAtDocument),
			sameCopies(r, enroll.TokenDocument, enroll.TokenOfDocument, enroll.TokenAtDocument))
	})
}

// index is where a code is looked for.
func (c *modelCode) index() string {
	if c.hash != "" {
		return c.hash
	}
	text := []byte("claim ")
	for _, c := range []byte(c.code) {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != '-' {
			text = append(text, c)
		}
	}
	hash := sha256.Sum256(text)
	return hex.EncodeToString(hash[:])
}

func keysOf(documents []enroll.Document) (keys []string) {
	for _, d := range documents {
		keys = append(keys, d.Key)
	}
	return keys
}

// everyDocument returns all documents of a kind, by key.
func everyDocument(r enroll.Reader, kind enroll.DocumentKind) (all []enroll.Document, err error) {
	page := enroll.Page{Limit: enroll.MaxPage}
	for {
		part, err := r.Documents(kind, "", page)
		if err != nil {
			return nil, err
		}
		all = append(all, part.Items...)
		if page.After = part.Next; page.After == "" {
			return all, nil
		}
	}
}

// sameCopies reports what is not kept octet by octet the same under each kind.
func sameCopies(r enroll.Reader, kinds ...enroll.DocumentKind) error {
	var first []enroll.Document
	for _, kind := range kinds {
		all, err := everyDocument(r, kind)
		if err != nil {
			return err
		}
		id := func(d enroll.Document) string {
			var kept struct{ ID string }
			if err := json.Unmarshal(d.Data, &kept); err != nil {
				return err.Error()
			}
			return kept.ID
		}
		slices.SortFunc(all, func(a, b enroll.Document) int { return cmp.Compare(id(a), id(b)) })
		if first == nil {
			first = all
		}
		if !slices.EqualFunc(first, all, func(a, b enroll.Document) bool { return string(a.Data) == string(b.Data) }) {
			return fmt.Errorf("what stands under %s is not what stands under %s", kind, kinds[0])
		}
	}
	return nil
}

// checkFresh asks a service that has just begun on the same store: what is remembered
// from before must not be what decides.
func (w *walk) checkFresh() error {
	fresh := newRigOn(w.tb, w.store, "", w.issuer, func(c *enroll.Config) {
		c.Clock, c.MembershipLifetime = w.clock.Now, w.model.lapse
	})
	return errors.Join(w.comparePowers(fresh.Service, true), w.comparePowers(w.Service, true), w.comparePaths())
}

// comparePaths compares the tree, by paths and by ids.
func (w *walk) comparePaths() error {
	root := identity.NewBreakGlass()
	for _, f := range w.model.fleets {
		for _, name := range []string{f.path(), string(f.id)} {
			info, err := w.Fleet(w.tb.Context(), root, name)
			if err != nil || info.ID != f.id || string(info.Path) != f.path() {
				return fmt.Errorf("the fleet %s is %s %s, want %s %s: %w", name, info.ID, info.Path, f.id, f.path(), err)
			}
		}
	}
	return nil
}
