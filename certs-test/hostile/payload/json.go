package payload

import "strings"

// JSON are bodies that say something, wrong in one way each, as an edit of an order
// or as an order. None of them may change anything.
func JSON() []Payload {
	lists := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	return []Payload{
		named("nothing", ""),
		named("white space", " \t\r\n"),
		named("cut off", `{"quantity": 1`),
		named("two documents", `{"quantity": 1} {"quantity": 2}`),
		named("something behind it", `{"quantity": 1}]`),
		named("a comment", `{/* ten */ "quantity": 10}`),
		named("a comma at the end", `{"quantity": 10,}`),
		named("single quotes", `{'quantity': 10}`),
		named("no quotes", `{quantity: 10}`),
		named("a byte order mark", "\ufeff"+`{"quantity": 10}`),
		named("UTF-16, little end first", "\xff\xfe{\x00}\x00"),
		named("UTF-16, big end first, unmarked", "\x00{\x00}"),
		named("UTF-32", "\xff\xfe\x00\x00{\x00\x00\x00}\x00\x00\x00"),
		named("not UTF-8", "{\"comment\": \"\xff\xfe\"}"),
		named("an overlong slash", "{\"comment\": \"\xc0\xaf\"}"),
		named("an encoded surrogate", "{\"comment\": \"\xed\xa0\x80\"}"),
		named("a NUL", "{\"quantity\": 10\x00}"),
		named("a control character in text", "{\"comment\": \"\x01\"}"),
		named("half a surrogate pair", `{"comment": "\ud83d"}`),
		named("surrogates the other way round", `{"comment": "\ude00\ud83d"}`),
		named("an escape of three digits", `{"comment": "\u12"}`),
		named("10,000 lists within each other", lists(10_000)),
		named("10,000 lists within each other, never closed", strings.Repeat("[", 10_000)),
		named("10,000 objects within each other", strings.Repeat(`{"quantity":`, 4_000)+"1"+strings.Repeat("}", 4_000)),
		named("deep in a member that is unknown", `{"x": `+lists(1000)+`}`),
		named("a list for an object", `[{"quantity": 10}]`),
		named("a number for an object", `10`),
		named("text for an object", `"quantity"`),
		named("null for an object", `null`),
		named("true for an object", `true`),
		named("a member twice", `{"quantity": 10, "quantity": 11}`),
		named("a member twice, once escaped", `{"quantity": 10, "quantit\u0079": 11}`),
		named("a member in capitals", `{"QUANTITY": 10}`),
		named("a member with one capital", `{"Quantity": 10}`),
		named("a member with a letter that folds", `{"ſtations": []}`),
		named("an unknown member", `{"quantity": 10, "admin": true}`),
		named("__proto__", `{"__proto__": {"admin": true}}`),
		named("an empty name", `{"": 1}`),
		named("a name of 10 kB", `{"`+strings.Repeat("a", 10_000)+`": 1}`),
		named("1,000 unknown members", `{"a`+strings.Join(numbers(1000), `": 1, "a`)+`": 1}`),
		named("a number as text", `{"quantity": "10"}`),
		named("a huge number", `{"quantity": 99999999999999999999999999}`),
		named("1e400", `{"quantity": 1e400}`),
		named("1e9999999999", `{"quantity": 1e9999999999}`),
		named("a number of 10,000 digits", `{"quantity": `+strings.Repeat("9", 10_000)+`}`),
		named("2^63", `{"quantity": 9223372036854775808}`),
		named("negative zero", `{"quantity": -0}`),
		named("minus one", `{"quantity": -1}`),
		named("a fraction", `{"quantity": 10.5}`),
		named("NaN", `{"quantity": NaN}`),
		named("Infinity", `{"quantity": Infinity}`),
		named("hexadecimal", `{"quantity": 0x10}`),
		named("a leading zero", `{"quantity": 010}`),
		named("a plus", `{"quantity": +10}`),
		named("a list for a number", `{"quantity": [10]}`),
		named("an object for a number", `{"quantity": {"$gt": 0}}`),
		named("true for a number", `{"quantity": true}`),
		named("a time that is none", `{"closes": "tomorrow"}`),
		named("a time of a leap second of no day", `{"closes": "2026-13-32T25:61:61Z"}`),
		named("a time as a number", `{"closes": 1893456000}`),
		named("text for a list", `{"stations": "device:GW-1"}`),
		named("lists in a list", `{"stations": [["device:GW-1"]]}`),
		named("101 stations", `{"stations": ["`+strings.Join(numbers(101), `", "`)+`"]}`),
		named("20,000 empty texts", `{"stations": [`+strings.Repeat(`"",`, 20_000)+`""]}`),
		named("20,000 nulls", `{"stations": [`+strings.Repeat(`null,`, 12_000)+`null]}`),
	}
}

// numbers are n numbers from 0 in letters and digits.
func numbers(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = strings.Repeat("x", i%10) + string(rune('a'+i%26)) + strings.Repeat("y", i/10)
	}
	return all
}
