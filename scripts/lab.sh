# shellcheck shell=bash
# lab.sh sets up a whole Touchmark on loopback, from the corporate root to a server
# that believes a real OIDC provider, and shows each command as a person would type
# it. It is sourced by demo and up, which say what else happens.
#
# Everything lies in one temporary folder, the lab, in which the commands run; at
# the end, however it comes, what was started is stopped and the folder removed.
# The program is bin/touchmark, or what TOUCHMARK_BIN names.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
TOUCHMARK_BIN=$(realpath -m "${TOUCHMARK_BIN:-$ROOT/bin/touchmark}")
PATH=${TOUCHMARK_BIN%/*}:$PATH
# Whoever runs this may have settings for a server of their own.
unset TOUCHMARK_SERVER TOUCHMARK_CA TOUCHMARK_TOKEN_FILE "${!TOUCHMARK_OIDC_@}"

# shellcheck source=certs-test/peers/peers.sh
. "$ROOT/certs-test/peers/peers.sh"
# shellcheck source=certs-test/peers/corporate.sh
. "$ROOT/certs-test/peers/corporate.sh"
# shellcheck source=scripts/show.sh
. "$ROOT/scripts/show.sh"

# lab_open makes the lab and enters it.
lab_open() {
  if [ ! -x "$TOUCHMARK_BIN" ] || [ "${TOUCHMARK_BIN##*/}" != touchmark ]; then
    echo "there is no program $TOUCHMARK_BIN that is called touchmark; run make build" >&2
    exit 1
  fi
  LAB=$(mktemp -d "${TMPDIR:-/tmp}/touchmark.XXXXXX")
  trap lab_close EXIT
  trap 'exit 130' INT TERM
  cd "$LAB" || exit
  mkdir devices tokens
  note "The lab is $LAB; the commands run there."
}

# lab_close stops what the lab started, last first, and keeps the exit status.
lab_close() {
  local status=$? peer
  trap '' INT TERM
  for peer in mosquitto nginx server oidc; do peer_stop "$LAB/$peer"; done
  cd "$ROOT" || exit
  if [ "$status" -ne 0 ] && [ -n "${KEEP_LAB:-}" ]; then
    echo "the lab is kept in $LAB" >&2
  else
    rm -rf "$LAB"
  fi
  exit "$status"
}

# lab_root makes the corporate root and its CRL.
lab_root() {
  step 'The corporate PKI has a root and publishes its CRL'
  corporate_prepare corporate
  show "$(corporate_root_command corporate)"
  show "$(corporate_crl_command corporate)"
}

# lab_provider starts the organisation's OIDC provider.
lab_provider() {
  step 'The organisation has an OIDC provider: people and services sign in there'
  local console="https://127.0.0.1:$API_PORT/auth/callback,https://localhost:$API_PORT/auth/callback"
  CONSOLE_REDIRECTS=$console show_as "node $PROVIDER/server.mjs $OIDC_PORT &" \
    provider_start oidc "$OIDC_PORT"
  export OIDC_ISSUER=http://127.0.0.1:$OIDC_PORT
  note "issuer $OIDC_ISSUER, access tokens for the audience touchmark"
}

# lab_anchor has Touchmark make the issuing key, the corporate PKI sign it, and
# Touchmark take what came back.
lab_anchor() {
  step "Touchmark's configuration, with the corporate root as its anchor"
  show "touchmark quickstart touchmark --anchor corporate/root.crt --parent-crl corporate/root.crl" \
    "--device-addr 127.0.0.1:$DEVICE_PORT --api-addr 127.0.0.1:$API_PORT" \
    "--status-addr 127.0.0.1:$STATUS_PORT --metrics-addr 127.0.0.1:$METRICS_PORT" \
    "--oidc-issuer $OIDC_ISSUER --oidc-audience touchmark"

  step 'Touchmark makes its issuing key and asks; the corporate PKI signs'
  show "touchmark ca request --config touchmark/touchmark.yaml --common-name 'Example Works Device CA' >issuing.csr"
  show "$(corporate_sign_command corporate issuing.csr issuing.crt)"

  step 'Touchmark checks what came back and activates it'
  show "cat issuing.crt corporate/root.crt >chain.pem"
  show "touchmark ca install chain.pem --config touchmark/touchmark.yaml"
}

# lab_serve starts Touchmark and prepares the command line for it.
lab_serve() {
  step 'Touchmark serves'
  mkdir server
  show_as 'touchmark serve --config touchmark/touchmark.yaml &' peer_spawn server lab_ready -- \
    touchmark serve --config touchmark/touchmark.yaml
  export TOUCHMARK_SERVER=https://127.0.0.1:$API_PORT TOUCHMARK_CA=$LAB/corporate/root.crt
  DEVICE_URL=https://127.0.0.1:$DEVICE_PORT
  note "devices $DEVICE_URL, people $TOUCHMARK_SERVER, status http://127.0.0.1:$STATUS_PORT"
}

lab_ready() { curl -fs --max-time 2 -o /dev/null "http://127.0.0.1:$STATUS_PORT/readyz"; }

# lab_token NAME fetches an access token of the provider into tokens/NAME.
lab_token() {
  show_as "$PROVIDER/token $1 >tokens/$1" lab_keep_token "$1"
}

lab_keep_token() { (umask 077 && provider_token "$OIDC_PORT" "$1" >"tokens/$1"); }

# lab_start is the set-up that demo and up share. The six ports are set before.
lab_start() {
  lab_root
  lab_provider
  lab_anchor
  lab_serve
}
