package hostile_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// http2Rows are what is wrong with HTTP/2 (RFC 9113), which the api listener speaks.
func http2Rows(*site) []row {
	get := fields(":method", "GET", ":scheme", "https", ":authority", "localhost", ":path", "/api/v1/whoami")
	var all []row
	for _, r := range []row{
		{name: "a request", do: framed(headers(1, get, true)), want: "401"},
		{name: "a preface of nonsense", do: prefaced("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", nil, ""), want: "closed"},
		{name: "HTTP/1.1 instead", do: prefaced("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", nil, ""), want: "closed"},
		{name: "a frame of 17 kB", do: framed(func(f *http2.Framer) error { return f.WriteRawFrame(http2.FrameData, 0, 1, make([]byte, 17<<10)) }), want: "GOAWAY PROTOCOL_ERROR"},
		{name: "data on no stream", do: framed(func(f *http2.Framer) error { return f.WriteRawFrame(http2.FrameData, 0, 0, []byte("x")) }), want: "GOAWAY PROTOCOL_ERROR"},
		{name: "data on a stream that was not opened", do: framed(func(f *http2.Framer) error { return f.WriteData(5, true, []byte("x")) }), want: "GOAWAY PROTOCOL_ERROR"},
		{name: "a stream of an even number", do: framed(headers(2, get, true)), want: "GOAWAY PROTOCOL_ERROR"},
		{name: "headers that cannot be unpacked", do: framed(headers(1, bytes.Repeat([]byte{0xff}, 20), true)), want: "GOAWAY COMPRESSION_ERROR"},
		{name: "no path", do: framed(headers(1, fields(":method", "GET", ":scheme", "https", ":authority", "localhost"), true)), want: "RST_STREAM PROTOCOL_ERROR"},
		{name: "a method twice", do: framed(headers(1, fields(":method", "GET", ":method", "POST", ":scheme", "https", ":path", "/"), true)), want: "RST_STREAM PROTOCOL_ERROR"},
		{name: "a header in capitals", do: framed(headers(1, append(bytes.Clone(get), fields("X-Y", "z")...), true)), want: "RST_STREAM PROTOCOL_ERROR"},
		{name: "a newline in a header", do: framed(headers(1, append(bytes.Clone(get), fields("x", "a\r\nb: c")...), true)), want: "RST_STREAM PROTOCOL_ERROR"},
		{name: "connection: close", do: framed(headers(1, append(bytes.Clone(get), fields("connection", "close")...), true)), want: "400"},
		{name: "transfer-encoding: chunked", do: framed(headers(1, append(bytes.Clone(get), fields("transfer-encoding", "chunked")...), true)), want: "400"},
		{name: "a length that is not the body's", do: framed(headers(1, append(bytes.Clone(get), fields("content-length", "5")...), true)), want: "401"},
		{name: "a header of 21 kB", do: framed(headers(1, append(bytes.Clone(get), fields("x", strings.Repeat("y", 21_000))...), true)), want: "GOAWAY COMPRESSION_ERROR"},
		{name: "headers that unpack to 4 MB", do: framed(headers(1, bomb(get), true)), want: "GOAWAY COMPRESSION_ERROR"},
		{name: "continuations without end", do: framed(endless(get)), want: "GOAWAY PROTOCOL_ERROR"},
		{name: "10,000 streams opened and reset", do: calmed(flooded(rapidReset(get))), want: "it goes on, or is told to be calm"},
		{name: "500 streams at once", do: calmed(flooded(manyStreams(get))), want: "it goes on, or is told to be calm"},
		{name: "10,000 pings", do: flooded(pings), want: "it goes on"},
		{name: "10,000 settings", do: flooded(settings), want: "it goes on"},
		{name: "a window of 2^31", do: framed(func(f *http2.Framer) error {
			return errors.Join(f.WriteWindowUpdate(0, 1<<31-1), f.WriteWindowUpdate(0, 1<<31-1))
		}), want: "GOAWAY FLOW_CONTROL_ERROR"},
		{name: "a priority on itself", do: framed(func(f *http2.Framer) error { return f.WritePriority(1, http2.PriorityParam{StreamDep: 1}) }), want: "RST_STREAM PROTOCOL_ERROR"},
		{name: "a push by the client", do: framed(func(f *http2.Framer) error {
			return f.WritePushPromise(http2.PushPromiseParam{StreamID: 1, PromiseID: 2, BlockFragment: get, EndHeaders: true})
		}), want: "GOAWAY PROTOCOL_ERROR"},
		{name: "CONNECT of WebSocket", do: framed(headers(1, fields(":method", "CONNECT", ":protocol", "websocket", ":scheme", "https", ":authority", "localhost", ":path", "/"), false)), want: "RST_STREAM PROTOCOL_ERROR"},
	} {
		r.name, r.on = "http2/api/"+r.name, api
		all = append(all, r)
	}
	return append(all, row{name: "http2/device/a request", on: device, do: func(s *site) (answer, error) {
		connection, err := s.secure(device, "", &tls.Config{NextProtos: []string{"h2"}}, usualLimit)
		if err != nil {
			return alerted(err)
		}
		return said("a handshake"), connection.Close()
	}, want: "alert: no application protocol"})
}

// fields packs header fields (RFC 7541), in pairs of name and value.
func fields(pairs ...string) []byte {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	encoder.SetMaxDynamicTableSize(0)
	for i := 0; i < len(pairs); i += 2 {
		if err := encoder.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]}); err != nil {
			panic(err)
		}
	}
	return block.Bytes()
}

