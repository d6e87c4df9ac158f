/**
 * Who came back decides about each old device; the new one's key confirms exactly these choices.
 * @module
 */

import { ceremonyForm, find } from './ceremony.js';
import { post } from './http.js';
import { getCredential } from './webauthn.js';

const nothing = find('[data-nothing-chosen]');

ceremonyForm(find('#main'), (ceremony, form) => {
  const chosen = [...new FormData(form)].filter(([, choice]) => choice);
  nothing.hidden = chosen.length > 0;
  if (!chosen.length) {
    return;
  }
  const choices = Object.fromEntries(chosen);
  ceremony.run(async () => {
    // The options name the choices, so that they can't be fetched before the click.
    const fresh = await post('/return/devices/options', { choices });
    const credential = await getCredential(fresh.publicKey);
    const { location } = await post('/return/devices', {
      choices,
      request: form.dataset.request,
      ceremony: fresh.ceremony,
      credential,
    });
    window.location.assign(location);
  });
});
