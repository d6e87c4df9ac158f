/**
 * The first device, after an identity was proven elsewhere.
 * @module
 */

import { ceremonyForm, find } from './ceremony.js';
import { post } from './http.js';
import { FreshOptions, createCredential } from './webauthn.js';

const { proof, request } = find('form[data-ceremony]').dataset;
const options = new FreshOptions(() => post('/activate/identity/options', { proof }));

ceremonyForm(find('#main'), async (ceremony) => {
  const enrolled = await ceremony.run(async () => {
    const fresh = await options.current;
    const created = await createCredential(fresh.publicKey);
    const { location } = await post('/activate/identity/registration', {
      proof,
      request,
      ceremony: fresh.ceremony,
      ...created,
    });
    window.location.assign(location);
  });
  if (!enrolled) {
    options.renew();
  }
});
