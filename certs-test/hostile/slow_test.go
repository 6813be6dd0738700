package hostile_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"golang.org/x/net/http2"
)

const oneSecond = time.Second

// Limits of the listeners (docs/design.md, section 8), with room for a machine that
// has more to do.
const (
	headerLimit = 10 * time.Second
	bodyLimit   = 30 * time.Second
	answerLimit = 60 * time.Second
	idleLimit   = 2 * time.Minute
	room        = 15 * time.Second
)

// slowRows are clients that take their time, on every listener. They run beside the
// others.
func slowRows(s *site) []row {
	var all []row
	add := func(on listener, name, want string, limit time.Duration, do func(*site) (answer, error)) {
		all = append(all, row{name: "slow/" + string(on) + "/" + name, on: on, do: do, want: want, limit: limit, aside: true})
	}
	post := map[listener]string{
		device: "POST /.well-known/est/simplereenroll HTTP/1.1\r\nHost: localhost\r\n" + asPKCS10 + "Content-Length: 1000\r\n\r\n",
		api:    "POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\n" + authorized(s.berlin) + asJSON + "Content-Length: 1000\r\n\r\n",
		status: "POST /ocsp HTTP/1.1\r\nHost: localhost\r\n" + asOCSP + "Content-Length: 1000\r\n\r\n",
	}
	body := map[listener]string{device: "400 bad_request", api: "400 bad_request", status: "400"}
	for _, on := range []listener{device, api, status, metrics} {
		add(on, "nothing at all", "closed", headerLimit+room, dribble(on, "", headerLimit+room))
		add(on, "a header octet by octet", "closed", headerLimit+room, dribble(on, "GET / HTTP/1.1\r\nX: "+strings.Repeat("y", 1000), headerLimit+room))
		if text, takes := post[on]; takes {
			add(on, "a body that never comes", body[on], bodyLimit+room, stalled(on, text, on == device))
		}
		if on == device || on == api {
			add(on, "no handshake", "closed", headerLimit+room, silent(on, nil))
			add(on, "half a hello", "closed", headerLimit+room, silent(on, goodHello().bytes()[:40]))
		}
	}
	for _, on := range []listener{device, api, status, metrics} {
		add(on, "nothing after a request", "404", idleLimit+room, idle(on, idleLimit+room))
	}
	get := fields(":method", "GET", ":scheme", "https", ":authority", "localhost", ":path", "/openapi.json")
	order := fields(":method", "POST", ":scheme", "https", ":authority", "localhost", ":path", "/api/v1/orders",
		"authorization", "Bearer "+s.berlin, "content-type", "application/json", "content-length", "1000")
	add(api, "no preface of HTTP/2", "closed", headerLimit+room, within(headerLimit+room, "", nil, ""))
	add(api, "half a header of HTTP/2", "GOAWAY NO_ERROR", idleLimit+room, within(idleLimit+room, http2.ClientPreface, func(f *http2.Framer) error {
		return f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: get[:3]})
	}, ""))
	add(api, "a body of HTTP/2 that never comes", "400", bodyLimit+room, within(bodyLimit+room, http2.ClientPreface, headers(1, order, false), ""))
	add(api, "an answer of HTTP/2 that no window lets through", "RST_STREAM INTERNAL_ERROR", answerLimit+room, within(answerLimit+room, http2.ClientPreface, func(f *http2.Framer) error {
		return errors.Join(f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}), headers(1, get, true)(f))
	}, skipAnswers))
	add(api, "an answer that nobody reads", "closed", answerLimit+room, unread(api, "/openapi.json"))
	add(metrics, "an answer that nobody reads", "closed", answerLimit+room, unread(metrics, "/metrics"))
	return all
}

// dribble sends an octet each half second, and waits for what comes.
func dribble(on listener, text string, limit time.Duration) func(*site) (answer, error) {
	return func(s *site) (answer, error) {
		connection, err := s.secure(on, "", &tls.Config{MinVersion: tls.VersionTLS12}, limit)
		if err != nil {
			return alerted(err)
		}
		defer connection.Close()
		ended := make(chan struct{})
		wrote := make(chan struct{})
		go func() {
			defer close(wrote)
			ticks := time.NewTicker(oneSecond / 2)
			defer ticks.Stop()
			for i := range len(text) {
				select {
				case <-ended:
					return
				case <-ticks.C:
				}
				if _, err := io.WriteString(connection, text[i:i+1]); err != nil {
					return
				}
			}
		}()
		got, err := readAnswers(connection, "GET")
		close(ended)
		<-wrote
		return orHung(got, err)
	}
}

// idle asks once, keeps the connection, and waits for its end.
func idle(on listener, limit time.Duration) func(*site) (answer, error) {
	return func(s *site) (answer, error) {
		connection, err := s.secure(on, "", &tls.Config{MinVersion: tls.VersionTLS12}, limit)
		if err != nil {
			return alerted(err)
		}
		defer connection.Close()
		got, err := send(connection, []byte("GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n"))
		got.words, _, _ = strings.Cut(got.words, " ") // the code is in the words of the listener
		return got, err
	}
}

// stalled sends a header and no body.
func stalled(on listener, header string, asDevice bool) func(*site) (answer, error) {
	return func(s *site) (answer, error) {
		by := ""
		if asDevice {
			by = "device"
		}
		connection, err := s.secure(on, "", s.identity(by), bodyLimit+room)
		if err != nil {
			return alerted(err)
		}
		defer connection.Close()
		return send(connection, []byte(header))
	}
}

// silent opens a connection and begins no handshake, or does not go on with it.
func silent(on listener, begin []byte) func(*site) (answer, error) {
	return func(s *site) (answer, error) {
		connection, err := s.dial(on, "", headerLimit+room)
		if err != nil {
			return answer{}, err
		}
		defer connection.Close()
		if _, err := connection.Write(begin); err != nil {
			return answer{}, err
		}
		return orHungOf(readAnswers(connection, "GET"))
	}
}

func orHungOf(got answer, err error) (answer, error) { return orHung(got, err) }

// unread asks for much, again and again, and reads nothing: in the end the server
// must close the connection, which a client sees by its writes.
func unread(on listener, target string) func(*site) (answer, error) {
	return func(s *site) (answer, error) {
		connection, err := s.secure(on, "", &tls.Config{MinVersion: tls.VersionTLS12}, answerLimit+room)
		if err != nil {
			return alerted(err)
		}
		defer connection.Close()
		ask := []byte("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n")
		for {
			_, err := connection.Write(ask)
			if err == nil {
				continue
			}
			var failed net.Error
			if errors.As(err, &failed) && failed.Timeout() {
				return said("hung"), nil
			}
			if ended(err) {
				return said("closed"), nil
			}
			return answer{}, fmt.Errorf("writing: %w", err)
		}
	}
}

// afterExpiry waits until a certificate has expired, and shows it then.
func (s *site) afterExpiry(by string, request []byte) func(*site) (answer, error) {
	return func(s *site) (answer, error) {
		time.Sleep(time.Until(s.expires.Add(oneSecond))) // nothing tells of it but the clock
		connection, err := s.secure(device, "", s.identity(by), usualLimit)
		if err != nil {
			return alerted(err)
		}
		defer connection.Close()
		return send(connection, request)
	}
}
