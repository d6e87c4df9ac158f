/**
 * A secret that was made for an application: shown once, where the form was.
 * @module
 */

import { find } from './ceremony.js';

document.addEventListener('confirmed', (event) => {
  const answer = /** @type {CustomEvent} */ (event).detail;
  if (!answer.client_secret) {
    return;
  }
  event.preventDefault();
  find('[data-secret]').textContent = answer.client_secret;
  find('[data-go-on]').setAttribute('href', answer.location);
  find('[data-before]').hidden = true;
  const box = find('[data-secret-box]');
  box.hidden = false;
  box.setAttribute('tabindex', '-1');
  box.focus();
});
