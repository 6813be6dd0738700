# shellcheck shell=bash
# nats.sh is the NATS server as a relying party that asks by OCSP: it takes clients
# whose certificate chains to the root and for which the address in the certificate
# answers good. It is the Go module that peers/nats pins, built by scripts/setup:
# Debian's is of before servers could do that.
#
# It asks at each connection, once its cache of answers is off.

NATS_SERVER=$PEERS/nats/bin/nats-server

# nats_start DIR PORT CERT KEY ROOT starts it.
nats_start() {
  local dir=$1 port=$2
  mkdir -p "$dir"
  nats_config "$@" >"$dir/nats.conf"
  peer_run "$dir" "$port" "$NATS_SERVER" -c "$dir/nats.conf"
}

# nats_reload DIR does nothing: the answers are not kept.
nats_reload() { :; }

# nats_ask PORT CERT KEY ROOT connects as a device, pings and prints what the server
# says. The last word is none of the protocol's, so that the server hangs up.
nats_ask() {
  printf 'CONNECT {"tls_required":true}\r\nPING\r\nBYE\r\n' |
    timeout 10 openssl s_client -quiet -verify_return_error -connect "127.0.0.1:$1" \
      -cert "$2" -cert_chain "$2" -key "$3" -CAfile "$4" 2>&1
}

nats_takes() { [[ $(nats_ask "$@") == *PONG* ]]; }

# nats_refuses DIR PORT CERT KEY ROOT [WHY] is true if the server refused the
# certificate because OCSP says revoked, or because it is expired.
nats_refuses() {
  local dir=$1 seen words='with CA status [revoked]'
  [ "${6:-revoked}" != expired ] || words='certificate has expired or is not yet valid'
  seen=$(peer_lines "$dir")
  if nats_takes "$2" "$3" "$4" "$5"; then return 1; fi
  peer_until "$$" peer_said "$dir" "$seen" "$words"
}

nats_config() {
  cat <<CNF
listen: 127.0.0.1:$2
$(nats_trust "$3" "$4" "$5")
CNF
}

# nats_trust CERT KEY ROOT prints what docs/operations/relying-parties.md tells people
# to write.
nats_trust() {
  cat <<CNF
tls {
  cert_file: "$1"
  key_file: "$2"
  ca_file: "$3"
  verify: true
  handshake_first: auto
  ocsp_peer: { verify: true, ca_timeout: 5 }
}
ocsp_cache: false
CNF
}
