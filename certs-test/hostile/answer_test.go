package hostile_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// answer is what a client got.
type answer struct {
	words    string // in short, as rows want it
	whole    string // all of it, but for what is another each time
	raw      string // every octet of it
	statuses []int
}

// said is an answer that is no HTTP.
func said(format string, args ...any) answer {
	words := fmt.Sprintf(format, args...)
	return answer{words: words, whole: words, raw: words}
}

// readAnswers reads the answers on a connection of HTTP/1.1 until it ends. method is
// that of the request.
func readAnswers(connection io.Reader, method string) (answer, error) {
	var all answer
	var words, whole []string
	var raw strings.Builder
	connection = io.TeeReader(connection, &raw)
	in := bufio.NewReader(connection)
	for {
		response, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			if ended(err) {
				break
			}
			return all, fmt.Errorf("after %q: %w", words, err)
		}
		one, err := wordsOf(response)
		if err != nil {
			return all, err
		}
		all.statuses = append(all.statuses, response.StatusCode)
		words, whole = append(words, one.words), append(whole, one.whole)
	}
	if len(words) == 0 {
		return said("closed"), nil
	}
	all.raw = raw.String()
	all.words, all.whole = strings.Join(words, ", "), strings.Join(whole, "\n")
	return all, nil
}

// ended reports whether a connection was closed from over there.
func ended(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// hung reports whether it was the row's limit that ended it.
func hung(err error) bool {
	var slow net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &slow) && slow.Timeout()
}

// maxWhole bounds the bodies that are kept word by word.
const maxWhole = 1 << 10

func wordsOf(response *http.Response) (answer, error) {
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil && !ended(err) {
		return answer{}, err
	}
	words := fmt.Sprint(response.StatusCode)
	if code := codeOf(response, body); code != "" {
		words += " " + code
	}
	var whole strings.Builder
	fmt.Fprintf(&whole, "%s %s\n", response.Proto, response.Status)
	names := []string{}
	for name := range response.Header {
		switch http.CanonicalHeaderKey(name) {
		case "Date", "X-Request-Id", "Etag", "Expires", "Last-Modified", "Content-Length":
		default:
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range response.Header[name] {
			fmt.Fprintf(&whole, "%s: %s\n", name, value)
		}
	}
	whole.Write(told(response, body))
	return answer{words: words, whole: whole.String(), statuses: []int{response.StatusCode}}, nil
}

// codeOf is the code of a refusal, in the words of the listener.
func codeOf(response *http.Response, body []byte) string {
	contentType := response.Header.Get("Content-Type")
	switch {
	case contentType == "application/problem+json":
		var problem struct{ Code string }
		if json.Unmarshal(body, &problem) != nil {
			return "(broken)"
		}
		return problem.Code
	case contentType == "application/ocsp-response":
		return ocspWord(body)
	case strings.HasPrefix(contentType, "text/plain"):
		if code, _, found := strings.Cut(string(body), ": "); found && !strings.Contains(code, " ") {
			return code
		}
	}
	return ""
}

// ocspWord is what an OCSP answer says (RFC 6960, section 4.2.1).
func ocspWord(der []byte) string {
	input := cryptobyte.String(der)
	var response cryptobyte.String
	var status int
	if !input.ReadASN1(&response, cbasn1.SEQUENCE) || !response.ReadASN1Enum(&status) {
		return "(broken)"
	}
	names := map[int]string{0: "successful", 1: "malformedRequest", 2: "internalError", 3: "tryLater", 5: "sigRequired", 6: "unauthorized"}
	return names[status]
}

// random is what is another each time.
var random = regexp.MustCompile(`"request_id":"[0-9a-z]{16}"`)

// told is a body, word by word where it is short text.
func told(response *http.Response, body []byte) []byte {
	contentType := response.Header.Get("Content-Type")
	switch {
	case len(body) == 0:
		return nil
	case response.StatusCode < 300 && (len(body) > maxWhole || !strings.HasPrefix(contentType, "text/")):
		return []byte("(a body)\n") // what it says is no refusal, and of now
	}
	body = random.ReplaceAll(body, []byte(`"request_id":"…"`))
	if len(body) > maxWhole || !utf8.Valid(body) {
		return fmt.Appendf(nil, "(%d octets, SHA-256 %x)\n", len(body), sha256.Sum256(body))
	}
	return append(bytes.TrimSuffix(body, []byte("\n")), '\n')
}
