/**
 * The activation page: a code from the link, and groups while typing.
 * @module
 */

import { Ceremony, find } from './ceremony.js';
import { masked } from './mask.js';
import { keysPossible } from './webauthn.js';

const code = /** @type {HTMLInputElement} */ (document.getElementById('code'));
const ssin = /** @type {HTMLInputElement} */ (document.getElementById('ssin'));

/**
 * The code leaves the address bar and the history; it was never sent to any server.
 * @returns {boolean} whether there was one
 */
function takeCode() {
  const fragment = window.location.hash.slice(1);
  // An error leads to its field by the same means, and the skip link to the page.
  if (!fragment || document.getElementById(fragment)) {
    return false;
  }
  history.replaceState(null, '', window.location.pathname + window.location.search);
  code.value = fragment.slice(0, 40);
  return true;
}

/** The code is there: what is asked next is the number. */
function toTheNumber() {
  if (code.value) {
    ssin.focus();
  }
}

takeCode();
masked(code);
masked(ssin);
// Another link that is opened while this page is open only changes what is behind the `#`.
window.addEventListener('hashchange', () => {
  if (takeCode()) {
    code.dispatchEvent(new Event('input'));
    toTheNumber();
  }
});

if (code.form && !keysPossible()) {
  // Before a code is typed in a window where it would lead nowhere.
  const typed = code.value ? `#${code.value}` : '';
  new Ceremony(code.form, find('#main')).elsewhere(`${window.location.origin}/activate${typed}`);
} else if (!document.querySelector('[data-focus]')) {
  toTheNumber();
}

// The language switch comes back here by a redirect, and a redirect keeps the fragment.
for (const form of document.querySelectorAll('form[action="/language"]')) {
  form.addEventListener('submit', () => {
    form.setAttribute('action', `/language#${code.value.replaceAll(/[^0-9a-z-]/gi, '')}`);
  });
}
