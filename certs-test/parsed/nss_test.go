package parsed_test

import (
	"strconv"
	"testing"

	certstest "github.com/touchmark/touchmark/certs-test"
)

// nss prints each artefact on its own, by the pretty printer of NSS. It cannot print
// OCSP answers, tells of keys on Ed25519 that it does not know them, and does not
// check the signature of a request.
func nss() reader {
	return reader{
		name: "NSS",
		read: func(t *testing.T, artefacts []artefact) (all []fields) {
			for _, a := range artefacts {
				kind, ok := map[kind]string{certificate: "certificate", crl: "crl", certsOnly: "pkcs7", request: "certificate-request"}[a.kind]
				if !ok {
					all = append(all, nil)
					continue
				}
				text, err := certstest.Run(t, nil, "nss-pp", "-w", "-t", kind, "-i", a.path)
				if err != nil {
					t.Errorf("nss-pp: %v\n%s", err, text)
				}
				all = append(all, parse(t, text, nssPatterns()[a.kind]))
			}
			return all
		},
		blind: map[kind][]string{
			request:    {"selfSigned"},
			ocspAnswer: {"responder", "producedAt", "serial", "nameHash", "keyHash", "status", "revokedAt", "reason", "thisUpdate", "nextUpdate", "signature"},
		},
	}
}

func nssPatterns() map[kind][]pattern {
	signature := pattern{"signature", `\n    Signature Algorithm: (.*)`, words(signatures())}
	aki := pattern{"aki", `Authority Key Identifier\n +Key ID:\s*([0-9a-f:\s]+?)\n`, hexadecimal}
	key := []pattern{
		{"key", `Curve: (.*)`, joined(keys())},
		{"key", `Modulus:([0-9a-f:]+)`, modulus},
		{"key", `Public Key Algorithm: OID\.(1\.3\.101\.112)`, plain},
	}
	return map[kind][]pattern{
		certificate: append([]pattern{
			{"serial", `Serial Number:\s*([0-9a-f:\s]+?)\n`, hexadecimal},
			{"issuer", `Issuer: "([^"]+)"`, name},
			{"subject", `Subject: "([^"]+)"`, name},
			{"notBefore", `Not Before: (.*)`, at},
			{"notAfter", `Not After : (.*)`, at},
			signature, aki,
			{"ski", `Certificate Subject Key ID\n +Data:\s*([0-9a-f:\s]+?)\n`, hexadecimal},
			{"keyUsage", `Usages: ((?:.+\n)+)`, words(keyUsages())},
			{"extKeyUsage", `Extended Key Usage\n((?:.+\n)+)`, words(purposes())},
			{"ca", `Data: (Is a CA|Is not a CA)`, isCA},
			{"ca", `maximum path length of (\d+)`, plain},
			{"names", `URI: "(urn:[^"]+)"`, prefixed("URI:")},
			{"names", `DNS name: "([^"]+)"`, prefixed("DNS:")},
			{"names", `IP Address: (\S+)`, addresses},
			{"crl", `Distribution point:\n +URI: "([^"]+)"`, plain},
			{"ocsp", `Online Certificate Status Protocol\n +Location: *\n +URI: "([^"]+)"`, plain},
			{"caIssuers", `CA issuers access method\n +Location: *\n +URI: "([^"]+)"`, plain},
			{"noCheck", `OCSP No Check Extension`, yes},
			{"noRevAvail", `Name: OID\.2\.5\.29\.56`, yes},
			{"critical", `Name: (.*)\n +Critical: True`, words(extensions())},
		}, key...),
		crl: {
			{"issuer", `Issuer: "([^"]+)"`, name},
			{"thisUpdate", `This Update: (.*)`, at},
			{"nextUpdate", `Next Update: (.*)`, at},
			{"number", `Name: CRL Number\n +Data: (\d+)`, plain},
			{"point", `Issuing Distribution Point\n +Critical: True\n +Data: Sequence \{[\s\S]*?(http\S+)`, plain},
			{"entries", `Serial Number:\s*([0-9a-f:\s]+?)\n +Revocation Date: (.*)`, entry},
			{"reasons", `Serial Number:\s*([0-9a-f:\s]+?)\n +Revocation Date: .*\n +Entry Extensions:\n +Name: CRL reason code\n +Data: (\d+)`, numbered},
			signature, aki,
		},
		certsOnly: {
			{"certificates", `Serial Number:\s*([0-9a-f:\s]+?)\n`, hexadecimal},
		},
		request: append([]pattern{
			{"subject", `Subject: "([^"]+)"`, name},
			signature,
		}, key...),
	}
}

func isCA(found []string) string { return strconv.FormatBool(found[1] == "Is a CA") }

// numbered is the reason of a CRL's entry as a number.
func numbered(found []string) string { return hexadecimal(found) + "=" + found[2] }

// modulus tells the bits of an RSA key by its octets; none of ours has a first octet
// below 0x80.
func modulus(found []string) string { return "RSA " + strconv.Itoa(len(hexadecimal(found))*4) }
