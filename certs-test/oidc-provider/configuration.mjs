// The provider's configuration: what a corporate provider is usually set to.
// Access tokens are JWTs (RFC 9068) for one audience and carry the groups of
// whoever they were issued to.
import { generateKeyPairSync, randomBytes } from 'node:crypto';

import { clientsFor } from './clients.mjs';

// RESOURCE is the resource indicator (RFC 8707) that every token is for unless
// the client names another; the token's aud is the audience, not this.
const RESOURCE = 'urn:touchmark:api';

const HOUR = 3600;

// signingKeys makes the keys of this run: RS256, which every provider has, first.
function signingKeys() {
  const jwk = (type, options, alg) => ({
    ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), use: 'sig', alg,
  });
  return [jwk('rsa', { modulusLength: 2048 }, 'RS256'), jwk('ec', { namedCurve: 'P-256' }, 'ES256')];
}

// resourceServers makes every access token a JWT for the audience.
const resourceServers = (audience, lifetime) => ({
  enabled: true,
  defaultResource: () => RESOURCE,
  useGrantedResource: () => true,
  getResourceServerInfo: () => ({
    scope: 'touchmark',
    audience,
    accessTokenFormat: 'jwt',
    accessTokenTTL: lifetime,
    jwt: { sign: { alg: 'RS256' } },
  }),
});

// findAccount takes anybody with any password; who is not in the directory has
// no groups.
const findAccount = (people) => (_ctx, login) => ({
  accountId: login,
  claims: () => ({ sub: login, name: login, email: `${login}@example.com`, groups: people[login] ?? [] }),
});

// groupsOf tells the groups of a token's person, or else of its service, in each of
// the forms that providers have: by themselves, within another claim as Keycloak's,
// under a name with dots as Auth0's.
const groupsOf = (directory) => (_ctx, token) => {
  const groups = (token.accountId ? directory.people[token.accountId] : directory.services[token.clientId]) ?? [];
  return { groups, realm_access: { roles: groups }, 'https://example.com/groups': groups };
};

// configure returns oidc-provider's configuration. directory: {services, people},
// each a map from a name to its groups; audience: the aud of access tokens;
// lifetime: of access tokens, in seconds; redirects: the console's redirect URIs.
export function configure({ directory, audience, lifetime = HOUR, redirects }) {
  return {
    clients: clientsFor(directory, redirects),
    jwks: { keys: signingKeys() },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    scopes: ['openid', 'offline_access', 'profile', 'email', 'groups'],
    claims: { profile: ['name'], email: ['email'], groups: ['groups'] },
    findAccount: findAccount(directory.people),
    extraTokenClaims: groupsOf(directory),
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    pkce: { required: () => true },
    ttl: {
      AuthorizationCode: 60, DeviceCode: HOUR / 6, Grant: 24 * HOUR, IdToken: HOUR, Interaction: HOUR, RefreshToken: 24 * HOUR, Session: 24 * HOUR,
    },
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      devInteractions: { enabled: true },
      resourceIndicators: resourceServers(audience, lifetime),
      revocation: { enabled: true },
    },
  };
}
