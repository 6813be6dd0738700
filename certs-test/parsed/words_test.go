package parsed_test

import "strings"

// keyUsages are the words of openssl, GnuTLS and NSS (RFC 5280, section 4.2.1.3).
func keyUsages() map[string]string {
	return map[string]string{
		"digitalsignature": "digitalSignature", "keyencipherment": "keyEncipherment",
		"certificatesign": "keyCertSign", "certificatesigning": "keyCertSign",
		"crlsign": "cRLSign", "crlsigning": "cRLSign",
	}
}

// purposes are the words for extended key usages (RFC 5280, section 4.2.1.12).
func purposes() map[string]string {
	return map[string]string{
		"tlswebclientauthentication": "clientAuth", "tlswebclientauthenticationcertificate": "clientAuth", "tlswwwclient": "clientAuth",
		"tlswebserverauthentication": "serverAuth", "tlswebserverauthenticationcertificate": "serverAuth", "tlswwwserver": "serverAuth",
		"ocspsigning": "OCSPSigning", "ocsprespondercertificate": "OCSPSigning",
	}
}

// extensions are the words for those that may be critical here.
func extensions() map[string]string {
	return map[string]string{
		"x509v3keyusage": "2.5.29.15", "keyusage": "2.5.29.15", "certificatekeyusage": "2.5.29.15",
		"x509v3basicconstraints": "2.5.29.19", "basicconstraints": "2.5.29.19", "certificatebasicconstraints": "2.5.29.19",
		"x509v3subjectalternativename": "2.5.29.17", "subjectalternativename": "2.5.29.17", "certificatesubjectaltname": "2.5.29.17",
	}
}

// signatures are the words for signature algorithms.
func signatures() map[string]string {
	const sha256, sha384, rsa256, ed25519 = "1.2.840.10045.4.3.2", "1.2.840.10045.4.3.3", "1.2.840.113549.1.1.11", "1.3.101.112"
	return map[string]string{
		"ecdsawithsha256": sha256, "ecdsasha256": sha256, "x962ecdsasignaturewithsha256": sha256,
		"ecdsawithsha384": sha384, "ecdsasha384": sha384, "x962ecdsasignaturewithsha384": sha384,
		"sha256withrsaencryption": rsa256, "rsasha256": rsa256, "pkcs1sha256withrsaencryption": rsa256,
		"ed25519": ed25519, "eddsaed25519": ed25519, "oid13101112": ed25519,
	}
}

// keys are the words for kinds of public keys, with their size where it is told.
func keys() map[string]string {
	const p256, p384, ed25519 = "EC 1.2.840.10045.3.1.7", "EC 1.3.132.0.34", "1.3.101.112"
	return map[string]string{
		"idecpublickeypublickey256": p256, "idecpublickeypublickey384": p384, "ececdsasecp256r1": p256, "ececdsasecp384r1": p384,
		"ansix962ellipticcurveprime256v1akasecp256r1nistp256": p256, "secgellipticcurvesecp384r1akanistp384": p384,
		"ed25519": ed25519, "eddsaed25519": ed25519,
	}
}

// reasons are the words of openssl for reasons (RFC 5280, section 5.3.1).
func reasons() map[string]string {
	all := map[string]string{}
	for number, word := range []string{
		"Unspecified", "Key Compromise", "CA Compromise", "Affiliation Changed", "Superseded", "Cessation Of Operation",
		"Certificate Hold", "", "Remove From CRL", "Privilege Withdrawn",
	} {
		all[onlyLetters(word)] = string(rune('0' + number))
	}
	return all
}

// statuses are the words for what OCSP says.
func statuses(found []string) string { return strings.ToLower(found[1]) }
