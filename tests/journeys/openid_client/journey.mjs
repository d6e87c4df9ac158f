// A relying application on openid-client 6: discovery, code flow with PKCE, userinfo, end session.
//
// It prints the address to which it would send the browser, and reads from standard input the
// address to which the browser came back; then prints what it learned, as one JSON object a line.

import * as client from 'openid-client'
import { createInterface } from 'node:readline/promises'

const { ISSUER, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, SCOPE } = process.env
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const say = (what) => console.log(JSON.stringify(what))

const configuration = await client.discovery(
  new URL(ISSUER),
  CLIENT_ID,
  CLIENT_SECRET ? { client_secret: CLIENT_SECRET } : { token_endpoint_auth_method: 'none' },
  CLIENT_SECRET ? client.ClientSecretBasic(CLIENT_SECRET) : client.None(),
  { execute: [client.allowInsecureRequests] }, // the service under test is on http://localhost
)

const pkceCodeVerifier = client.randomPKCECodeVerifier()
const expectedState = client.randomState()
const expectedNonce = client.randomNonce()
say({
  authorization: client.buildAuthorizationUrl(configuration, {
    redirect_uri: REDIRECT_URI,
    scope: SCOPE,
    state: expectedState,
    nonce: expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  }).href,
})

const callback = new URL((await lines.next()).value)
const tokens = await client.authorizationCodeGrant(configuration, callback, {
  pkceCodeVerifier,
  expectedState,
  expectedNonce,
  idTokenExpected: true,
})
const claims = tokens.claims()
const userinfo = await client.fetchUserInfo(configuration, tokens.access_token, claims.sub)
say({ claims, userinfo, scope: tokens.scope })
say({
  endSession: client.buildEndSessionUrl(configuration, {
    id_token_hint: tokens.id_token,
    post_logout_redirect_uri: new URL('/', REDIRECT_URI).href,
    state: 'bye',
  }).href,
})
process.exit(0)
