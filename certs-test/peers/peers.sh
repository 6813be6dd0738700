# shellcheck shell=bash
# peers.sh starts and asks the foreign programs that Touchmark is proved against:
# relying parties (nginx, Mosquitto, HAProxy, NATS, FreeRADIUS), EST clients
# (strongSwan's pki, GnuTLS) and an OIDC provider. It is sourced by the demo, by `make up` and by the end-to-end scripts:
#
#   . certs-test/peers/peers.sh
#   read -r port < <(peer_ports 1)
#   nginx_start "$dir/nginx" "$port" server.pem server.key root.crt bundle.pem
#   nginx_ask "$port" device.pem device.key root.crt
#   peer_stop "$dir/nginx"
#
# Every peer listens on 127.0.0.1, is run by whoever calls, and keeps all its files
# (configuration, pid, log) in the folder that it is given.

PEERS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Debian keeps daemons where not everybody's PATH looks.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# shellcheck source=certs-test/peers/nginx.sh
. "$PEERS/nginx.sh"
# shellcheck source=certs-test/peers/mosquitto.sh
. "$PEERS/mosquitto.sh"
# shellcheck source=certs-test/peers/haproxy.sh
. "$PEERS/haproxy.sh"
# shellcheck source=certs-test/peers/nats.sh
. "$PEERS/nats.sh"
# shellcheck source=certs-test/peers/freeradius.sh
. "$PEERS/freeradius.sh"
# shellcheck source=certs-test/peers/strongswan.sh
. "$PEERS/strongswan.sh"
# shellcheck source=certs-test/peers/gnutls.sh
. "$PEERS/gnutls.sh"
# shellcheck source=certs-test/peers/provider.sh
. "$PEERS/provider.sh"

# PEER_TRIES times 50 ms is how long a peer may take to come up or to go.
PEER_TRIES=200

# peer_ports N prints N different ports on 127.0.0.1 that nobody listens on, in
# one line. They are below the ephemeral range, so that no client takes one before
# its server does.
peer_ports() {
  local wanted=$1 port ports=" "
  while [ "$wanted" -gt 0 ]; do
    port=$((20000 + RANDOM % 12000))
    case $ports in *" $port "*) continue ;; esac
    if peer_listens "$port"; then continue; fi
    ports+="$port "
    wanted=$((wanted - 1))
  done
  echo "$ports"
}

peer_listens() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# peer_run DIR PORT COMMAND... starts a command in the background with its output
# in DIR/log and its pid in DIR/pid, and returns when it listens on PORT.
peer_run() {
  local dir=$1 port=$2
  shift 2
  if peer_listens "$port"; then
    echo "peers: port $port is taken; choose another for $1" >&2
    return 1
  fi
  peer_spawn "$dir" peer_listens "$port" -- "$@"
}

# peer_spawn DIR READY... -- COMMAND... is peer_run for a command that is ready when
# READY succeeds.
peer_spawn() {
  local dir=$1 ready=() pid
  shift
  while [ "$1" != -- ]; do
    ready+=("$1")
    shift
  done
  shift
  "$@" </dev/null >>"$dir/log" 2>&1 &
  pid=$!
  echo "$pid" >"$dir/pid"
  peer_until "$pid" "${ready[@]}" && return
  echo "peers: $1 did not come up; its log says:" >&2
  tail -n 20 "$dir/log" >&2
  peer_stop "$dir"
  return 1
}

# peer_said DIR LINES WORDS is true if DIR/log holds the words after so many lines.
peer_said() { tail -n "+$(($2 + 1))" "$1/log" | grep -qF -e "$3"; }

# peer_lines DIR counts the lines of DIR/log, for peer_said.
peer_lines() { wc -l <"$1/log"; }

# peer_until PID COMMAND... waits until the command succeeds. It fails when the
# process is gone or the time is up.
peer_until() {
  local pid=$1 try
  shift
  for ((try = 0; try < PEER_TRIES; try++)); do
    if "$@"; then return 0; fi
    kill -0 "$pid" 2>/dev/null || return 1
    sleep 0.05
  done
  return 1
}

# peer_workers PID prints the processes that a master has.
peer_workers() { ps -o pid= --ppid "$1" | sort | tr '\n' ' '; }

# peer_replaced PID BEFORE tells whether a master has workers, and none of those that
# peer_workers printed before.
peer_replaced() {
  local worker now
  now=$(peer_workers "$1")
  [ -n "$now" ] || return 1
  for worker in $2; do
    case " $now " in *" $worker "*) return 1 ;; esac
  done
}

# peer_stop DIR ends the process that peer_run started there, if it still runs.
peer_stop() {
  local dir=$1 pid
  [ -s "$dir/pid" ] || return 0
  pid=$(<"$dir/pid")
  rm -f "$dir/pid"
  kill "$pid" 2>/dev/null || return 0
  peer_until "$pid" peer_gone "$pid" || kill -9 "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
}

# A child that has ended stays a zombie until its shell waits for it.
peer_gone() {
  local state
  state=$(ps -o stat= -p "$1" 2>/dev/null) || return 0
  [ "${state#Z}" != "$state" ]
}
