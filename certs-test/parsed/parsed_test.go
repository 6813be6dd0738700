package parsed_test

import (
	"slices"
	"testing"
)

// TestEveryReaderReadsTheSame holds what Touchmark gives out to what openssl, GnuTLS,
// NSS and Bouncy Castle read of it, and to what Touchmark itself tells of it. A field
// that one reads and another does not is a difference, unless the other is known to
// be blind for it.
func TestEveryReaderReadsTheSame(t *testing.T) {
	for _, algorithm := range []string{"P-256", "P-384", "Ed25519", "RSA-3072", "RSA-4096"} {
		t.Run(algorithm, func(t *testing.T) { readAll(t, setUp(t, algorithm)) })
	}
}

func readAll(t *testing.T, s *site) {
	artefacts := slices.Concat(s.devices(), s.authority(), s.lists(), s.answers())
	readers := []reader{openssl(), gnutls(), nss(), bouncyCastle()}
	read := make([][]fields, len(readers))
	for i, r := range readers {
		if read[i] = r.read(t, artefacts); len(read[i]) != len(artefacts) {
			t.Fatalf("%s read %d of %d artefacts", r.name, len(read[i]), len(artefacts))
		}
	}
	for i, a := range artefacts {
		t.Run(a.name, func(t *testing.T) {
			var all []fields
			for of := range readers {
				all = append(all, read[of][i])
			}
			compare(t, a, readers, all)
		})
	}
}

// compare compares what readers read of an artefact.
func compare(t *testing.T, a artefact, readers []reader, all []fields) {
	names := fieldNames(append(slices.Clone(all), a.told))
	if len(names) < len(least()[a.kind]) {
		t.Errorf("only %v was read", names)
	}
	for _, field := range names {
		want, by := a.told[field], "touchmark"
		if _, ok := a.told[field]; !ok {
			want, by = all[len(all)-1][field], readers[len(all)-1].name // which is blind for nothing
		}
		for i, r := range readers {
			if got := all[i][field]; got != want && !slices.Contains(r.blind[a.kind], field) {
				t.Errorf("%s: %s reads %q, %s says %q", field, r.name, got, by, want)
			}
		}
	}
	for _, field := range least()[a.kind] {
		if !slices.Contains(names, field) {
			t.Errorf("nobody read the field %s", field)
		}
	}
}

// least are the fields without which an artefact was not read.
func least() map[kind][]string {
	return map[kind][]string{
		certificate: {"serial", "issuer", "subject", "notBefore", "notAfter", "key", "signature", "keyUsage", "ca", "ski", "aki", "critical"},
		crl:         {"issuer", "thisUpdate", "nextUpdate", "number", "aki", "point", "signature"},
		ocspAnswer:  {"status", "serial", "responder", "nameHash", "keyHash", "thisUpdate", "nextUpdate", "producedAt", "signature"},
		certsOnly:   {"certificates"},
		request:     {"subject", "key", "signature", "selfSigned"},
	}
}
