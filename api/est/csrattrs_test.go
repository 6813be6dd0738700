package est_test

import (
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/api/rest/resttest"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// askAttributes asks a door for its csrattrs and returns their elements, in hex.
func askAttributes(t *testing.T, door http.Handler, r *http.Request) []string {
	t.Helper()
	r.Method = http.MethodGet
	answer := serve(door, r)
	text := readAll(t, answer)
	if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "application/csrattrs" || answer.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("status %d, header %v: %s", answer.StatusCode, answer.Header, text)
	}
	der, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(text, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	var elements []asn1.RawValue
	if rest, err := asn1.Unmarshal(der, &elements); err != nil || len(rest) != 0 {
		t.Fatalf("%x: %v, %d octets left", der, err, len(rest))
	}
	var all []string
	for _, element := range elements {
		all = append(all, hex.EncodeToString(element.FullBytes))
	}
	return all
}

// The elements of RFC 7030, section 4.5.2, are those of its own example, which RFC
// 8951, section 4, repeats.
func TestCSRAttributesAreThoseOfTheStandard(t *testing.T) {
	const (
		ecP384      = "301206072a8648ce3d020131070605" + "2b81040022"
		ecdsaSHA384 = "06082a8648ce3d040303"
	)
	example := "3041" + "06092a864886f70d010907" + ecP384 + "301606092a864886f70d01090e310906072b0601010101" + "16" + ecdsaSHA384
	if whole, err := base64.StdEncoding.DecodeString("MEEGCSqGSIb3DQEJBzASBgcqhkjOPQIBMQcGBSuBBAAiMBYGCSqGSIb3DQEJDjEJBgcrBgEBAQEWBggqhkjOPQQDAw=="); err != nil || hex.EncodeToString(whole) != example {
		t.Fatalf("this test does not know the example: %x", whole)
	}
	got := askAttributes(t, newDoor(t, &path{advice: enroll.Advice{Key: policy.ECDSAP384}}), post("/.well-known/est/csrattrs", ""))
	if len(got) != 3 || got[0] != ecP384 || got[1] != ecdsaSHA384 {
		t.Errorf("asks for %q", got)
	}
}

// What RFC 9908 has besides is held against openssl's reading.
func TestCSRAttributesAskForAKindOfKey(t *testing.T) {
	for kind, want := range map[policy.KeyKind][]string{
		policy.ECDSAP256: {":id-ecPublicKey", ":prime256v1", ":ecdsa-with-SHA256", ":1.2.840.113549.1.9.16.2.61", ":id-ecPublicKey", ":prime256v1"},
		policy.ECDSAP384: {":id-ecPublicKey", ":secp384r1", ":ecdsa-with-SHA384", ":1.2.840.113549.1.9.16.2.61", ":id-ecPublicKey", ":secp384r1"},
		policy.ECDSAP521: {":id-ecPublicKey", ":secp521r1", ":ecdsa-with-SHA512", ":1.2.840.113549.1.9.16.2.61", ":id-ecPublicKey", ":secp521r1"},
		policy.Ed25519:   {":ED25519", ":1.2.840.113549.1.9.16.2.61", ":ED25519"},
		policy.RSA2048:   {":rsaEncryption", ":sha256WithRSAEncryption", ":1.2.840.113549.1.9.16.2.61", ":rsaEncryption"},
		policy.RSA3072:   {":rsaEncryption", ":sha256WithRSAEncryption", ":1.2.840.113549.1.9.16.2.61", ":rsaEncryption"},
		policy.RSA4096:   {":rsaEncryption", ":sha256WithRSAEncryption", ":1.2.840.113549.1.9.16.2.61", ":rsaEncryption"},
	} {
		t.Run(string(kind), func(t *testing.T) {
			var der []byte
			for _, element := range askAttributes(t, newDoor(t, &path{advice: enroll.Advice{Key: kind}}), post("/.well-known/est/csrattrs", "")) {
				octets, err := hex.DecodeString(element)
				if err != nil {
					t.Fatal(err)
				}
				der = append(der, octets...)
			}
			whole, err := asn1.Marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: der})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for line := range strings.Lines(openssl(t, whole, "asn1parse", "-inform", "DER")) {
				if _, object, found := strings.Cut(line, " OBJECT "); found {
					got = append(got, strings.TrimSpace(object))
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("openssl reads %q, want %q", got, want)
			}
		})
	}
	if len(policy.KeyKinds()) != 7 {
		t.Error("there are other kinds of key than this test knows")
	}
}

// The size of an RSA key stands as a number in the list, and as the length of a
// modulus in the template.
func TestCSRAttributesSayHowLong(t *testing.T) {
	got := askAttributes(t, newDoor(t, &path{advice: enroll.Advice{Key: policy.RSA3072}}), post("/.well-known/est/csrattrs", ""))
	if got[0] != "301106092a864886f70d010101310402020c00" {
		t.Errorf("the list has %s, want the INTEGER 3072", got[0])
	}
	if modulus := "0282018100" + strings.Repeat("ff", 3072/8) + "0203010001"; !strings.Contains(got[2], modulus) {
		t.Errorf("no modulus of 3072 bits in %s", got[2])
	}
}

// A device is told what its own fleet wants: by the certificate that it presents, by
// its order's id as label or prefix, and by nothing what the root wants. Nobody learns
// which orders there are.
func TestCSRAttributesGoByFleet(t *testing.T) {
	l := newLine(t)
	admin := resttest.Principal(identity.Admin)
	key := resttest.NewKey(t)
	status, enrolled := l.enrol("/.well-known/est", "SN1", l.ticket("SN1"), key)
	if status != 200 {
		t.Fatalf("status %d", status)
	}
	_, err := l.service.SetFleetPolicy(t.Context(), admin, "/berlin", policy.Config{Keys: []policy.KeyKind{policy.RSA2048, policy.ECDSAP384}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		r     *http.Request
		curve string
	}{
		"nothing":                  {post("/.well-known/est/csrattrs", ""), "2a8648ce3d030107"},
		"label":                    {post("/.well-known/est/"+l.order+"/csrattrs", ""), "2b81040022"},
		"label in capital letters": {post("/.well-known/est/"+strings.ToUpper(l.order)+"/csrattrs", ""), "2b81040022"},
		"prefix":                   {post("/"+l.order+"/.well-known/est/csrattrs", ""), "2b81040022"},
		"certificate":              {presenting(post("/.well-known/est/csrattrs", ""), enrolled), "2b81040022"},
		"certificate and label":    {presenting(post("/.well-known/est/0000000000000000/csrattrs", ""), enrolled), "2b81040022"},
		"another's certificate":    {presenting(post("/.well-known/est/csrattrs", ""), certificate(t, "stranger")), "2a8648ce3d030107"},
		"no such order":            {post("/.well-known/est/0000000000000000/csrattrs", ""), "2a8648ce3d030107"},
		"no order's id":            {post("/.well-known/est/%00%ff/csrattrs", ""), "2a8648ce3d030107"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := askAttributes(t, l.door, test.r); !strings.HasSuffix(got[0], test.curve) {
				t.Errorf("asks for %q, want the curve %s", got, test.curve)
			}
		})
	}
}
