# shellcheck shell=bash
# strongswan.sh is strongSwan's pki as an EST client (RFC 7030). It takes no label,
# only a prefix of the path; sends the request's base64 in one line; and gives the
# password without being asked for it.

# strongswan_pki runs pki with the plugins it needs.
strongswan_pki() { STRONGSWAN_CONF=$PEERS/strongswan.conf pki "$@"; }

# strongswan_enrol URL ROOT ISSUING CSR USER:PASSWORD prints the certificate in PEM.
# It checks that the certificate chains to the given CAs.
strongswan_enrol() {
  strongswan_pki --est --url "$1" --cacert "$2" --cacert "$3" --in "$4" --userpass "$5" --outform pem
}

# strongswan_renew URL ROOT ISSUING CSR CERT KEY renews over mTLS.
strongswan_renew() {
  strongswan_pki --est --url "$1" --cacert "$2" --cacert "$3" --in "$4" --cert "$5" --key "$6" --outform pem
}

# strongswan_cacerts URL ROOT prints the CAs that the EST server names.
strongswan_cacerts() {
  strongswan_pki --estca --url "$1" --cacert "$2" --outform pem
}
