package keys

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.step.sm/crypto/kms/apiv1"
)

var (
	// ErrScheme means that no driver for a key URI is built in.
	ErrScheme = errors.New("no driver for this kind of key")
	// ErrURI means that a key URI is not as its driver wants it.
	ErrURI = errors.New("key URI")
	// ErrExists means that a key is already where a new one was to be made.
	ErrExists = errors.New("a key is already there")
	// ErrNotFound means that there is no key at the URI.
	ErrNotFound = errors.New("no key there")
)

const (
	defaultTimeout = 5 * time.Second // less than enroll waits for a signature
	defaultAtOnce  = 8
)

// Config is what a [Keyring] is made of.
type Config struct {
	// Passphrase opens key files, and is the PIN of tokens. The zero value is none.
	Passphrase Passphrase
	// Timeout bounds each signature of a key outside this process, its wait for others
	// and the opening of the key included; 5 s by default.
	Timeout time.Duration
	// AtOnce bounds the signatures in flight with each key outside this process, and its
	// sessions; 8 by default.
	AtOnce int
	// Log is told when a key outside this process goes away and comes back; nobody is
	// by default.
	Log *slog.Logger
}

// Keyring makes and opens keys. It is safe for concurrent use. A process has one,
// because the drivers of a token share what their vendor's library has but once.
type Keyring struct {
	config  Config
	drivers map[string]driver // by scheme

	mu      sync.Mutex // guards remotes
	remotes []*Remote
}

// Close ends the sessions of all keys that are outside this process. They do not
// sign afterwards.
func (k *Keyring) Close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range k.remotes {
		r.Close()
	}
	k.remotes = nil
}

// driver makes and opens keys outside this process, of one scheme.
type driver interface {
	// create makes a key and returns its URI. Errors wrap those of this package.
	create(ctx context.Context, keyURI string, algorithm Algorithm, pass Passphrase) (string, error)
	// open finds a key. It may take long, and be called again while a token that it
	// returned is in use. Errors wrap those of this package; [ErrPassphrase] means
	// that trying again would be harmful.
	open(ctx context.Context, keyURI string, pass Passphrase) (token, error)
}

// NewKeyring makes a keyring; missing values have their defaults.
func NewKeyring(c Config) *Keyring {
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	if c.AtOnce <= 0 {
		c.AtOnce = defaultAtOnce
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Keyring{config: c, drivers: driversFor(c)}
}

// driversFor makes the drivers that are built in.
func driversFor(c Config) map[string]driver {
	all := map[string]driver{}
	addPKCS11(all, c)
	addTPM(all)
	addCloud(all)
	return all
}

// BuiltIn lists the schemes that keys can be opened by.
func BuiltIn() []string {
	return append([]string{string(apiv1.SoftKMS)}, slices.Sorted(maps.Keys(driversFor(Config{})))...)
}

// Made is a new key.
type Made struct {
	// Signer is safe for concurrent use.
	Signer crypto.Signer
	// URI is where the key is from now on: that which was asked for, or the name that
	// a KMS gave it.
	URI string
}

// Create makes a new key where the URI says. A key file is encrypted under the
// passphrase, which is required, has mode 0600, is written and synced as a whole
// or not at all, and never replaces a file: that is [ErrExists], as it is in a
// token. Where keys of the algorithm cannot be made the error wraps
// [ErrAlgorithm] or is the token's.
func (k *Keyring) Create(ctx context.Context, keyURI string, algorithm Algorithm) (Made, error) {
	scheme, err := k.schemeOf(keyURI)
	if err != nil {
		return Made{}, err
	}
	if scheme == "" {
		signer, err := createFile(keyURI, algorithm, k.config.Passphrase)
		return Made{Signer: signer, URI: keyURI}, err
	}
	where, err := k.drivers[scheme].create(ctx, keyURI, algorithm, k.config.Passphrase)
	if err != nil {
		return Made{}, fmt.Errorf("%s key: %w", scheme, err)
	}
	signer, err := k.Open(ctx, where)
	return Made{Signer: signer, URI: where}, err
}

// Open returns the signer of the key at the URI. An encrypted key file needs the
// passphrase; with none it must be unencrypted, and with a passphrase an
// unencrypted one is refused. No key there is [ErrNotFound]. The signer of a key
// outside this process is a [Remote].
func (k *Keyring) Open(ctx context.Context, keyURI string) (crypto.Signer, error) {
	scheme, err := k.schemeOf(keyURI)
	if err != nil {
		return nil, err
	}
	if scheme == "" {
		return openFile(ctx, keyURI, k.config.Passphrase)
	}
	r := k.remote(scheme, keyURI)
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// OpenLater is Open for a key that is known to be public's. Where the key is
// outside this process and cannot be reached now, which is logged, the signer
// reaches for it when it is asked to sign.
func (k *Keyring) OpenLater(ctx context.Context, keyURI string, public crypto.PublicKey) (crypto.Signer, error) {
	scheme, err := k.schemeOf(keyURI)
	if err != nil || scheme == "" {
		return k.Open(ctx, keyURI)
	}
	r := k.remote(scheme, keyURI)
	r.public = public
	err = r.begin(ctx)
	if errors.Is(err, ErrUnavailable) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// schemeOf returns the scheme of a URI that has a driver, or "" for a file: a URI
// without a scheme is a path. The URI may hold a PIN, so that no error tells it.
func (k *Keyring) schemeOf(keyURI string) (string, error) {
	if keyURI == "" {
		return "", fmt.Errorf("%w: the key URI is empty; give a path or softkms:path=…", ErrScheme)
	}
	scheme, _, has := strings.Cut(keyURI, ":")
	if !has || strings.ContainsAny(scheme, `/\.`) {
		return "", nil
	}
	if scheme = strings.ToLower(scheme); scheme == string(apiv1.SoftKMS) {
		return "", nil
	}
	if _, ok := k.drivers[scheme]; !ok {
		return "", fmt.Errorf("%w: %.20q; built in: %s. There is a build with others: make build-pkcs11", ErrScheme, scheme, strings.Join(BuiltIn(), ", "))
	}
	return scheme, nil
}
