package lab

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/cmd/touchmark/config"
	"github.com/touchmark/touchmark/cmd/touchmark/durable"
	"github.com/touchmark/touchmark/cmd/touchmark/issuers"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store"
)

// Options are what a lab may have other than usual.
type Options struct {
	Dir                                          string
	DeviceAddr, APIAddr, StatusAddr, MetricsAddr string
	// PublicURL is how the world reaches the status listener; by default how this
	// machine does.
	PublicURL string
	Store     string
	// OIDCIssuer and OIDCAudience are both set or neither.
	OIDCIssuer, OIDCAudience string
	// Anchor is the file with a corporate root that exists, and ParentCRL the file
	// with its CRL; both are copied. Without Anchor the lab makes its own root.
	Anchor, ParentCRL string
}

// Lab is what was written.
type Lab struct {
	Config      string `json:"config"`
	AdminToken  string `json:"admin_token"`  // file
	LogVerifier string `json:"log_verifier"` // the key itself, which is public
	// Issuer is the name of the issuing CA; empty where the corporate PKI has to be
	// asked first.
	Issuer string `json:"issuer,omitempty"`
}

// ErrExists means that the folder holds a lab, or a part of one, already.
var ErrExists = errors.New("there is a lab already")

// parts are what a lab puts into its folder.
func parts() []string {
	return []string{"touchmark.yaml", "admin.token", "log.key", "log.vkey", "data", "pki"}
}

// Write makes a lab. Where it fails it leaves nothing behind.
func Write(ctx context.Context, o Options, now time.Time) (lab Lab, err error) {
	for _, part := range parts() {
		path := filepath.Join(o.Dir, part)
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return Lab{}, fmt.Errorf("%w: %s is there; nothing was changed, choose another folder or remove it", ErrExists, path)
		}
	}
	o.setDefaults()
	defer func() {
		if err != nil {
			for _, part := range parts() {
				err = errors.Join(err, os.RemoveAll(filepath.Join(o.Dir, part)))
			}
		}
	}()
	if err := makeFolders(o.Dir); err != nil {
		return Lab{}, err
	}
	w := &writer{dir: o.Dir}
	var pki *root
	if o.Anchor != "" {
		w.adopt(o)
	} else {
		pki = w.makeRoot(now)
	}
	lab.LogVerifier = w.settle(o)
	if w.err != nil {
		return Lab{}, w.err
	}
	lab.Config = filepath.Join(o.Dir, "touchmark.yaml")
	settings, _, err := config.Load(lab.Config)
	if err != nil {
		return Lab{}, err
	}
	if _, err := issuers.Of(settings, nil).ReadAnchor(); err != nil {
		return Lab{}, err
	}
	if pki != nil {
		if lab.Issuer, err = makeIssuer(ctx, settings, pki); err != nil {
			return Lab{}, err
		}
	}
	lab.AdminToken = filepath.Join(o.Dir, "admin.token")
	return lab, makeAdmin(ctx, settings.Store, lab.AdminToken, now, mustBeNew)
}

// HasParentCRL says whether the configuration names one.
func (o Options) HasParentCRL() bool { return o.Anchor == "" || o.ParentCRL != "" }

func (o *Options) setDefaults() {
	for _, option := range []struct {
		value    *string
		fallback string
	}{
		{&o.DeviceAddr, config.DefaultDeviceAddr},
		{&o.APIAddr, config.DefaultAPIAddr},
		{&o.StatusAddr, config.DefaultStatusAddr},
		{&o.MetricsAddr, config.DefaultMetricsAddr},
		{&o.Store, "bolt:data/touchmark.db"},
	} {
		if *option.value == "" {
			*option.value = option.fallback
		}
	}
	if o.PublicURL == "" {
		o.PublicURL = publicURL(o.StatusAddr)
	}
}

func makeFolders(dir string) error {
	// Certificates are for all to read, what the store keeps is not.
	err := os.MkdirAll(filepath.Join(dir, "pki"), 0o755) //nolint:gosec // as said
	if err == nil {
		err = os.Mkdir(filepath.Join(dir, "data"), 0o700)
	}
	if err != nil {
		return fmt.Errorf("write the lab: %w", err)
	}
	return nil
}

