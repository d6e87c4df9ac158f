/**
 * A device counts for more once it has confirmed that it is in the hand of who was proven.
 * @module
 */

import { ceremonyForm, find } from './ceremony.js';
import { post } from './http.js';
import { FreshOptions, getCredential } from './webauthn.js';

const { proof } = find('form[data-ceremony]').dataset;
const options = new FreshOptions(() => post('/devices/identity/options', { proof }));

ceremonyForm(find('#main'), async (ceremony) => {
  const done = await ceremony.run(async () => {
    const fresh = await options.current;
    const credential = await getCredential(fresh.publicKey);
    const { location } = await post('/devices/identity', {
      proof,
      ceremony: fresh.ceremony,
      credential,
    });
    window.location.assign(location);
  });
  if (!done) {
    options.renew();
  }
});
