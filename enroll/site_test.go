package enroll_test

import (
	"context"
	"crypto"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/touchmark/touchmark/ca"
	caocsp "github.com/touchmark/touchmark/ca/ocsp"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store/bolt"
)

// site is a store that several nodes have open at once, as they have a database.
type site struct {
	store enroll.Store
	path  string

	mu    sync.Mutex // guards what follows
	nodes []*node
	terms map[enroll.Task]term
}

// term is who leads, as the token-th, until when.
type term struct {
	leader *node
	token  uint64
	until  time.Time
}

// node is a node's hold on the site's store.
type node struct {
	enroll.Store
	site      *site
	elsewhere chan struct{}

	mu   sync.Mutex // guards what follows
	cut  bool       // off from the database
	hide uint64     // records from this one on, but for the last, are not found; 0 for none
}

var errCut = errors.New("the database does not answer")

// newSite is a site on a new store, and an issuer for its nodes to share.
func newSite(t *testing.T) (*site, *ca.Issuer) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "touchmark.db")
	store, err := bolt.Open(t.Context(), bolt.Config{Path: path})
	check(t, err)
	t.Cleanup(func() { check(t, store.Close()) })
	return &site{store: store, path: path, terms: map[enroll.Task]term{}}, newIssuer(t, nil)
}

// twins are one issuer with its key at hand and with its key wrapped.
func twins(t *testing.T, wrap func(crypto.Signer) crypto.Signer) (plain, wrapped *ca.Issuer) {
	t.Helper()
	var key crypto.Signer
	plain = newIssuer(t, func(signer crypto.Signer) crypto.Signer { key = signer; return signer })
	wrapped, err := ca.NewIssuer(ca.IssuerConfig{
		Chain: plain.Chain(), Anchor: plain.Anchor(), Signer: wrap(key), PublicURL: "http://status.example",
	})
	check(t, err)
	return plain, wrapped
}

// join starts a node, in a bubble of its own time, until the test ends.
func (s *site) join(t *testing.T, issuer *ca.Issuer, options ...rigOption) (*rig, *node) {
	t.Helper()
	n := &node{Store: s.store, site: s, elsewhere: make(chan struct{}, 1)}
	s.mu.Lock()
	s.nodes = append(s.nodes, n)
	s.mu.Unlock()
	r := newRigOn(t, n, s.path, issuer, append([]rigOption{func(c *enroll.Config) { c.Clock = time.Now }}, options...)...)
	return r, n
}

// run does a node's work that nobody asks for until the test ends.
func run(t *testing.T, r *rig) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		check(t, <-done)
	})
}

func (n *node) Elsewhere() <-chan struct{} { return n.elsewhere }

func (n *node) Lead(_ context.Context, task enroll.Task) (uint64, error) {
	if n.isCut() {
		return 0, errCut
	}
	n.site.mu.Lock()
	defer n.site.mu.Unlock()
	now, is := time.Now(), n.site.terms[task]
	if is.leader != n {
		if now.Before(is.until) {
			return 0, nil
		}
		is.leader = n
		is.token++
	}
	is.until = now.Add(enroll.LeadTerm)
	n.site.terms[task] = is
	return is.token, nil
}

// leader is the node that leads a task now, or nil.
func (s *site) leader(task enroll.Task) *node {
	s.mu.Lock()
	defer s.mu.Unlock()
	if is := s.terms[task]; time.Now().Before(is.until) {
		return is.leader
	}
	return nil
}

func (n *node) set(change func(*node)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change(n)
}

func (n *node) isCut() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cut
}

func (n *node) View(ctx context.Context, fn func(enroll.Reader) error) error {
	if n.isCut() {
		return errCut
	}
	return n.Store.View(ctx, func(r enroll.Reader) error { return fn(nodeReader{r, n}) })
}

func (n *node) Update(ctx context.Context, fn func(enroll.Tx) error) error {
	if n.isCut() {
		return errCut
	}
	err := n.Store.Update(ctx, func(tx enroll.Tx) error { return fn(nodeTx{tx, n}) })
	n.site.mu.Lock()
	defer n.site.mu.Unlock()
	for _, other := range n.site.nodes {
		select {
		case other.elsewhere <- struct{}{}: // its own too: nobody promised otherwise
		default:
		}
	}
	return err
}

type nodeTx struct {
	enroll.Tx
	n *node
}

func (tx nodeTx) Leading(task enroll.Task, token uint64) error {
	tx.n.site.mu.Lock()
	defer tx.n.site.mu.Unlock()
	if is := tx.n.site.terms[task]; is.leader != tx.n || is.token != token || !time.Now().Before(is.until) {
		return enroll.ErrNotLeading
	}
	return nil
}

type nodeReader struct {
	enroll.Reader
	n *node
}

// Records does not find what is hidden.
func (r nodeReader) Records(f enroll.RecordFilter) (enroll.List[enroll.Record], error) {
	r.n.mu.Lock()
	hide := r.n.hide
	r.n.mu.Unlock()
	list, err := r.Reader.Records(f)
	if hide > 0 && len(list.Items) > 0 && list.Items[0].Index >= hide {
		list.Items = list.Items[len(list.Items)-1:]
	}
	return list, err
}

// responder is a node's OCSP responder. looked is called when a status was looked
// up, before it is used.
func responder(t *testing.T, r *rig, looked func(ca.Serial)) *caocsp.Responder {
	t.Helper()
	made, err := caocsp.New(caocsp.Config{
		Issuers: r.Issuers, CaughtUp: r.CaughtUp, Clock: time.Now,
		Lookup: func(ctx context.Context, serial ca.Serial) (caocsp.Status, error) {
			status, err := r.OCSPStatus(ctx, serial)
			looked(serial)
			return status, err
		},
		Certify: func(ctx context.Context, issuer string, key crypto.PublicKey) ([]byte, error) {
			issued, err := r.IssueOwn(ctx, enroll.Own{
				Purpose: ca.PurposeOCSPResponder, Issuer: issuer, Key: key, CommonName: "responder", Lifetime: 24 * time.Hour,
			})
			return issued.DER, err
		},
	})
	check(t, err)
	r.OnWithdrawn(made.Drop)
	return made
}

// ask returns what a responder says of a certificate: ocsp.Good, ocsp.Revoked, or
// ocsp.Unknown where it says nothing.
func ask(t *testing.T, from *caocsp.Responder, issuer *ca.Issuer, serial ca.Serial) int {
	t.Helper()
	question := caocsp.Request{CertIDs: []caocsp.CertID{caocsp.NewCertID(crypto.SHA1, issuer, serial)}}
	answer, err := from.Respond(context.WithoutCancel(t.Context()), question.Marshal())
	if err != nil {
		return ocsp.Unknown
	}
	read, err := ocsp.ParseResponse(answer.DER, issuer.Certificate())
	check(t, err)
	return read.Status
}

func nothing(ca.Serial) {}
