package hostile_test

import (
	"time"

	"github.com/touchmark/touchmark/certs-test/hostile/payload"
)

// listener is one of the server's four.
type listener string

const (
	device  listener = "device"
	api     listener = "api"
	status  listener = "status"
	metrics listener = "metrics"
)

// row is one request of the table.
type row struct {
	name string
	on   listener
	// send is what goes over a connection of HTTP/1.1: over TLS where the listener has
	// it.
	send []byte
	// by is whose client certificate is shown; empty for nobody's.
	by string
	// from is the address that the client comes from, for rows that guess secrets;
	// 127.0.0.1 where it is empty.
	from string
	// do takes the place of send for what is no HTTP/1.1 in good order.
	do func(*site) (answer, error)
	// admin says that the request shows the break-glass token, whose uses are recorded.
	admin bool
	// want is the answer in words: the status and the code of the refusal, or what
	// became of the connection.
	want string
	// knocked is who of another tenant was refused in the caller's own branch, as its
	// records tell them.
	knocked string
	// limit is how long the answer may take; usualLimit where it is zero.
	limit time.Duration
	// aside says that the row runs beside the others, for it is slow by itself.
	aside bool
}

const usualLimit = 15 * time.Second

// rows makes a row of each payload. Those that are not named in but have the answer
// usual.
func rows(group string, payloads []payload.Payload, usual string, but map[string]string, of func(payload.Payload) row) []row {
	var all []row
	for _, p := range payloads {
		r := of(p)
		r.name, r.want = group+"/"+p.Name, usual
		if other, found := but[p.Name]; found {
			r.want = other
			delete(but, p.Name)
		}
		all = append(all, r)
	}
	for left := range but {
		panic(group + " has no payload " + left)
	}
	return all
}

// table is every row.
func table(s *site) []row {
	var all []row
	for _, part := range [][]row{
		tlsRows(s), wireRows(s), addressRows(s), http2Rows(s), tokenRows(s), jsonRows(s), parameterRows(s), textRows(s),
		csrRows(s), estRows(s), basicRows(s), certificateRows(s), ocspRows(s), statusRows(s), tenantRows(s), slowRows(s),
	} {
		all = append(all, part...)
	}
	return all
}
