/**
 * What the browser is told of a person's keys (WebAuthn Level 3 §5.1.11), so that it offers none
 * that is gone. Where it cannot be told, nothing happens.
 * @module
 */

/**
 * @typedef {{rpId: string, userId: string, allAcceptedCredentialIds: string[]}} Accepted
 * @typedef {{rpId: string, userId: string, name: string, displayName: string}} Details
 */

/** Milliseconds that a page waits for it at most before it is left. */
const PATIENCE = 1_000;

/**
 * The keys of a person that are accepted, by user handle; the browser hides or removes the others.
 * @param {Accepted[]} lists
 * @returns {Promise<void>}
 */
export function signalAccepted(lists) {
  return signal('signalAllAcceptedCredentials', lists);
}

/**
 * The name of a person as it is now.
 * @param {Details[]} details
 * @returns {Promise<void>}
 */
export function signalDetails(details) {
  return signal('signalCurrentUserDetails', details);
}

/**
 * A key that was offered is not known here.
 * @param {string} rpId
 * @param {string} credentialId base64url
 * @returns {Promise<void>}
 */
export function signalUnknown(rpId, credentialId) {
  return signal('signalUnknownCredential', [{ rpId, credentialId }]);
}

/**
 * @param {string} name
 * @param {object[]} all
 * @returns {Promise<void>}
 */
async function signal(name, all) {
  const known = /** @type {any} */ (window.PublicKeyCredential);
  if (typeof known?.[name] !== 'function') {
    return;
  }
  const told = Promise.allSettled(all.map((each) => known[name](each)));
  await Promise.race([told, new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
}
