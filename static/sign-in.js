/**
 * Sign in: a button, and the key offered by autofill meanwhile.
 * @module
 */

import { ceremonyForm, find } from './ceremony.js';
import { Problem, post } from './http.js';
import { signalUnknown } from './signals.js';
import { Autofill, FreshOptions, autofillAvailable, getCredential } from './webauthn.js';

/** Milliseconds: an autofill request that fails sooner would fail again at once. */
const TOO_SOON = 1_000;

/** Milliseconds before a key that was refused is offered again. */
const PAUSE = 3_000;

const form = find('form[data-ceremony]');
const field = find('[data-autofill]');
const { request, returnTo } = form.dataset;
const autofill = new Autofill();
const options = new FreshOptions(() => post('/login/options', { request }), offerAutofill);

const ceremony = ceremonyForm(find('#main'), async () => {
  const signedIn = await ceremony.run(async () => {
    // One wait between the click and the ceremony: Safari allows no more.
    const [fresh] = await Promise.all([options.current, autofill.stop()]);
    await answer(fresh, await getCredential(fresh.publicKey));
  });
  if (!signedIn) {
    options.renew();
  }
});

/**
 * @param {import('./webauthn.js').Options} fresh
 * @param {any} credential
 */
async function answer(fresh, credential) {
  try {
    const { location } = await post('/login/assertion', {
      request,
      return_to: returnTo,
      ceremony: fresh.ceremony,
      credential,
    });
    window.location.assign(location);
  } catch (error) {
    if (error instanceof Problem && error.details.type?.endsWith(':unknown-credential')) {
      await signalUnknown(fresh.publicKey.rpId, credential.id);
    }
    throw error;
  }
}

async function offerAutofill() {
  if (!(await autofillAvailable()) || ceremony.busy) {
    return;
  }
  field.hidden = false;
  const began = performance.now();
  /** @type {any} */
  let credential;
  /** @type {import('./webauthn.js').Options} */
  let fresh;
  try {
    fresh = await options.current;
    if (ceremony.busy) {
      return;
    }
    credential = await autofill.offer(fresh.publicKey);
  } catch {
    if (performance.now() - began > TOO_SOON && !ceremony.busy) {
      options.renew();
    }
    return;
  }
  if (credential && !(await ceremony.run(() => answer(fresh, credential)))) {
    setTimeout(() => ceremony.busy || options.renew(), PAUSE);
  }
}

offerAutofill();
