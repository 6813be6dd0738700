# shellcheck shell=bash
# corporate.sh is a corporate PKI in miniature: a root kept with openssl, as a PKI
# officer would. It is sourced. What an officer would type is printed by the
# functions that end in _command, so that the demo can show it; the others do it.
#
#   corporate_root DIR          makes DIR/root.crt, root.key and root.crl
#   corporate_sign DIR CSR OUT  signs an issuing CA's request: pathlen 0, five years
#   corporate_revoke DIR CERT   puts an issuing CA on DIR/root.crl

corporate_root() {
  corporate_prepare "$1"
  corporate_do "$1" "$(corporate_root_command "$1")"
  corporate_do "$1" "$(corporate_crl_command "$1")"
}

corporate_sign() { corporate_do "$1" "$(corporate_sign_command "$@")"; }

corporate_revoke() {
  corporate_do "$1" "openssl ca -config $1/openssl.cnf -revoke $2 -crl_reason cessationOfOperation"
  corporate_do "$1" "$(corporate_crl_command "$1")"
}

# corporate_prepare makes the folder and what openssl ca(1) keeps its books in.
corporate_prepare() {
  mkdir -p "$1/issued"
  : >"$1/index.txt"
  echo 1000 >"$1/crlnumber"
  corporate_config "$1" >"$1/openssl.cnf"
}

corporate_root_command() {
  echo "openssl req -x509 -config $1/openssl.cnf -newkey ec -pkeyopt ec_paramgen_curve:P-384" \
    "-noenc -days 7300 -subj '/C=DE/O=Example Works/CN=Example Works Root CA'" \
    "-keyout $1/root.key -out $1/root.crt"
}

corporate_crl_command() {
  echo "openssl ca -config $1/openssl.cnf -gencrl -out $1/root.crl"
}

corporate_sign_command() {
  echo "openssl ca -config $1/openssl.cnf -batch -notext -in $2 -out $3"
}

# corporate_do runs a command and is silent unless it fails.
corporate_do() {
  eval "$2" >"$1/log" 2>&1 && return
  cat "$1/log" >&2
  return 1
}

# corporate_config prints the root's openssl configuration. Of a request the root
# takes the name and the key alone.
corporate_config() {
  cat <<CNF
[ca]
default_ca = corporate
[corporate]
database = $1/index.txt
new_certs_dir = $1/issued
certificate = $1/root.crt
private_key = $1/root.key
crlnumber = $1/crlnumber
x509_extensions = issuing
crl_extensions = crl
default_md = sha384
default_days = 1825
default_crl_days = 90
policy = any
unique_subject = no
rand_serial = yes
[any]
countryName = optional
organizationName = optional
organizationalUnitName = optional
commonName = supplied
[req]
distinguished_name = subject
x509_extensions = root
default_md = sha384
[subject]
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[issuing]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign, digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
crlDistributionPoints = URI:http://pki.example.com/root.crl
certificatePolicies = 2.5.29.32.0
[crl]
authorityKeyIdentifier = keyid:always
CNF
}
