package hostile_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os/exec"
	"strings"
	"time"
)

// tlsRows are what is no TLS, or no TLS that anybody should speak.
func tlsRows(*site) []row {
	var all []row
	plain := request("GET", "/api/v1/whoami", "", "")
	for _, on := range []listener{device, api} {
		for _, r := range []row{
			{name: "HTTP without TLS", do: bare(on, plain), want: "400"},
			{name: "HTTP/2 without TLS", do: bare(on, []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")), want: "closed"},
			{name: "SSH", do: bare(on, []byte("SSH-2.0-OpenSSH_9.6\r\n")), want: "closed"},
			{name: "zeros", do: bare(on, make([]byte, 1000)), want: "closed"},
			{name: "ones", do: bare(on, bytes.Repeat([]byte{0xff}, 1000)), want: "closed"},
			{name: "SSLv2's hello", do: bare(on, append([]byte{0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10}, make([]byte, 37)...)), want: "alert 70"},
			{name: "SSLv3's hello", do: bare(on, goodHello().with(func(h *hello) { h.record, h.version, h.extensions = 0x0300, 0x0300, nil })), want: "alert 70"},
			{name: "TLS 1.0's hello", do: bare(on, goodHello().with(func(h *hello) { h.version, h.extensions = 0x0301, nil })), want: "alert 70"},
			{name: "a record of 17 KiB", do: bare(on, append([]byte{22, 3, 1, 0x44, 0}, make([]byte, 0x4400)...)), want: "alert 22"},
			{name: "an alert first", do: bare(on, []byte{21, 3, 1, 0, 2, 2, 40}), want: "closed"},
			{name: "data before the handshake", do: bare(on, append([]byte{23, 3, 3, 0, 16}, make([]byte, 16)...)), want: "closed"},
			{name: "a change of cipher first", do: bare(on, []byte{20, 3, 3, 0, 1, 1}), want: "closed"},
			{name: "a message that is no hello", do: bare(on, []byte{22, 3, 1, 0, 4, 2, 0, 0, 0}), want: "alert 50"},
			{name: "an empty hello", do: bare(on, []byte{22, 3, 1, 0, 4, 1, 0, 0, 0}), want: "alert 50"},
			{name: "a hello that claims 16 MiB", do: bare(on, []byte{22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff}), want: "alert 80"},
			{name: "a hello of 75 kB", do: bare(on, goodHello().with(func(h *hello) { h.padding, h.suites = 15_000, make([]uint16, 30_000) })), want: "alert 80"},
			{name: "a hello of 64 kB", do: bare(on, goodHello().with(func(h *hello) { h.padding = 65_000 })), want: "a hello"},
			{name: "no cipher in common", do: bare(on, goodHello().with(func(h *hello) { h.suites = []uint16{0x0005} })), want: "alert 40"},
			{name: "no cipher at all", do: bare(on, goodHello().with(func(h *hello) { h.suites = nil })), want: "alert 40"},
			{name: "30,000 ciphers", do: bare(on, goodHello().with(func(h *hello) { h.suites = make([]uint16, 30_000) })), want: "alert 40"},
			{name: "with compression", do: bare(on, goodHello().with(func(h *hello) { h.compression = []byte{1} })), want: "alert 47"},
			{name: "a share of a key of zeros", do: bare(on, goodHello().with(func(h *hello) { h.extensions[51] = append([]byte{0, 36, 0, 0x1d, 0, 32}, make([]byte, 32)...) })), want: "alert 47"},
			{name: "a share of half a key", do: bare(on, goodHello().with(func(h *hello) { h.extensions[51] = append([]byte{0, 20, 0, 0x1d, 0, 16}, make([]byte, 16)...) })), want: "alert 47"},
			{name: "early data", do: bare(on, goodHello().with(func(h *hello) { h.extensions[42] = []byte{} })), want: "alert 110"},
			{name: "a session of nobody's", do: bare(on, goodHello().with(func(h *hello) { h.extensions[41] = []byte{0, 7, 0, 1, 'x', 0, 0, 0, 0, 0, 2, 1, 'y'} })), want: "alert 50"},
			{name: "a protocol that nobody speaks", do: bare(on, goodHello().with(func(h *hello) { h.extensions[16] = []byte{0, 6, 5, 's', 'p', 'd', 'y', '3'} })), want: "alert 120"},
			{name: "a name of 10 kB", do: bare(on, goodHello().with(func(h *hello) { h.extensions[0] = serverName(strings.Repeat("a", 10_000)) })), want: "a hello"},
			{name: "a name with control characters", do: bare(on, goodHello().with(func(h *hello) { h.extensions[0] = serverName("\x1b[2J\n.") })), want: "alert 50"},
			{name: "TLS 1.1", do: handshake(on, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}), want: "alert: protocol version not supported"},
			{name: "a handshake cut off", do: cutOff(on), want: "closed"},
		} {
			r.name, r.on = "tls/"+string(on)+"/"+r.name, on
			all = append(all, r)
		}
	}
	for _, on := range []listener{status, metrics} {
		all = append(all,
			row{name: "tls/" + string(on) + "/TLS where there is none", on: on, do: bare(on, goodHello().bytes()), want: "400"},
			row{name: "tls/" + string(on) + "/HTTP/2 without TLS", on: on, do: bare(on, []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")), want: map[listener]string{status: "405", metrics: "400"}[on]},
		)
	}
	return append(all,
		row{name: "tls/api/TLS 1.2", on: api, do: handshake(api, &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12}), want: "alert: protocol version not supported"},
		row{name: "tls/device/RC4 and SHA-1", on: device, do: handshake(device, &tls.Config{
			MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_RC4_128_SHA},
		}), want: "alert: handshake failure"},
		row{name: "tls/device/renegotiation", on: device, do: renegotiate, want: "refused"},
	)
}

// serverName is the extension server_name (RFC 6066, section 3).
func serverName(name string) []byte {
	n := len(name)
	return append([]byte{byte((n + 3) >> 8), byte(n + 3), 0, byte(n >> 8), byte(n)}, name...)
}

// handshake tells how a handshake ends.
func handshake(on listener, c *tls.Config) func(*site) (answer, error) {
	return func(s *site) (answer, error) {
		connection, err := s.secure(on, "", c, usualLimit)
		if err != nil {
			return alerted(err)
		}
		return said("a handshake"), connection.Close()
	}
}

// cutOff sends half of a hello and says that no more comes.
func cutOff(on listener) func(*site) (answer, error) {
	return func(s *site) (answer, error) {
		connection, err := s.dial(on, "", usualLimit)
		if err != nil {
			return answer{}, err
		}
		defer connection.Close()
		half := goodHello().bytes()
		_, err = connection.Write(half[:len(half)/2])
		if err := errors.Join(err, connection.(*net.TCPConn).CloseWrite()); err != nil {
			return answer{}, err
		}
		return readAnswers(connection, "GET")
	}
}

// renegotiate has openssl ask for another handshake in TLS 1.2, which Go's client
// cannot.
func renegotiate(s *site) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), usualLimit)
	defer cancel()
	client := exec.CommandContext(ctx, "openssl", "s_client", "-connect", s.address(device), "-tls1_2", "-legacy_renegotiation")
	client.Stdin = strings.NewReader("R\n")
	client.WaitDelay = time.Second
	told, err := client.CombinedOutput()
	var failed *exec.ExitError
	switch {
	case err != nil && !errors.As(err, &failed):
		return answer{}, err
	case !bytes.Contains(told, []byte("RENEGOTIATING")):
		return said("openssl did not ask: %s", told), nil
	case err != nil && bytes.Contains(told, []byte("unexpected message")):
		return said("refused"), nil
	default:
		return said("%v: %s", err, told), nil
	}
}
