/**
 * Another key from this screen: one that the person has confirms, then the new one is made.
 * Two buttons, because Safari wants a click for each window.
 * @module
 */

import { ceremonyForm, find } from './ceremony.js';
import { post } from './http.js';
import { FreshOptions, createCredential, getCredential } from './webauthn.js';

const confirm = find('[data-step="confirm"]');
const create = find('[data-step="create"]');
const { on } = find('[data-on]').dataset;
const options = new FreshOptions(() => post('/devices/add/here/confirm-options', {}));

/** @type {import('./webauthn.js').Options | null} */
let creation = null;
let creationEnds = 0;

const confirming = ceremonyForm(confirm, async () => {
  const confirmed = await confirming.run(async () => {
    const fresh = await options.current;
    const credential = await getCredential(fresh.publicKey);
    creation = await post('/devices/add/here/options', {
      on,
      ceremony: fresh.ceremony,
      credential,
    });
    creationEnds = Date.now() + FreshOptions.LIFETIME;
    confirm.hidden = true;
    create.hidden = false;
    create.focus();
  });
  if (!confirmed) {
    options.renew();
  }
});

const creating = ceremonyForm(create, async () => {
  if (creation === null || Date.now() > creationEnds) {
    window.location.reload(); // answered, or confirmed too long ago: from the beginning
    return;
  }
  const { publicKey, ceremony } = creation;
  await creating.run(async () => {
    const created = await createCredential(publicKey);
    creation = null; // whatever the service says to it, it takes no second answer
    const { location } = await post('/devices/add/here/registration', { ceremony, ...created });
    window.location.assign(location);
  });
});
