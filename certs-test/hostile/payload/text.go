package payload

import "strings"

// Texts are what a name, a comment or an id must not hold: they would not be safe in
// a log, a terminal, a table, a page or a subject name.
func Texts() []Payload {
	return []Payload{
		named("NUL", "a\x00b"),
		named("a newline", "a\nb"),
		named("a carriage return", "100%\rdone"),
		named("a tab", "a\tb"),
		named("backspaces", "secret\b\b\b\b\b\bpublic"),
		named("DEL", "a\x7fb"),
		named("an ANSI escape", "\x1b[2J\x1b[1;1Hroot@host:~#"),
		named("a title for the terminal", "\x1b]0;owned\x07"),
		named("CSI of C1", "a\u009b31mb"),
		named("NEL of C1", "a\u0085b"),
		named("right to left override", "moc.\u202eelpmaxe"),
		named("isolates", "a\u2066b\u2069"),
		named("the mark from right to left", "a\u200fb"),
		named("zero width space", "ad\u200bmin"),
		named("zero width joiner", "ad\u200dmin"),
		named("soft hyphen", "ad\u00admin"),
		named("word joiner", "ad\u2060min"),
		named("byte order mark within", "ad\ufeffmin"),
		named("line separator", "a\u2028b"),
		named("paragraph separator", "a\u2029b"),
		named("no-break space", "a\u00a0b"),
		named("Hangul filler", "a\u3164b"),
		named("combining grapheme joiner", "a\u034fb"),
		named("tag characters", "a\U000e0041\U000e0042"),
		named("private use", "a\ue000b"),
		named("a noncharacter", "a\uffffb"),
		named("unassigned", "a\U000affff"),
		named("a hundred combining marks", "a"+strings.Repeat("\u0301", 100)),
	}
}

// Prints are texts that look like trouble and print: they are taken where text is
// free, and whoever writes tables or pages of them escapes them.
func Prints() []Payload {
	return []Payload{
		named("a formula", "=cmd|' /C calc'!A0"),
		named("a formula with plus", "+1+1"),
		named("a formula with at", "@SUM(1+1)"),
		named("HTML", `<script>alert(1)</script>`),
		named("an attribute of HTML", `" onmouseover="alert(1)`),
		named("SQL", `'; DROP TABLE devices; --`),
		named("a template", `{{.Env}} ${jndi:ldap://127.0.0.1/a} %n%s`),
		named("a path", `../../../../etc/passwd`),
		named("homoglyphs", "аdmin"), // the first letter is Cyrillic
		named("emoji", "😀 ⚠️"),
		named("a combining mark", "é"),
		named("Hebrew", "שלום"),
	}
}
