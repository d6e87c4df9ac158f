/**
 * A new device for who lost the others, after a proof of identity.
 * @module
 */

import { ceremonyForm, find } from './ceremony.js';
import { post } from './http.js';
import { FreshOptions, createCredential } from './webauthn.js';

const { proof, request } = find('form[data-ceremony]').dataset;
const options = new FreshOptions(() => post('/return/options', { proof }));

ceremonyForm(find('#main'), async (ceremony) => {
  const returned = await ceremony.run(async () => {
    const fresh = await options.current;
    const created = await createCredential(fresh.publicKey);
    const { location } = await post('/return/registration', {
      proof,
      request,
      ceremony: fresh.ceremony,
      ...created,
    });
    window.location.assign(location);
  });
  if (!returned) {
    options.renew();
  }
});
