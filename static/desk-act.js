/**
 * An act at the desk is done once the agent's own key has confirmed it: with what its form holds,
 * which the options are asked for, so that the key confirms that and nothing else.
 * @module
 */

import { ceremonyForm, find } from './ceremony.js';
import { post } from './http.js';
import { FreshOptions, getCredential } from './webauthn.js';

for (const form of document.querySelectorAll('form[data-ceremony]')) {
  const { path = '' } = /** @type {HTMLElement} */ (form).dataset;
  const fields = () => Object.fromEntries(new FormData(/** @type {HTMLFormElement} */ (form)));
  const options = new FreshOptions(() => post(`${path}/options`, fields()));
  form.addEventListener('change', () => options.renew());
  const scope = /** @type {HTMLElement} */ (form.closest('[data-scope]') ?? find('#main'));

  ceremonyForm(scope, async (ceremony, sent) => {
    const done = await ceremony.run(async () => {
      const fresh = await options.current;
      const credential = await getCredential(fresh.publicKey);
      const answer = await post(path, { ...fields(), ceremony: fresh.ceremony, credential });
      const told = { detail: answer, bubbles: true, cancelable: true };
      // Whoever shows something first goes on later.
      if (sent.dispatchEvent(new CustomEvent('confirmed', told))) {
        window.location.assign(answer.location);
      }
    });
    if (!done) {
      options.renew();
    }
  });
}
