package config

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store"
)

// Addresses are where the listeners of one node listen; what is empty, the file
// says.
type Addresses struct{ Device, API, Status, Metrics string }

// Load reads and checks the file at path.
func Load(path string) (*Settings, []Fault, error) { return LoadAt(path, Addresses{}) }

// LoadAt is Load for a node that listens elsewhere than the file says, as the
// second of two that share it.
func LoadAt(path string, at Addresses) (*Settings, []Fault, error) {
	content, err := readContent(path)
	if err != nil {
		return nil, nil, err
	}
	file, err := Parse(content)
	if err != nil {
		return nil, nil, fmt.Errorf("configuration %s: %w", path, err)
	}
	file.Device.Addr = orDefault(at.Device, file.Device.Addr)
	file.API.Addr = orDefault(at.API, file.API.Addr)
	file.Status.Addr = orDefault(at.Status, file.Status.Addr)
	file.Metrics.Addr = orDefault(at.Metrics, file.Metrics.Addr)
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, nil, fmt.Errorf("configuration: %w", err)
	}
	settings, warnings, err := Check(file, dir)
	if err != nil {
		return nil, warnings, fmt.Errorf("configuration %s:\n%w", path, err)
	}
	digest := sha256.Sum256(content)
	settings.Digest = hex.EncodeToString(digest[:])
	return settings, warnings, nil
}

// Check turns a file that lies in dir, an absolute path, into Settings. The error
// is Faults, all there are. Warnings are what will work but should not stay.
func Check(file File, dir string) (*Settings, []Fault, error) {
	c := checker{dir: dir}
	s := &Settings{
		Store:         c.store(file.Store),
		PEN:           c.pen(file.PEN),
		Device:        c.bind("device", file.Device.Addr, DefaultDeviceAddr, file.Device.MaxConnections),
		API:           c.bind("api", file.API.Addr, DefaultAPIAddr, file.API.MaxConnections),
		Status:        c.bind("status", file.Status.Addr, DefaultStatusAddr, file.Status.MaxConnections),
		Metrics:       c.metrics(file.Metrics),
		Pprof:         file.Metrics.Pprof,
		PublicURL:     c.publicURL(file.Status.PublicURL),
		Anchor:        c.file("ca.anchor", file.CA.Anchor, "name the file with the corporate root's certificate"),
		IssuerDir:     c.path(orDefault(file.CA.Dir, DefaultIssuerDir)),
		Passphrase:    c.passphrase(file.CA.Passphrase),
		Profiles:      c.profiles(file.Profiles),
		OIDC:          c.oidc(file.OIDC.Providers, file.Roles),
		LogKey:        c.file("log.key", file.Log.Key, "name the file with the key that signs the log's checkpoints"),
		LogOrigin:     c.origin(file.Log.Origin),
		CRLLifetime:   c.duration("crl.lifetime", file.CRL.Lifetime, defaultCRLLifetime, time.Minute, maxCRLLifetime),
		ReenrolWindow: c.duration("reenrol_window", file.ReenrolWindow, defaultReenrol, time.Minute, maxReenrol),
		ArchiveDir:    c.path(orDefault(file.Archive.Dir, DefaultArchiveDir)),
		LogLevel:      c.level(file.LogLevel),
		Written:       file,
	}
	s.ChannelBinding, s.ServerKeygen = c.channelBinding(file.EST.ChannelBinding), file.EST.ServerKeygen
	s.CertificatesAfter = c.duration("archive.certificates_after", file.Archive.CertificatesAfter, defaultCertificates, leastRetention, mostRetention)
	s.RecordsAfter = c.duration("archive.records_after", file.Archive.RecordsAfter, defaultRecords, leastRetention, mostRetention)
	s.MembershipLifetime = c.duration("access.membership_lifetime", file.Access.MembershipLifetime, defaultMembership, leastMembership, mostMembership)
	s.Clock = c.clock(file.Clock)
	s.DiskLow, s.DiskStop = c.disk(file.Disk)
	s.Wait, s.Memory = c.limits(file.Limits)
	s.BranchFleets = c.branchFleets(file.Access.BranchFleets)
	c.folder("archive.dir", s.ArchiveDir)
	s.DNSNames, s.IPs = c.names(file.Names)
	for i, path := range file.Status.ParentCRLs {
		s.ParentCRLs = append(s.ParentCRLs, c.file(fmt.Sprintf("status.parent_crls[%d]", i), path, "name a file with a CRL"))
	}
	for i, path := range file.Log.FormerKeys {
		key := fmt.Sprintf("log.former_keys[%d]", i)
		s.FormerLogKeys = append(s.FormerLogKeys, c.file(key, path, "name a file with a key that signed the log's checkpoints before"))
		c.secretFile(key, s.FormerLogKeys[i])
	}
	if file.OIDC.CA != "" {
		s.OIDCAnchors = c.file("oidc.ca", file.OIDC.CA, "name the file with the providers' CA certificates")
	}
	c.secretFile("log.key", s.LogKey)
	c.rootKey(s.Anchor)
	if err := c.faults.asError(); err != nil {
		return nil, c.warnings, err
	}
	return s, c.warnings, nil
}

