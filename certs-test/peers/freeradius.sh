# shellcheck shell=bash
# freeradius.sh is FreeRADIUS as a relying party, which lets devices into a network by
# EAP-TLS (IEEE 802.1X); eapol_test (of wpa_supplicant) plays a device and its switch.
# It knows by a file of CRLs (freeradius), or asks the OCSP address in the certificate
# (radiusocsp).
#
# Version 3 reads CRLs at its start only, so that it is restarted for new ones.

RADIUS_SECRET=loopback

# freeradius_start DIR PORT CERT KEY ROOT CRL starts it; the arguments are nginx_start's.
freeradius_start() { freeradius_run "$1" "$2" "$(freeradius_trust "$3" "$4" "$1/trusted.pem")" "$5" "$6"; }

# radiusocsp_start DIR PORT CERT KEY ROOT ISSUING starts it with OCSP in place of CRLs.
# It looks for the issuer of a device among those that it trusts, and nowhere else.
radiusocsp_start() { freeradius_run "$1" "$2" "$(radiusocsp_trust "$3" "$4" "$1/trusted.pem")" "$5" "$6"; }

# freeradius_run DIR PORT TRUST FILE... starts it with the files as those of ca_file.
freeradius_run() {
  local dir=$1 port=$2
  mkdir -p "$dir"
  freeradius_config "$dir" "$port" "$3" >"$dir/radiusd.conf"
  echo '$INCLUDE /usr/share/freeradius/dictionary' >"$dir/dictionary"
  shift 3
  printf '%s\n' "$@" >"$dir/files"
  freeradius_up "$dir"
}

freeradius_up() {
  local seen
  # shellcheck disable=SC2046 # names without blanks
  cat $(<"$1/files") >"$1/trusted.pem"
  : >>"$1/log"
  seen=$(peer_lines "$1")
  peer_spawn "$1" peer_said "$1" "$seen" 'Ready to process requests' -- \
    freeradius -f -l stdout -d "$1" -n radiusd
}

# freeradius_reload DIR starts it anew.
freeradius_reload() {
  peer_stop "$1"
  freeradius_up "$1"
}

radiusocsp_reload() { :; }

# freeradius_ask PORT CERT KEY ROOT asks for entry to the network as a device.
freeradius_ask() {
  local network
  network=$(mktemp)
  cat >"$network" <<CNF
network={
  key_mgmt=IEEE8021X
  eap=TLS
  identity="device"
  ca_cert="$4"
  client_cert="$2"
  private_key="$3"
}
CNF
  eapol_test -c "$network" -a 127.0.0.1 -p "$1" -s "$RADIUS_SECRET" -t 5 -r 0
  rm -f "$network"
}

freeradius_takes() { freeradius_ask "$@" 2>&1 | grep -qx SUCCESS; }
radiusocsp_takes() { freeradius_takes "$@"; }

# freeradius_refuses DIR PORT CERT KEY ROOT [WHY] is true if it said no because the
# device is revoked, or expired.
freeradius_refuses() { freeradius_says_no 'error 23 : certificate revoked' "$@"; }
radiusocsp_refuses() { freeradius_says_no 'ocsp: Cert status: revoked' "$@"; }

freeradius_says_no() {
  local words=$1 dir=$2 seen
  [ "${7:-revoked}" != expired ] || words='certificate has expired'
  seen=$(peer_lines "$dir")
  if freeradius_takes "$3" "$4" "$5" "$6"; then return 1; fi
  peer_until "$$" peer_said "$dir" "$seen" "$words"
}

freeradius_config() {
  cat <<CNF
prefix = /usr
name = radiusd
logdir = $1
run_dir = $1
raddbdir = $1
libdir = /usr/lib/freeradius
pidfile = $1/freeradius.pid
max_request_time = 10
hostname_lookups = no
log {
  destination = stdout
  auth = yes
}
security {
  # A refusal would wait for a second, against guessers.
  reject_delay = 0
  allow_vulnerable_openssl = yes
}
thread pool {
  start_servers = 1
  max_servers = 4
  min_spare_servers = 1
  max_spare_servers = 3
}
client loopback {
  ipaddr = 127.0.0.1
  secret = $RADIUS_SECRET
}
modules {
  eap {
    default_eap_type = tls
    tls-config devices {
$3
      tls_min_version = "1.2"
      tls_max_version = "1.2"
      cipher_list = "DEFAULT"
    }
    tls {
      tls = devices
    }
  }
}
server devices {
  listen {
    type = auth
    ipaddr = 127.0.0.1
    port = $2
  }
  authorize {
    eap
  }
  authenticate {
    eap
  }
}
CNF
}

# freeradius_trust CERT KEY FILE and radiusocsp_trust CERT KEY FILE print what
# docs/operations/relying-parties.md tells people to write. FILE holds the root and
# the CRLs; with OCSP, the root and the issuer.
freeradius_trust() {
  cat <<CNF
      certificate_file = $1
      private_key_file = $2
      ca_file = $3
      check_crl = yes
      check_all_crl = yes
CNF
}

radiusocsp_trust() {
  cat <<CNF
      certificate_file = $1
      private_key_file = $2
      ca_file = $3
      ocsp {
        enable = yes
        override_cert_url = no
        use_nonce = no
        timeout = 5
        softfail = no
      }
CNF
}
