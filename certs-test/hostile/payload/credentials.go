package payload

import (
	"encoding/base64"
	"strings"
)

// Credentials are values of the header Authorization for HTTP Basic (RFC 7617), each
// wrong in one way.
func Credentials() []Payload {
	basic := func(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }
	return []Payload{
		named("the scheme alone", "Basic"),
		named("the scheme and a space", "Basic "),
		named("no base64", "Basic !!!!"),
		named("no padding", "Basic YTpi"+"Yg"),
		named("base64 for addresses", "Basic _-_-"),
		named("no colon", basic("SN1")),
		named("a colon alone", basic(":")),
		named("no user", basic(":secret")),
		named("no password", basic("SN1:")),
		named("a NUL in the user", basic("SN\x001:secret")),
		named("a NUL in the password", basic("NUL1:se\x00cret")),
		named("a newline in the user", basic("SN1\r\nX: y:secret")),
		named("a password of 10 kB", basic("LONG1:"+strings.Repeat("p", 10_000))),
		named("a user of 10 kB", basic(strings.Repeat("u", 10_000)+":secret")),
		named("latin1", basic("G\xfcnther:\xfc\xe4\xf6")),
		named("UTF-16", basic("S\x00N\x001\x00:\x00x\x00")),
		named("right to left override", basic("SN\u202e1:secret")),
		named("an ANSI escape", basic("\x1b[2J:secret")),
		named("another scheme", "Digest username=\"SN1\""),
		named("a token", "Bearer tmst_aaaa_bbbb"),
		named("two schemes", "Basic YTpi, Basic YTpi"),
		named("a ticket of right form", basic("SN77:aaaaaaaaaaaaaaaaaaaaaaaaaa")),
	}
}
