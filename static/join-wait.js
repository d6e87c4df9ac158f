/**
 * The new device waits until the old one has approved, then makes its key.
 * @module
 */

import { ceremonyForm, find } from './ceremony.js';
import { post } from './http.js';
import { follow } from './poll.js';
import { FreshOptions, createCredential } from './webauthn.js';

const page = find('[data-join-wait]');
const waiting = find('[data-waiting]');
const approved = find('[data-approved]');
const dead = find('[data-dead]');
const announce = find('[data-announce]');
const { invitation } = page.dataset;

/** @type {import('./ceremony.js').Ceremony | null} */
let adding = null;

follow(`/join/state?invitation=${encodeURIComponent(invitation ?? '')}`, (state) => {
  if (state === 'approved') {
    if (adding === null) {
      turnTo(approved, announce.dataset.approvedWords);
      begin();
    }
    return false;
  }
  if (state === 'dead' && !adding?.busy) {
    turnTo(dead, announce.dataset.deadWords);
    return true;
  }
  return state === 'used';
});

/**
 * @param {HTMLElement} section
 * @param {string | undefined} words
 */
function turnTo(section, words) {
  for (const other of [waiting, approved, dead]) {
    other.hidden = other !== section;
  }
  announce.textContent = words ?? '';
  section.focus();
}

function begin() {
  const options = new FreshOptions(() => post('/join/options', { invitation }));
  adding = ceremonyForm(approved, async (ceremony) => {
    const added = await ceremony.run(async () => {
      const fresh = await options.current;
      const created = await createCredential(fresh.publicKey);
      const { location } = await post('/join/registration', {
        invitation,
        ceremony: fresh.ceremony,
        ...created,
      });
      window.location.assign(location);
    });
    if (!added) {
      options.renew();
    }
  });
}
