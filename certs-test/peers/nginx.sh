# shellcheck shell=bash
# nginx.sh is nginx as a relying party: it takes clients whose certificate chains
# to the root and stands on no CRL, and answers with the subject it saw, or with the
# reason of its refusal.
#
# nginx checks every certificate of the chain, so its CRL file must hold the root's
# CRL beside the issuer's. It reads the file at start and at nginx_reload.

# nginx_start DIR PORT CERT KEY ROOT CRL starts it. CERT: its own chain, leaf first;
# ROOT: what clients must chain to; CRL: PEM, the CRLs of every CA in the chain.
nginx_start() {
  local dir=$1 port=$2
  mkdir -p "$dir"
  nginx_config "$@" >"$dir/nginx.conf"
  peer_run "$dir" "$port" nginx -p "$dir" -e "$dir/log" -c "$dir/nginx.conf"
}

# nginx_reload DIR reads the CRL file anew; it returns when new workers serve.
nginx_reload() {
  local dir=$1 pid before
  pid=$(<"$dir/pid")
  before=$(nginx_workers "$pid")
  kill -HUP "$pid"
  peer_until "$pid" nginx_replaced "$pid" "$before"
}

nginx_workers() { ps -o pid= --ppid "$1" | sort | tr '\n' ' '; }

# nginx_replaced tells whether none of the workers of before is left.
nginx_replaced() {
  local worker now
  now=$(nginx_workers "$1")
  [ -n "$now" ] || return 1
  for worker in $2; do
    case " $now " in *" $worker "*) return 1 ;; esac
  done
}

# nginx_ask PORT CERT KEY ROOT asks it as a device and prints its answer and the
# status code. nginx refuses after the handshake, with 400 in HTTP: curl exits 0.
nginx_ask() {
  curl -sS --max-time 10 --cacert "$4" --cert "$2" --key "$3" \
    --write-out '%{http_code}\n' "https://127.0.0.1:$1/"
}

nginx_takes() { [[ $(nginx_ask "$@") == *$'\n200' ]]; }

# nginx_refuses PORT CERT KEY ROOT is true if nginx refused for revocation.
nginx_refuses() { [ "$(nginx_ask "$@")" = $'FAILED:certificate revoked\n400' ]; }

nginx_config() {
  cat <<CNF
daemon off;
pid $1/nginx.pid;
error_log $1/log info;
worker_processes 1;
events { worker_connections 64; }
http {
  access_log $1/access.log;
  client_body_temp_path $1/body;
  proxy_temp_path $1/proxy;
  fastcgi_temp_path $1/fastcgi;
  uwsgi_temp_path $1/uwsgi;
  scgi_temp_path $1/scgi;
  server {
    listen 127.0.0.1:$2 ssl;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_certificate $3;
    ssl_certificate_key $4;
    ssl_verify_client on;
    ssl_client_certificate $5;
    ssl_crl $6;
    error_page 495 496 @refused;
    location @refused {
      default_type text/plain;
      return 400 "\$ssl_client_verify\n";
    }
    location / {
      default_type text/plain;
      return 200 "\$ssl_client_s_dn\n";
    }
  }
}
CNF
}
