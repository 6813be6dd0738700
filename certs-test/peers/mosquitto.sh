# shellcheck shell=bash
# mosquitto.sh is the MQTT broker Mosquitto as a relying party: a device's user name
# is the common name of its certificate.
#
# Mosquitto asks only for the CRL of the device's own issuer (a CRL of the root in
# the same file does no harm). It reads the file at start and at mosquitto_reload.

# mosquitto_start DIR PORT CERT KEY ROOT CRL starts it; the arguments are nginx_start's.
mosquitto_start() {
  local dir=$1 port=$2
  mkdir -p "$dir"
  mosquitto_config "$@" >"$dir/mosquitto.conf"
  peer_run "$dir" "$port" mosquitto -c "$dir/mosquitto.conf"
}

# mosquitto_reload DIR reads the CRL file anew. The broker logs the word before it
# reads, and takes no connection in between.
mosquitto_reload() {
  local dir=$1 pid seen
  pid=$(<"$dir/pid")
  seen=$(peer_lines "$dir")
  kill -HUP "$pid"
  peer_until "$pid" peer_said "$dir" "$seen" 'Reloading config'
}

# mosquitto_ask PORT CERT KEY ROOT publishes one message as a device, and waits for
# the broker's word that it has it (QoS 1).
mosquitto_ask() {
  timeout 10 mosquitto_pub -h 127.0.0.1 -p "$1" --cert "$2" --key "$3" --cafile "$4" \
    -q 1 -t touchmark/hello -m hello
}

mosquitto_takes() { mosquitto_ask "$@" >/dev/null 2>&1; }

# mosquitto_refuses DIR PORT CERT KEY ROOT [WHY] is true if the broker refused the
# certificate because it is revoked, or expired. Its log says only that verification failed, so
# the reason is read from the TLS alert; under TLS 1.3 that comes after the client
# has finished, and clients report it late or lose it, so TLS 1.2 asks. Even then a
# connection may be reset before the alert is read, so it is asked some times.
mosquitto_refuses() {
  local dir=$1 why=${6:-revoked} seen
  shift
  seen=$(peer_lines "$dir")
  if mosquitto_takes "${@:1:4}"; then return 1; fi
  # The broker may close the connection before it writes its log.
  peer_until "$$" peer_said "$dir" "$seen" 'certificate verify failed' || return 1
  for _ in 1 2 3 4 5; do
    if [[ $(openssl s_client -tls1_2 -connect "127.0.0.1:$1" -cert "$2" -cert_chain "$2" -key "$3" \
      -CAfile "$4" </dev/null 2>&1) == *"alert certificate $why"* ]]; then return 0; fi
  done
  return 1
}

mosquitto_config() {
  cat <<CNF
user $(id -un)
log_dest stderr
log_type all
persistence false
listener $2 127.0.0.1
allow_anonymous false
use_identity_as_username true
$(mosquitto_trust "${@:3}")
CNF
}

# mosquitto_trust CERT KEY ROOT CRL prints what docs/operations/relying-parties.md
# tells people to write.
mosquitto_trust() {
  cat <<CNF
require_certificate true
certfile $1
keyfile $2
cafile $3
crlfile $4
CNF
}