// makeIssuer goes the way of ca request and ca install.
func makeIssuer(ctx context.Context, settings *config.Settings, pki *root) (string, error) {
	folder := issuers.Of(settings, nil)
	defer folder.Keys.Close()
	_, csr, err := folder.Request(ctx, issuers.Request{CommonName: "Touchmark Lab Issuing CA 1", Organization: "Touchmark Lab"})
	if err != nil {
		return "", err
	}
	certificate, err := pki.sign(csr)
	if err != nil {
		return "", err
	}
	return folder.Install(ctx, ca.EncodeCertificatesPEM(certificate.Raw), settings.ChainCheck(pki.now))
}

// MakeAdmin makes a new break-glass token, writes its hash into a store that no
// server has to itself, and the token to a file with mode 0600, which it replaces.
func MakeAdmin(ctx context.Context, storeURL, tokenFile string, now time.Time) error {
	return makeAdmin(ctx, storeURL, tokenFile, now, func(context.Context, enroll.Store) error { return nil })
}

// mustBeNew refuses a store that another lab uses, as a database may be.
func mustBeNew(ctx context.Context, kept enroll.Store) error {
	err := kept.View(ctx, func(r enroll.Reader) error {
		_, err := r.Installation()
		return err
	})
	switch {
	case errors.Is(err, enroll.ErrNotFound):
		return nil
	case err == nil:
		err = fmt.Errorf("%w in the store; a second node shares the first one's folder, a second lab needs a store of its own", ErrExists)
	}
	return err
}

func makeAdmin(ctx context.Context, storeURL, tokenFile string, now time.Time, judge func(context.Context, enroll.Store) error) error {
	token, hash, err := enroll.NewBreakGlassToken(rand.Reader)
	if err != nil {
		return err
	}
	kept, err := store.Open(ctx, storeURL, store.Options{})
	if err != nil {
		return err
	}
	err = judge(ctx, kept)
	// The file first: a token that is not valid yet can be made anew, one that
	// nobody knows cannot be used.
	if err == nil {
		err = durable.Replace(tokenFile, []byte(token+"\n"), 0o600)
	}
	if err == nil {
		err = enroll.SetBreakGlass(ctx, kept, hash, rand.Reader, now)
	}
	return errors.Join(err, kept.Close())
}

// writer writes files into dir until the first that fails.
type writer struct {
	dir string
	err error
}

func (w *writer) create(name string, data []byte, mode fs.FileMode) {
	if w.err == nil {
		w.err = durable.Create(filepath.Join(w.dir, name), data, mode)
	}
}

// try keeps a failure of what leads to a file.
func (w *writer) try(data []byte, err error) []byte {
	if w.err == nil {
		w.err = err
	}
	return data
}

func (w *writer) makeRoot(now time.Time) *root {
	pki, err := newRoot(now)
	if err != nil {
		w.err = err
		return nil
	}
	w.create("pki/corporate-root.key", w.try(pki.keyPEM()), 0o600)
	w.create("pki/corporate-root.crt", ca.EncodeCertificatesPEM(pki.certificate.Raw), 0o644)
	w.create("pki/corporate-root.crl", w.try(pki.crl()), 0o644)
	return pki
}

// adopt copies what a corporate PKI that exists hands out.
func (w *writer) adopt(o Options) {
	w.create("pki/corporate-root.crt", w.try(os.ReadFile(o.Anchor)), 0o644)
	if o.ParentCRL != "" {
		w.create("pki/corporate-root.crl", w.try(os.ReadFile(o.ParentCRL)), 0o644)
	}
}

// settle writes the passphrase, the log's keys and the configuration, and returns
// the log's verifier key.
func (w *writer) settle(o Options) (verifier string) {
	w.create("pki/passphrase", []byte(rand.Text()+"\n"), 0o600)
	var name [4]byte
	_, err := rand.Read(name[:])
	w.try(nil, err)
	origin := "touchmark-lab-" + hex.EncodeToString(name[:]) + "/log"
	signer, verifier, err := note.GenerateKey(rand.Reader, origin)
	w.try(nil, err)
	w.create("log.key", []byte(signer+"\n"), 0o600)
	w.create("log.vkey", []byte(verifier+"\n"), 0o644)
	mode := fs.FileMode(0o644)
	if u, err := url.Parse(o.Store); err == nil && u.User != nil {
		mode = 0o600 // it may hold a password
	}
	w.create("touchmark.yaml", w.try(configuration(o, origin)), mode)
	return verifier
}
