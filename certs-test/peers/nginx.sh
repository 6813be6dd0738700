# shellcheck shell=bash
# nginx.sh is nginx as a relying party: it takes clients whose certificate chains
# to the root and is not revoked, and answers with the subject it saw, or with the
# reason of its refusal. It knows by a file of CRLs (nginx), or asks the OCSP address
# in the certificate (nginxocsp).
#
# nginx checks every certificate of the chain, so its CRL file must hold the root's
# CRL beside the issuer's. It reads the file at start and at nginx_reload. By OCSP it
# asks about the device's certificate alone, and keeps no answer unless told to. A
# session that is resumed has no chain to ask by, and would be refused.

# nginx_start DIR PORT CERT KEY ROOT CRL starts it. CERT: its own chain, leaf first;
# ROOT: what clients must chain to; CRL: PEM, the CRLs of every CA in the chain.
nginx_start() { nginx_run "$1" "$2" "$(nginx_trust "${@:3}")"; }

# nginxocsp_start DIR PORT CERT KEY ROOT starts it with OCSP in place of CRLs.
nginxocsp_start() { nginx_run "$1" "$2" "$(nginxocsp_trust "${@:3}")"; }

nginx_run() {
  mkdir -p "$1"
  nginx_config "$@" >"$1/nginx.conf"
  peer_run "$1" "$2" nginx -p "$1" -e "$1/log" -c "$1/nginx.conf"
}

# nginx_reload DIR reads the CRL file anew; it returns when new workers serve.
nginx_reload() {
  local pid before
  pid=$(<"$1/pid")
  before=$(peer_workers "$pid")
  kill -HUP "$pid"
  peer_until "$pid" peer_replaced "$pid" "$before"
}

# nginxocsp_reload DIR does nothing: no answer is kept.
nginxocsp_reload() { :; }

# nginx_ask PORT CERT KEY ROOT asks it as a device and prints its answer and the
# status code. nginx refuses after the handshake, with 400 in HTTP: curl exits 0.
nginx_ask() {
  curl -sS --max-time 10 --cacert "$4" --cert "$2" --key "$3" \
    --write-out '%{http_code}\n' "https://127.0.0.1:$1/"
}

nginx_takes() { [[ $(nginx_ask "$@") == *$'\n200' ]]; }
nginxocsp_takes() { nginx_takes "$@"; }

# nginx_refuses DIR PORT CERT KEY ROOT [WHY] is true if nginx refused because the
# device is revoked, or expired.
nginx_refuses() {
  local words='certificate revoked'
  [ "${6:-revoked}" != expired ] || words='certificate has expired'
  [ "$(nginx_ask "${@:2:4}")" = "FAILED:$words"$'\n400' ]
}
nginxocsp_refuses() { nginx_refuses "$@"; }

# nginx_config DIR PORT TRUST
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
$3
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

# nginx_trust CERT KEY ROOT CRL and nginxocsp_trust CERT KEY ROOT print what
# docs/operations/relying-parties.md tells people to write.
nginx_trust() {
  nginx_tls "$@"
  cat <<CNF
    ssl_crl $4;
CNF
}

nginxocsp_trust() {
  nginx_tls "$@"
  cat <<CNF
    ssl_ocsp leaf;
    ssl_session_cache off;
    ssl_session_tickets off;
CNF
}

nginx_tls() {
  cat <<CNF
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_certificate $1;
    ssl_certificate_key $2;
    ssl_verify_client on;
    ssl_client_certificate $3;
CNF
}
