package nodes_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/certs-test/fleet"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// seen is how long a revocation may take to be seen on other nodes in a test: the
// promise is a second, and the rest is for slow machines.
const seen = 20 * time.Second

func httpClient() *http.Client { return &http.Client{Timeout: 10 * time.Second} }

// operator is the administrator at a node.
func (s *site) operator(t *testing.T, node int) *client.Client {
	t.Helper()
	made, err := client.New(client.Config{
		Server: "https://" + s.lab.Site.Nodes[node].API, CAFile: s.lab.Site.RootFile,
		Token: func(context.Context) (string, error) { return s.lab.Site.Token, nil },
	})
	check(t, err)
	return made
}

// ask returns what a node's OCSP says of a certificate.
func (s *site) ask(t *testing.T, node int, leaf *x509.Certificate) (int, error) {
	t.Helper()
	question, err := ocsp.CreateRequest(leaf, s.lab.Site.Issuer, nil)
	check(t, err)
	answer, err := httpClient().Post("http://"+s.lab.Site.Nodes[node].Status+"/ocsp", "application/ocsp-request", bytes.NewReader(question))
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	der, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return 0, err
	}
	said, err := ocsp.ParseResponseForCert(der, leaf, s.lab.Site.Issuer)
	if err != nil {
		return 0, err
	}
	return said.Status, nil
}

// volunteer is a device that no ledger cares for.
type volunteer struct {
	id   string
	leaf *x509.Certificate
}

// volunteers enrols devices to be revoked.
func (s *site) volunteers(t *testing.T, name string, least int) []volunteer {
	t.Helper()
	extras, err := fleet.New(fleet.Config{Site: s.lab.Site, Clients: 8, Seed: 2, Name: name, Clock: time.Now})
	check(t, err)
	defer extras.Close()
	var ready []volunteer
	for len(ready) < least {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		extras.Work(ctx)
		cancel()
		ready = nil
		for _, order := range extras.Ledger.Orders {
			for _, d := range order.Devices {
				if c := d.Newest(); d.State == identity.Active && d.Doubt == nil && c != nil && c.Status == enroll.StatusGood {
					ready = append(ready, volunteer{d.ID(), c.Leaf})
				}
			}
		}
	}
	return ready[:least]
}

// revoke revokes a volunteer at a node.
func (s *site) revoke(t *testing.T, node int, v volunteer) {
	t.Helper()
	_, err := s.operator(t, node).ActOnDevice(t.Context(), v.id, identity.Revoke, resource.Action{})
	check(t, err)
}

// awaitRevoked waits until a node says that a volunteer is revoked.
func (s *site) awaitRevoked(t *testing.T, node int, v volunteer) {
	t.Helper()
	eventually(t, seen, fmt.Sprintf("%s is revoked, and node %d does not say so", v.id, node), func() error {
		status, err := s.ask(t, node, v.leaf)
		if err == nil && status != ocsp.Revoked {
			err = fmt.Errorf("status %d", status)
		}
		return err
	})
}

// keep has every node say, and so keep, that a volunteer is good.
func (s *site) keep(t *testing.T, v volunteer) {
	t.Helper()
	for node := range s.servers {
		eventually(t, seen, fmt.Sprintf("%s is good, and node %d does not say so", v.id, node), func() error {
			status, err := s.ask(t, node, v.leaf)
			if err == nil && status != ocsp.Good {
				err = fmt.Errorf("status %d", status)
			}
			return err
		})
	}
}

// spread revokes volunteers, one after the other at each node in turn, and returns
// how long after the answer the other nodes said so, sorted. The node itself says
// so at once.
func (s *site) spread(t *testing.T, of []volunteer) []time.Duration {
	t.Helper()
	var took []time.Duration
	for i, v := range of {
		s.keep(t, v)
		at := i % nodeCount
		s.revoke(t, at, v)
		told := time.Now()
		if status, err := s.ask(t, at, v.leaf); err != nil || status != ocsp.Revoked {
			t.Errorf("the node that answered the revocation says %d, %v", status, err)
		}
		for node := range s.servers {
			if node != at {
				s.awaitRevoked(t, node, v)
				took = append(took, time.Since(told))
			}
		}
	}
	slices.Sort(took)
	return took
}

// percentile returns a percentile of sorted durations.
func percentile(sorted []time.Duration, p int) time.Duration {
	return sorted[min(len(sorted)*p/100, len(sorted)-1)]
}
