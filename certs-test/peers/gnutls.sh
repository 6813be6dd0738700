# shellcheck shell=bash
# gnutls.sh is GnuTLS as a device and as a relying party: gnutls-cli speaks EST in
# HTTP as it is typed, wget (which Debian builds with GnuTLS) as a client that knows
# nothing of EST, and certtool and ocsptool look for what was withdrawn.

# est_certificate prints the certificate in an EST answer, base64 of PKCS#7.
est_certificate() {
  openssl base64 -d -A | openssl pkcs7 -inform DER -print_certs | openssl x509
}

# est_body CSR prints a request as EST clients send it.
est_body() { openssl req -in "$1" -outform DER | openssl base64 -A; }

# wget_enrol URL ROOT CSR USER:PASSWORD prints the certificate in PEM. wget posts
# without credentials at first, and again when it is asked for some.
wget_enrol() {
  est_body "$3" >"$3.b64"
  wget -q -O - --ca-certificate="$2" --user="${4%%:*}" --password="${4#*:}" \
    --header='Content-Type: application/pkcs10' --post-file="$3.b64" "$1" | est_certificate
}

# wget_renew URL ROOT CSR CERT KEY renews over mTLS.
wget_renew() {
  est_body "$3" >"$3.b64"
  wget -q -O - --ca-certificate="$2" --certificate="$4" --private-key="$5" \
    --header='Content-Type: application/pkcs10' --post-file="$3.b64" "$1" | est_certificate
}

# gnutls_renew PORT ROOT CSR CERT KEY [PRIORITY] renews over mTLS by gnutls-cli, with a
# priority string, such as one for TLS 1.2 alone.
gnutls_renew() {
  local body answer
  body=$(est_body "$3")
  # gnutls-cli says goodbye at the end of its input, and a server may take that for
  # the client's end; so its input ends after the server has closed the connection.
  coproc feed {
    printf 'POST /.well-known/est/simplereenroll HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/pkcs10\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s' "${#body}" "$body"
    exec sleep 30
  }
  answer=$(timeout 20 gnutls-cli --logfile="$3.log" --priority "${6:-NORMAL}" --x509cafile "$2" \
    --x509certfile "$4" --x509keyfile "$5" --port "$1" localhost <&"${feed[0]}" 2>>"$3.log") || true
  # shellcheck disable=SC2154 # coproc sets it
  kill "$feed_PID"
  if [[ $answer != 'HTTP/1.1 200 '* ]]; then
    printf '%s\n' "$answer"
    return 1
  fi
  # The body is the last line.
  tail -n 1 <<<"$answer" | est_certificate
}

# gnutls_verify CHAIN ROOT CRL prints what certtool makes of a chain by a file of CRLs,
# and fails unless that is good.
gnutls_verify() {
  certtool --verify --verify-profile medium --load-ca-certificate "$2" --load-crl "$3" --infile "$1" 2>&1 |
    sed -n 's/^Chain verification output: //p'
}

# gnutls_ocsp URL CERT ISSUING asks by ocsptool and prints the status.
gnutls_ocsp() {
  ocsptool --ask="$1" --load-cert "$2" --load-issuer "$3" --load-signer "$3" 2>&1 |
    sed -n 's/^.*Certificate Status: //p; s/^Verifying OCSP Response: //p'
}
