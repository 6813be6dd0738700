// Package lab sets up a Touchmark by touchmark quickstart, on free ports of the
// loopback, and runs its servers as processes that can be killed.
package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/touchmark/touchmark/certs-test/fleet"
)

// Config says what to set up.
type Config struct {
	// Dir is a folder that is there and empty.
	Dir string
	// Program is the path of touchmark.
	Program string
	// Store is a URL; empty for a file of bolt in Dir.
	Store string
	// Nodes is how many servers share the store; 0 is 1.
	Nodes int
}

// Lab is a Touchmark that was set up.
type Lab struct {
	// Site is how its clients know it.
	Site *fleet.Site
	// Dir is the folder that quickstart wrote.
	Dir     string
	program string
	configs []string // of each node
}

// New sets a lab up. Nothing runs yet.
func New(ctx context.Context, c Config) (*Lab, error) {
	l := &Lab{Dir: filepath.Join(c.Dir, "lab"), program: c.Program}
	var nodes []fleet.Node
	for range max(c.Nodes, 1) {
		addresses, err := freeAddresses(4)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, fleet.Node{Device: addresses[0], API: addresses[1], Status: addresses[2], Metrics: addresses[3]})
	}
	arguments := []string{
		"quickstart", l.Dir, "--device-addr", nodes[0].Device, "--api-addr", nodes[0].API,
		"--status-addr", nodes[0].Status, "--metrics-addr", nodes[0].Metrics,
	}
	if c.Store != "" {
		arguments = append(arguments, "--store", c.Store)
	}
	if said, err := exec.CommandContext(ctx, c.Program, arguments...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("touchmark quickstart: %w\n%s", err, said)
	}
	if err := cheapenKey(ctx, l.Dir); err != nil {
		return nil, err
	}
	if err := l.configure(nodes); err != nil {
		return nil, err
	}
	var err error
	l.Site, err = fleet.ReadSite(l.Dir, nodes...)
	return l, err
}

// configure writes a configuration for each node beyond the first.
func (l *Lab) configure(nodes []fleet.Node) error {
	first := filepath.Join(l.Dir, "touchmark.yaml")
	l.configs = []string{first}
	text, err := os.ReadFile(first)
	if err != nil {
		return err
	}
	for i, node := range nodes[1:] {
		other := text
		for _, change := range [][2]string{
			{"addr: " + nodes[0].Device, "addr: " + node.Device},
			{"addr: " + nodes[0].API, "addr: " + node.API},
			{"addr: " + nodes[0].Status, "addr: " + node.Status},
			{"addr: " + nodes[0].Metrics, "addr: " + node.Metrics},
		} {
			if !bytes.Contains(other, []byte(change[0])) {
				return fmt.Errorf("%s does not have %q", first, change[0])
			}
			other = bytes.Replace(other, []byte(change[0]), []byte(change[1]), 1)
		}
		path := filepath.Join(l.Dir, fmt.Sprintf("node-%d.yaml", i+2))
		if err := os.WriteFile(path, other, 0o600); err != nil {
			return err
		}
		l.configs = append(l.configs, path)
	}
	return nil
}

// Add adds keys to the configuration of each node, as lines of YAML.
func (l *Lab) Add(lines string) error {
	for _, path := range l.configs {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, append(text, lines...), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// StoreFile is where the lab has its file of bolt.
func (l *Lab) StoreFile() string { return filepath.Join(l.Dir, "data", "touchmark.db") }

// Command is touchmark with the arguments, as the administrator of the lab.
func (l *Lab) Command(ctx context.Context, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, l.program, arguments...)
	command.Env = append(os.Environ(),
		"TOUCHMARK_SERVER=https://"+l.Site.Nodes[0].API, "TOUCHMARK_CA="+l.Site.RootFile,
		"TOUCHMARK_TOKEN_FILE="+filepath.Join(l.Dir, "admin.token"))
	return command
}

// cheapenKey encrypts the issuing key anew with one iteration of PBKDF2: opening
// it as it was would be most of what a start costs.
func cheapenKey(ctx context.Context, folder string) error {
	passphrase, err := os.ReadFile(filepath.Join(folder, "pki", "passphrase"))
	if err != nil {
		return err
	}
	keys, err := filepath.Glob(filepath.Join(folder, "pki", "*", "issuing.key"))
	if err != nil || len(keys) != 1 {
		return errors.Join(err, fmt.Errorf("%s has %d issuing keys", folder, len(keys)))
	}
	command := exec.CommandContext(ctx, "openssl", "pkcs8", "-in", keys[0], "-passin", "env:PASSPHRASE",
		"-topk8", "-iter", "1", "-v2", "aes-256-cbc", "-passout", "env:PASSPHRASE")
	command.Env = append(os.Environ(), "PASSPHRASE="+strings.TrimSpace(string(passphrase)))
	var said bytes.Buffer
	command.Stderr = &said
	cheap, err := command.Output()
	if err != nil {
		return fmt.Errorf("openssl pkcs8: %w\n%s", err, said.Bytes())
	}
	return os.WriteFile(keys[0], cheap, 0o600)
}

// Ports of the lab are below those that systems give to connections (from 32768
// on Linux), so that no client is given one while its server is dead.
const firstPort, lastPort = 20_000, 32_000

// freeAddresses returns n addresses of the loopback that nobody listens on.
func freeAddresses(n int) ([]string, error) {
	var addresses []string
	for range lastPort - firstPort {
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", firstPort+rand.IntN(lastPort-firstPort)))
		if err != nil {
			continue
		}
		defer func() { _ = listener.Close() }() // all are held until the last is known
		if addresses = append(addresses, listener.Addr().String()); len(addresses) == n {
			return addresses, nil
		}
	}
	return nil, fmt.Errorf("no port on 127.0.0.1 between %d and %d is free", firstPort, lastPort)
}