// checker gathers what is wrong while each key is turned into its setting.
type checker struct {
	dir      string
	faults   Faults
	warnings Faults
}

func (c *checker) path(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(c.dir, path)
}

// file requires a file that is there.
func (c *checker) file(key, path, missing string) string {
	if path == "" {
		c.faults.add(key, "missing; %s", missing)
		return ""
	}
	path = c.path(path)
	if info, err := os.Stat(path); err != nil {
		c.faults.add(key, "%v; %s", err, missing)
	} else if !info.Mode().IsRegular() {
		c.faults.add(key, "%s is no file; %s", path, missing)
	}
	return path
}

// folder requires that a path, if there is anything, is a folder.
func (c *checker) folder(key, path string) {
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		c.faults.add(key, "%s is a file; name a folder, which is made where there is none", path)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.faults.add(key, "%v; name a folder that this program may use", err)
	}
}

// secretFile warns of a secret that others on the machine may read.
func (c *checker) secretFile(key, path string) {
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		c.warnings.add(key, "%s may be read by others (mode %04o); chmod 600 it", path, info.Mode().Perm())
	}
}

// rootKey warns of a corporate root whose key lies beside its certificate.
func (c *checker) rootKey(anchor string) {
	key := strings.TrimSuffix(anchor, filepath.Ext(anchor)) + ".key"
	if _, err := os.Stat(key); err == nil {
		c.warnings.add("ca.anchor", "%s lies on this machine: good for a lab alone, for whoever has it can make issuers of their own", key)
	}
}

// store makes the path of a bolt URL absolute, and asks package store what it can
// open.
func (c *checker) store(text string) string {
	u, err := url.Parse(text)
	switch {
	case text == "":
		c.faults.add("store", "missing; write for example bolt:data/touchmark.db")
		return text
	case err != nil || u.Scheme == "":
		c.faults.add("store", "not a URL; write for example bolt:data/touchmark.db or bolt:///var/lib/touchmark/touchmark.db")
		return text
	case u.Scheme == "bolt" && u.Host != "":
		c.faults.add("store", "bolt: has no host; write bolt:relative/path or, with three slashes, bolt:///absolute/path")
		return text
	case u.Scheme == "bolt" && u.Opaque != "":
		u.Path, u.Opaque = c.path(u.Opaque), ""
		text = u.String()
	}
	if err := store.Check(text); err != nil {
		c.faults.add("store", "%v", err)
	}
	return text
}

func (c *checker) pen(n uint32) identity.PEN {
	pen := identity.PEN(n)
	if err := pen.Validate(); err != nil {
		c.faults.add("pen", "%v", err)
	}
	if pen == identity.ExamplePEN {
		c.warnings.add("pen", "%d is reserved for examples (RFC 5612); enter your organisation's number before real devices carry it", n)
	}
	return pen
}

func (c *checker) origin(text string) string {
	if text == "" || len(text) > 256 || strings.ContainsAny(text, "+ \t\r\n") {
		c.faults.add("log.origin", "%.80q must be the log's name without spaces and '+', such as touchmark.example.com/log", text)
	}
	return text
}

func (c *checker) level(text string) (level slog.Level) {
	if text == "" {
		return slog.LevelInfo
	}
	if err := level.UnmarshalText([]byte(text)); err != nil {
		c.faults.add("log_level", "%.20q is not debug, info, warn or error", text)
	}
	return level
}

func (c *checker) duration(key, text string, fallback, least, most time.Duration) time.Duration {
	if text == "" {
		return fallback
	}
	d, err := ParseDuration(text)
	switch {
	case err != nil:
		c.faults.add(key, "%v", err)
		return fallback
	case d < least || d > most:
		c.faults.add(key, "%s must be %s to %s", text, least, most)
		return fallback
	}
	return d
}

func orDefault[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}
