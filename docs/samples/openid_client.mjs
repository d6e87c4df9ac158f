// A web application on Node and openid-client 6: sign in, show who it is, sign out.
//
// ISSUER, CLIENT_ID and CLIENT_SECRET are what `authn clients add` printed, ADDRESS is your own.
// Register ADDRESS/callback as redirect URI and ADDRESS/ for after signing out.

import { createServer } from 'node:http'
import * as client from 'openid-client'

const { ISSUER, CLIENT_ID, CLIENT_SECRET, ADDRESS } = process.env
const local = ISSUER.startsWith('http://localhost') ? [client.allowInsecureRequests] : []
const configuration = await client.discovery(
  new URL(ISSUER), CLIENT_ID, undefined, client.ClientSecretBasic(CLIENT_SECRET),
  { execute: local })

let waiting // one browser at a time: keep these three values in your session store
let account

async function start() {
  waiting = {
    pkceCodeVerifier: client.randomPKCECodeVerifier(),
    expectedState: client.randomState(),
    expectedNonce: client.randomNonce(),
  }
  return client.buildAuthorizationUrl(configuration, {
    redirect_uri: `${ADDRESS}/callback`,
    scope: 'openid profile',
    state: waiting.expectedState,
    nonce: waiting.expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(waiting.pkceCodeVerifier),
    code_challenge_method: 'S256',
  }).href
}

async function callback(address) {
  const tokens = await client.authorizationCodeGrant(configuration, address, waiting)
  const { sub } = tokens.claims() // this is who it is: store this, and nothing else
  account = {
    ...(await client.fetchUserInfo(configuration, tokens.access_token, sub)),
    idToken: tokens.id_token,
  }
  return '/'
}

function end() {
  const idToken = account.idToken
  account = undefined
  return client.buildEndSessionUrl(configuration, {
    id_token_hint: idToken,
    post_logout_redirect_uri: `${ADDRESS}/`,
  }).href
}

createServer(async (request, response) => {
  const address = new URL(request.url, ADDRESS)
  const pages = { '/sign-in': start, '/callback': () => callback(address), '/sign-out': end }
  try {
    if (address.pathname in pages) {
      response.writeHead(303, { location: await pages[address.pathname]() }).end()
    } else {
      const text = account
        ? `<h1>Hello, ${account.name}</h1><a href="/sign-out">Sign out</a>`
        : '<h1>Nobody is signed in</h1><a href="/sign-in">Sign in</a>'
      response.writeHead(200, { 'content-type': 'text/html' }).end(text)
    }
  } catch (error) {
    response.writeHead(400).end(`Signing in failed: ${error.error ?? error.message}`)
  }
}).listen(new URL(ADDRESS).port)
