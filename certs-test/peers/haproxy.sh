# shellcheck shell=bash
# haproxy.sh is HAProxy as a relying party: it ends the TLS of a device that chains
# to the root and stands on no CRL, and hands on the subject that it saw.
#
# HAProxy checks every certificate of the chain, so its CRL file must hold the root's
# CRL beside the issuer's. A reload (SIGUSR2 to the master) starts a new worker that
# reads the files anew; the old one finishes its connections and goes.

# haproxy_start DIR PORT CERT KEY ROOT CRL starts it; the arguments are nginx_start's.
haproxy_start() {
  local dir=$1 port=$2
  mkdir -p "$dir"
  # HAProxy takes the certificate and its key in one file.
  (umask 077 && cat "$3" "$4" >"$dir/server.pem")
  haproxy_config "$@" >"$dir/haproxy.cfg"
  peer_run "$dir" "$port" haproxy -W -db -f "$dir/haproxy.cfg"
}

# haproxy_reload DIR reads the files anew; it returns when the old worker is gone.
haproxy_reload() {
  local pid before
  pid=$(<"$1/pid")
  before=$(peer_workers "$pid")
  kill -USR2 "$pid"
  peer_until "$pid" peer_replaced "$pid" "$before"
}

# haproxy_ask PORT CERT KEY ROOT asks it as a device and prints its answer and the
# status code.
haproxy_ask() { nginx_ask "$@"; }

haproxy_takes() { [[ $(haproxy_ask "$@") == *$'\n200' ]]; }

# haproxy_refuses DIR PORT CERT KEY ROOT [WHY] is true if the handshake failed because
# the device is revoked, or expired. The reason is read from HAProxy's log, as the
# number that X509_STORE_CTX_get_error(3) has for it.
haproxy_refuses() {
  local dir=$1 number=23 seen
  [ "${6:-revoked}" != expired ] || number=10
  seen=$(peer_lines "$dir")
  if haproxy_takes "$2" "$3" "$4" "$5" 2>/dev/null; then return 1; fi
  peer_until "$$" peer_said "$dir" "$seen" "refused verify=$number"
}

haproxy_config() {
  cat <<CNF
global
  log stdout format raw daemon
  hard-stop-after 5s
defaults
  mode http
  log global
  timeout client 10s
  timeout server 10s
  timeout connect 5s
frontend devices
$(haproxy_trust "127.0.0.1:$2" "$1/server.pem" "$5" "$6")
  error-log-format "%ci:%cp refused verify=%[ssl_c_err] chain=%[ssl_c_ca_err] %[ssl_fc_err_str]"
  http-request return status 200 content-type text/plain lf-string "%[ssl_c_s_dn]\n"
CNF
}

# haproxy_trust ADDRESS CERT ROOT CRL prints what docs/operations/relying-parties.md
# tells people to write. CERT has its key with it.
haproxy_trust() {
  cat <<CNF
  bind $1 ssl crt $2 ca-file $3 crl-file $4 verify required
CNF
}
