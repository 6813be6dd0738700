#!/usr/bin/env node
// server is a real OpenID Connect provider on loopback, for the demo and the
// end-to-end tests. It holds everything in memory; each start has new keys.
//
//   node server.mjs [PORT]
//
// PORT            port on 127.0.0.1; 0 (the default) takes a free one
// LISTEN          address to listen on, default 127.0.0.1
// ISSUER          issuer to claim, default http://127.0.0.1:PORT
// AUDIENCE        aud of access tokens, default touchmark
// TOKEN_LIFETIME  lifetime of access tokens in seconds, default 3600
// DIRECTORY       JSON file of services and people with their groups
// CONSOLE_REDIRECTS  the console's redirect URIs, separated by commas
//
// When ready it prints one line of JSON on stdout: {"ready":true,"issuer":…,"port":…,"pid":…}.
// SIGTERM and SIGINT end it.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

import Provider from 'oidc-provider';

import { configure } from './configuration.mjs';

const { env } = process;

// stdout is for the ready line alone.
console.info = console.error;

function settings() {
  const file = env.DIRECTORY ?? new URL('directory.json', import.meta.url);
  const lifetime = Number(env.TOKEN_LIFETIME ?? 3600);
  if (!Number.isInteger(lifetime) || lifetime < 1) {
    throw new Error(`TOKEN_LIFETIME is ${env.TOKEN_LIFETIME}; it must be a number of seconds, 1 or more`);
  }
  return {
    directory: JSON.parse(readFileSync(file, 'utf8')),
    audience: env.AUDIENCE ?? 'touchmark',
    lifetime,
    redirects: (env.CONSOLE_REDIRECTS ?? 'https://127.0.0.1:9443/auth/callback').split(','),
  };
}

function listen(server) {
  const port = Number(process.argv[2] ?? env.PORT ?? 0);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, env.LISTEN ?? '127.0.0.1', () => resolve(server.address().port));
  });
}

// The issuer holds the port, so the port is taken before the provider is made.
const server = createServer();
const port = await listen(server);
const issuer = env.ISSUER ?? `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, configure(settings()));
provider.on('server_error', (_ctx, error) => console.error(error));
server.on('request', provider.callback());

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    server.close(() => process.exit(0));
    server.closeAllConnections();
  });
}

console.log(JSON.stringify({ ready: true, issuer, port, pid: process.pid }));
