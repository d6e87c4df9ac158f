/**
 * The activation page: a code from the link, and groups while typing.
 * @module
 */

import { Ceremony, find } from './ceremony.js';
import { masked } from './mask.js';
import { keysPossible } from './webauthn.js';

const code = /** @type {HTMLInputElement} */ (document.getElementById('code'));
const ssin = /** @type {HTMLInputElement} */ (document.getElementById('ssin'));

const fragment = window.location.hash.slice(1);
if (fragment) {
  // The code leaves the address bar and the history; it was never sent to any server.
  history.replaceState(null, '', window.location.pathname + window.location.search);
  code.value = fragment.slice(0, 40);
}
masked(code);
masked(ssin);

if (code.form && !keysPossible()) {
  // Before a code is typed in a window where it would lead nowhere.
  const typed = code.value ? `#${code.value}` : '';
  new Ceremony(code.form, find('#main')).elsewhere(`${window.location.origin}/activate${typed}`);
} else if (code.value && !document.querySelector('[data-focus]')) {
  ssin.focus();
}

// The language switch comes back here by a redirect, and a redirect keeps the fragment.
for (const form of document.querySelectorAll('form[action="/language"]')) {
  form.addEventListener('submit', () => {
    form.setAttribute('action', `/language#${code.value.replaceAll(/[^0-9a-z-]/gi, '')}`);
  });
}
