/**
 * An address is added once a key of its owner has confirmed it.
 * @module
 */

import { ceremonyForm, find } from './ceremony.js';
import { post } from './http.js';
import { getCredential } from './webauthn.js';

ceremonyForm(find('#main'), (ceremony) =>
  ceremony.run(async () => {
    const { value } = /** @type {HTMLInputElement} */ (find('#address'));
    const options = await post('/addresses/add/options', { address: value });
    const credential = await getCredential(options.publicKey);
    const { location } = await post('/addresses/add', {
      address: value,
      ceremony: options.ceremony,
      credential,
    });
    window.location.assign(location);
  }),
);
