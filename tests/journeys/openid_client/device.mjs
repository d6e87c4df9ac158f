// An application without a browser, on openid-client 6: it shows a code, and polls until it is let in.
//
// It prints what it would show, then what it learned, as one JSON object a line.

import * as client from 'openid-client'

const { ISSUER, CLIENT_ID, SCOPE } = process.env
const say = (what) => console.log(JSON.stringify(what))

const configuration = await client.discovery(
  new URL(ISSUER),
  CLIENT_ID,
  { token_endpoint_auth_method: 'none' },
  client.None(),
  { execute: [client.allowInsecureRequests] }, // the service under test is on http://localhost
)
const codes = await client.initiateDeviceAuthorization(configuration, { scope: SCOPE })
say(codes)
const tokens = await client.pollDeviceAuthorizationGrant(configuration, codes)
const claims = tokens.claims()
const userinfo = await client.fetchUserInfo(configuration, tokens.access_token, claims.sub)
say({ claims, userinfo, scope: tokens.scope })
process.exit(0)
