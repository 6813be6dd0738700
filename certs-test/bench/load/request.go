package load

import (
	"fmt"
	"strings"
)

// Post returns an HTTP/1.1 POST as it goes over the wire. headers are whole
// lines, such as "Authorization: Basic …". With once the server is asked to close
// the connection after its answer.
func Post(path string, body []byte, once bool, headers ...string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n", path, len(body))
	for _, line := range headers {
		b.WriteString(line + "\r\n")
	}
	if once {
		b.WriteString("Connection: close\r\n")
	}
	b.WriteString("\r\n")
	b.Write(body)
	return []byte(b.String())
}
