# shellcheck shell=bash
# standin.sh stands in for Touchmark with openssl alone: an issuing CA whose
# certificates and CRL shards have the shape of Touchmark's default profile. The
# self-check proves the peers with it, so that a peer's surprise is never taken
# for Touchmark's. It is sourced after corporate.sh.
#
#   standin_ca DIR CORPORATE       makes the issuing CA; DIR/chain.pem, DIR/bundle.pem
#   standin_device DIR NAME SHARD  makes DIR/NAME.key, .crt and .pem (leaf, issuing)
#   standin_expired DIR NAME SHARD makes one whose time is over
#   standin_server DIR             makes DIR/server.key and .pem for the loopback names
#   standin_revoke DIR NAME SHARD  revokes it and renews the shard and the bundle
#   standin_hold, standin_release  put it on hold, and take it off
#   standin_ocsp DIR PORT SHARD    answers OCSP for one shard's certificates

# Where certificates say that CRLs and OCSP are.
STANDIN_STATUS=http://127.0.0.1:8080

standin_ca() {
  local dir=$1 corporate=$2 shard
  mkdir -p "$dir"
  standin_config >"$dir/openssl.cnf"
  standin_request "$dir" issuing "/O=Example Works/CN=Example Works Device CA"
  corporate_sign "$corporate" "$dir/issuing.csr" "$dir/issuing.crt"
  cp "$corporate/root.crt" "$corporate/root.crl" "$dir"
  cat "$dir/issuing.crt" "$dir/root.crt" >"$dir/chain.pem"
  for shard in a b; do
    mkdir -p "$dir/shard-$shard/issued"
    : >"$dir/shard-$shard/index.txt"
    echo 01 >"$dir/shard-$shard/crlnumber"
    standin_crl "$dir" "$shard"
  done
}

standin_device() { standin_certify "$@" -days 1; }

standin_expired() { standin_certify "$@" -startdate 20250101000000Z -enddate 20250102000000Z; }

# standin_certify DIR NAME SHARD VALIDITY...
standin_certify() {
  local dir=$1 name=$2 shard=$3
  shift 3
  standin_request "$dir" "$name" "/CN=TH20-$name/serialNumber=TH20-$name"
  NAME=$name standin_openssl "$dir" "$shard" -in "$dir/$name.csr" -out "$dir/$name.crt" \
    -notext -extensions device "$@"
  cat "$dir/$name.crt" "$dir/issuing.crt" >"$dir/$name.pem"
}

standin_server() {
  local dir=$1
  standin_request "$dir" server "/CN=localhost"
  standin_openssl "$dir" a -in "$dir/server.csr" -out "$dir/server.crt" \
    -notext -extensions server -days 1
  cat "$dir/server.crt" "$dir/issuing.crt" >"$dir/server.pem"
}

standin_revoke() { standin_withdraw "$@" -crl_reason keyCompromise; }

standin_hold() { standin_withdraw "$@" -crl_reason certificateHold; }

standin_withdraw() {
  local dir=$1 name=$2 shard=$3
  shift 3
  standin_openssl "$dir" "$shard" -revoke "$dir/$name.crt" "$@"
  standin_crl "$dir" "$shard"
}

# standin_release makes the row of the database good again, for which openssl has no
# command.
standin_release() {
  local dir=$1 name=$2 shard=$3
  sed -i "/CN=TH20-$name/s/^R\t\([^\t]*\)\t[^\t]*\t/V\t\1\t\t/" "$dir/shard-$shard/index.txt"
  standin_crl "$dir" "$shard"
}

# standin_ocsp starts a responder with a delegated certificate, as peer_run does.
# It answers for one shard, because openssl keeps a database for each of ours. A
# connection without a request makes it spin, so its port is never probed.
standin_ocsp() {
  local dir=$1 port=$2 shard=$3
  standin_request "$dir" responder "/CN=responder"
  standin_openssl "$dir" "$shard" -in "$dir/responder.csr" -out "$dir/responder.crt" \
    -notext -extensions responder -days 1
  mkdir -p "$dir/ocsp"
  : >"$dir/ocsp/log"
  peer_spawn "$dir/ocsp" peer_said "$dir/ocsp" 0 'waiting for OCSP client connections' -- \
    openssl ocsp -index "$dir/shard-$shard/index.txt" -CA "$dir/issuing.crt" \
    -rsigner "$dir/responder.crt" -rkey "$dir/responder.key" -port "$port"
}

# standin_crl renews one shard and the bundle: every shard and the root's CRL.
standin_crl() {
  local dir=$1 shard=$2
  standin_openssl "$dir" "$shard" -gencrl -crldays 1 -out "$dir/shard-$shard.crl"
  cat "$dir"/shard-?.crl "$dir/root.crl" >"$dir/bundle.pem"
}

# standin_request makes a P-256 key and its certificate signing request.
standin_request() {
  local dir=$1 name=$2 subject=$3
  openssl req -new -config /dev/null -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc \
    -keyout "$dir/$name.key" -subj "$subject" -out "$dir/$name.csr" 2>"$dir/openssl.log"
}

# standin_openssl runs openssl ca on the database of one shard.
standin_openssl() {
  local dir=$1 shard=$2
  shift 2
  DIR=$dir SHARD=$shard NAME=${NAME:-none} STATUS=$STANDIN_STATUS \
    openssl ca -batch -config "$dir/openssl.cnf" "$@" 2>"$dir/openssl.log" || {
    cat "$dir/openssl.log" >&2
    return 1
  }
}

standin_config() {
  cat <<'CNF'
[ca]
default_ca = issuing
[issuing]
dir = $ENV::DIR
database = $dir/shard-$ENV::SHARD/index.txt
new_certs_dir = $dir/shard-$ENV::SHARD/issued
crlnumber = $dir/shard-$ENV::SHARD/crlnumber
certificate = $dir/issuing.crt
private_key = $dir/issuing.key
crl_extensions = crl
default_md = sha256
policy = any
unique_subject = no
rand_serial = yes
[any]
commonName = supplied
serialNumber = optional
[device]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
subjectAltName = URI:urn:dev:ops:32473-TH20-$ENV::NAME
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
crlDistributionPoints = URI:$ENV::STATUS/crl/i1/$ENV::SHARD.crl
authorityInfoAccess = OCSP;URI:$ENV::STATUS, caIssuers;URI:$ENV::STATUS/issuer/i1.cer
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
crlDistributionPoints = URI:$ENV::STATUS/crl/i1/$ENV::SHARD.crl
[responder]
keyUsage = critical, digitalSignature
extendedKeyUsage = OCSPSigning
noCheck = yes
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
[crl]
authorityKeyIdentifier = keyid:always
issuingDistributionPoint = critical, @point
[point]
fullname = URI:$ENV::STATUS/crl/i1/$ENV::SHARD.crl
CNF
}
