/**
 * The old device while a new one is added: follows the new one, and confirms its number.
 * @module
 */

import { ceremonyForm, find } from './ceremony.js';
import { copies } from './copy.js';
import { post } from './http.js';
import { masked } from './mask.js';
import { follow } from './poll.js';
import { FreshOptions, getCredential } from './webauthn.js';

const page = find('[data-invitation]');
const shown = page.dataset.state ?? '';
const path = `/devices/add/invitation/${page.dataset.invitation}`;

/** @type {import('./ceremony.js').Ceremony | null} */
let confirming = null;

if (shown === 'claimed') {
  const options = new FreshOptions(() => post(`${path}/confirm-options`, {}));
  const number = /** @type {HTMLInputElement} */ (find('#number'));
  masked(number);
  confirming = ceremonyForm(page, async (ceremony) => {
    const digits = number.value.replaceAll(/\D/g, '');
    if (digits.length !== 5) {
      number.setAttribute('aria-invalid', 'true');
      number.focus();
      return;
    }
    number.removeAttribute('aria-invalid');
    const approved = await ceremony.run(async () => {
      const fresh = await options.current;
      const credential = await getCredential(fresh.publicKey);
      const { location } = await post(`${path}/confirm`, {
        number: digits,
        ceremony: fresh.ceremony,
        credential,
      });
      window.location.assign(location);
    });
    if (!approved) {
      options.renew();
    }
  });
}

if (['open', 'claimed', 'approved'].includes(shown)) {
  follow(`${path}/state`, (state) => {
    if (state === shown || confirming?.busy) {
      return false;
    }
    if (state === 'dead' && page.querySelector('[data-shown="refused"]')) {
      // A wrong number: the box says so, and the page that would follow hides it.
      for (const part of page.querySelectorAll('[data-while-open]')) {
        part.setAttribute('hidden', '');
      }
      find('[data-renew]').hidden = false;
      return true;
    }
    window.location.reload();
    return true;
  });
}

const copy = page.querySelector('[data-copy]');
if (copy instanceof HTMLElement) {
  copies(copy, find('[data-link]'), find('[data-copy-status]'));
}
