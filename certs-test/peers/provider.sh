# shellcheck shell=bash
# provider.sh is the OIDC provider of certs-test/oidc-provider.

PROVIDER=$(cd "$PEERS/../oidc-provider" && pwd)

# provider_start DIR PORT starts it; its issuer is http://127.0.0.1:PORT. AUDIENCE,
# CONSOLE_REDIRECTS and the others of server.mjs may be set in the environment.
provider_start() {
  local seen
  mkdir -p "$1"
  : >>"$1/log"
  seen=$(peer_lines "$1")
  peer_spawn "$1" peer_said "$1" "$seen" '{"ready":true' -- node "$PROVIDER/server.mjs" "$2"
}

# provider_token PORT CLIENT prints an access token of a service.
provider_token() { OIDC_ISSUER=http://127.0.0.1:$1 "$PROVIDER/token" "$2"; }

# provider_approve ADDRESS PERSON does in the browser what `touchmark login` asks for.
provider_approve() { node "$PROVIDER/approve.mjs" "$1" "$2"; }