// bomb is one field of 4,000 octets, and then a thousand references to it.
func bomb(begin []byte) []byte {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for range 1_000 {
		if err := encoder.WriteField(hpack.HeaderField{Name: "x", Value: strings.Repeat("y", 4_000)}); err != nil {
			panic(err)
		}
	}
	return append(bytes.Clone(begin), block.Bytes()...)
}

// headers opens a stream, in as many frames as its block needs.
func headers(stream uint32, block []byte, end bool) func(*http2.Framer) error {
	return func(f *http2.Framer) error {
		const most = 16 << 10
		first := block[:min(len(block), most)]
		err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: first, EndStream: end, EndHeaders: len(first) == len(block)})
		for rest := block[len(first):]; err == nil && len(rest) > 0; {
			n := min(len(rest), most)
			err = f.WriteContinuation(stream, n == len(rest), rest[:n])
			rest = rest[n:]
		}
		return err
	}
}

func endless(block []byte) func(*http2.Framer) error {
	return func(f *http2.Framer) error {
		err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block})
		more := fields("x", strings.Repeat("y", 1_000))
		for range 10_000 {
			err = errors.Join(err, f.WriteContinuation(1, false, more))
			if err != nil {
				break
			}
		}
		return err
	}
}

func rapidReset(block []byte) func(*http2.Framer) error {
	return func(f *http2.Framer) error {
		for i := range uint32(10_000) {
			if err := errors.Join(headers(2*i+1, block, true)(f), f.WriteRSTStream(2*i+1, http2.ErrCodeCancel)); err != nil {
				return err
			}
		}
		return nil
	}
}

func manyStreams(block []byte) func(*http2.Framer) error {
	return func(f *http2.Framer) error {
		for i := range uint32(500) {
			if err := headers(2*i+1, block, false)(f); err != nil {
				return err
			}
		}
		return nil
	}
}

func pings(f *http2.Framer) error {
	for range 10_000 {
		if err := f.WritePing(false, [8]byte{}); err != nil {
			return err
		}
	}
	return nil
}

func settings(f *http2.Framer) error {
	for range 10_000 {
		if err := f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1}); err != nil {
			return err
		}
	}
	return nil
}

// framed speaks HTTP/2 until what is wrong, and wants an answer to that.
func framed(wrong func(*http2.Framer) error) func(*site) (answer, error) {
	return prefaced(http2.ClientPreface, wrong, "")
}

// flooded sends very many frames and then a ping: the connection goes on, or is
// ended. Answers to requests in between do not count.
func flooded(flood func(*http2.Framer) error) func(*site) (answer, error) {
	return prefaced(http2.ClientPreface, func(f *http2.Framer) error {
		if err := flood(f); err != nil {
			return err
		}
		return f.WritePing(false, [8]byte{'e', 'n', 'd'})
	}, skipStreams)
}

// calmed makes one of two answers, between which the scheduling of the server decides:
// how many requests it has begun with when the next comes.
func calmed(flood func(*site) (answer, error)) func(*site) (answer, error) {
	return func(s *site) (answer, error) {
		got, err := flood(s)
		if err == nil && (got.words == "it goes on" || got.words == "GOAWAY ENHANCE_YOUR_CALM") {
			return said("it goes on, or is told to be calm"), nil
		}
		return got, err
	}
}

// skip says what does not decide.
type skip string

const (
	skipAnswers skip = "answers"
	skipStreams skip = "answers, and streams that are reset"
)

// prefaced sends a preface and frames, and tells the first thing that decides.
func prefaced(preface string, frames func(*http2.Framer) error, but skip) func(*site) (answer, error) {
	return within(usualLimit, preface, frames, but)
}

// within is prefaced with a limit.
func within(limit time.Duration, preface string, frames func(*http2.Framer) error, but skip) func(*site) (answer, error) {
	return func(s *site) (answer, error) {
		connection, err := s.secure(api, "", &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"h2"}}, limit)
		if err != nil {
			return alerted(err)
		}
		defer connection.Close()
		framer := http2.NewFramer(connection, connection)
		framer.AllowIllegalWrites = true
		framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
		wrote := make(chan struct{})
		go func() {
			defer close(wrote)
			if _, err := io.WriteString(connection, preface); err != nil || frames == nil {
				return
			}
			if err := framer.WriteSettings(); err != nil {
				return
			}
			_ = frames(framer) // who is refused early may be cut off
		}()
		got, err := decided(framer, but)
		_ = connection.Close()
		<-wrote
		return got, err
	}
}

// decided reads frames until one says what became of the request.
func decided(framer *http2.Framer, but skip) (answer, error) {
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return orHung(answer{}, err)
		}
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			if but != "" {
				continue
			}
			got := said("%s", frame.PseudoValue("status"))
			if _, err := fmt.Sscan(got.words, new(int)); err != nil {
				return answer{}, err
			}
			var status int
			_, _ = fmt.Sscan(got.words, &status)
			got.statuses = []int{status}
			return got, nil
		case *http2.GoAwayFrame:
			return said("GOAWAY %s", frame.ErrCode), nil
		case *http2.RSTStreamFrame:
			if but == skipStreams {
				continue
			}
			return said("RST_STREAM %s", frame.ErrCode), nil
		case *http2.PingFrame:
			if frame.IsAck() && frame.Data[0] == 'e' {
				return said("it goes on"), nil
			}
		default:
		}
	}
}
