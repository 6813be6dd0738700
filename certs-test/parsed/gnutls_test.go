package parsed_test

import (
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"slices"
	"strconv"
	"strings"
	"testing"

	certstest "github.com/touchmark/touchmark/certs-test"
)

// gnutls prints each artefact on its own, by certtool and ocsptool. It tells no
// reasons; of a message of certificates it tells those themselves, in PEM; what it
// does not know (nocheck, noRevAvail, the issuing distribution point) it shows as
// octets.
func gnutls() reader {
	return reader{
		name: "GnuTLS",
		read: func(t *testing.T, artefacts []artefact) (all []fields) {
			for _, a := range artefacts {
				var text string
				switch a.kind {
				case ocspAnswer:
					var err error
					if text, err = certstest.Run(t, nil, "ocsptool", "--response-info", "--load-response", a.path); err != nil {
						t.Errorf("ocsptool: %v\n%s", err, text)
					}
				default:
					option := map[kind]string{certificate: "--certificate-info", crl: "--crl-info", certsOnly: "--p7-info", request: "--crq-info"}[a.kind]
					text = certstest.CertTool(t, nil, option, "--inder", "--infile", a.path)
				}
				if a.kind == certsOnly {
					all = append(all, fields{"certificates": serialsOf(t, text)})
					continue
				}
				all = append(all, parse(t, text, gnutlsPatterns()[a.kind]))
			}
			return all
		},
		blind: map[kind][]string{crl: {"reasons"}, ocspAnswer: {"reason"}},
	}
}

func gnutlsPatterns() map[kind][]pattern {
	signature := pattern{"signature", `\n\tSignature Algorithm: (.*)`, words(signatures())}
	aki := pattern{"aki", `Authority Key Identifier \(.*\):\n\s+([0-9a-f]+)`, hexadecimal}
	key := []pattern{
		{"key", `Public Key Algorithm: (EC/ECDSA)\n.*\n\t\tCurve:\t(.*)`, curve},
		{"key", `Public Key Algorithm: RSA\n\tAlgorithm Security Level: \w+ \((\d+) bits`, prefixed("RSA ")},
		{"key", `Public Key Algorithm: (EdDSA \(Ed25519\))`, words(keys())},
	}
	return map[kind][]pattern{
		certificate: append([]pattern{
			{"serial", `Serial Number \(hex\): (\S+)`, hexadecimal},
			{"issuer", `Issuer: (.*)`, name},
			{"subject", `Subject: (.+)`, name},
			{"notBefore", `Not Before: (.*)`, at},
			{"notAfter", `Not After: (.*)`, at},
			signature, aki,
			{"ski", `Subject Key Identifier \(.*\):\n\s+([0-9a-f]+)`, hexadecimal},
			{"keyUsage", `Key Usage \(.*\):\n((?:\t\t\t.*\n)+)`, words(keyUsages())},
			{"extKeyUsage", `Key Purpose \(.*\):\n((?:\t\t\t.*\n)+)`, words(purposes())},
			{"ca", `Certificate Authority \(CA\): (\w+)`, statuses},
			{"ca", `Path Length Constraint: (\d+)`, plain},
			{"names", `\t\t\tURI: (urn:\S+)`, prefixed("URI:")},
			{"names", `DNSname: (\S+)`, prefixed("DNS:")},
			{"names", `IPAddress: (\S+)`, addresses},
			{"crl", `CRL Distribution points \(.*\):\n\t\t\tURI: (\S+)`, plain},
			{"ocsp", `\(id-ad-ocsp\)\n\t\t\tAccess Location URI: (\S+)`, plain},
			{"caIssuers", `\(id-ad-caIssuers\)\n\t\t\tAccess Location URI: (\S+)`, plain},
			{"noCheck", `Unknown extension 1\.3\.6\.1\.5\.5\.7\.48\.1\.5 `, yes},
			{"noRevAvail", `Unknown extension 2\.5\.29\.56 `, yes},
			{"critical", `\t\t(.*) \(critical\):`, words(extensions())},
		}, key...),
		crl: {
			{"issuer", `Issuer: (.*)`, name},
			{"thisUpdate", `Issued: (.*)`, at},
			{"nextUpdate", `Next at: (.*)`, at},
			{"number", `CRL Number \(.*\): ([0-9a-f]+)`, fromHex},
			{"point", `Unknown extension 2\.5\.29\.28 \(critical\):\n\t\t\tASCII: .*?(http\S+)`, plain},
			{"entries", `Serial Number \(hex\): (\S+)\n\t\tRevoked at: (.*)`, entry},
			signature, aki,
		},
		ocspAnswer: {
			{"responder", `Responder Key ID: (\S+)`, hexadecimal},
			{"producedAt", `Produced At: (.*)`, at},
			{"serial", `Serial Number: (\S+)`, hexadecimal},
			{"nameHash", `Issuer Name Hash: (\S+)`, hexadecimal},
			{"keyHash", `Issuer Key Hash: (\S+)`, hexadecimal},
			{"status", `Certificate Status: (\S+)`, statuses},
			{"revokedAt", `Revocation time: (.*)`, at},
			{"thisUpdate", `This Update: (.*)`, at},
			{"nextUpdate", `Next Update: (.*)`, at},
			signature,
		},
		request: append([]pattern{
			{"subject", `Subject: (.+)`, name},
			{"selfSigned", `Self signature: verified`, yes},
			signature,
		}, key...),
	}
}

// curve looks up an EC key, found as its algorithm and its curve.
func curve(found []string) string {
	return joined(keys())([]string{"", found[1] + found[2]})
}

// fromHex reads a number.
func fromHex(found []string) string {
	number, err := strconv.ParseUint(found[1], 16, 64)
	if err != nil {
		return err.Error()
	}
	return strconv.FormatUint(number, 10)
}

// serialsOf reads the serial numbers of certificates in PEM.
func serialsOf(t *testing.T, text string) string {
	t.Helper()
	var serials []string
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			slices.Sort(serials)
			return strings.Join(serials, " ")
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		serials = append(serials, hex.EncodeToString(cert.SerialNumber.Bytes()))
	}
}
