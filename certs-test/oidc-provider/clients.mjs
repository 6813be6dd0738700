// The clients that the test provider knows: one confidential client for each
// service of the directory, the command line and the console.

// SECRET_OF is the fixed test secret of a service: its name and "-secret".
const SECRET_OF = (name) => `${name}-secret`;

// service may fetch tokens for itself (RFC 6749, section 4.4).
const service = (name) => ({
  client_id: name,
  client_secret: SECRET_OF(name),
  grant_types: ['client_credentials'],
  response_types: [],
  redirect_uris: [],
});

// commandLine signs people in by the device authorization grant (RFC 8628), or
// by a browser that comes back to any loopback port (RFC 8252, section 7.3).
const commandLine = {
  client_id: 'touchmark-cli',
  client_name: 'Touchmark command line',
  application_type: 'native',
  token_endpoint_auth_method: 'none',
  grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'authorization_code', 'refresh_token'],
  response_types: ['code'],
  redirect_uris: ['http://127.0.0.1/callback', 'http://[::1]/callback'],
};

// webConsole is the public client of the console: authorization code with PKCE.
const webConsole = (redirects) => ({
  client_id: 'touchmark-console',
  client_name: 'Touchmark console',
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  redirect_uris: redirects,
});

// clientsFor lists every client for a directory and the console's redirect URIs.
export function clientsFor(directory, redirects) {
  return [...Object.keys(directory.services).map(service), commandLine, webConsole(redirects)];
}
