/**
 * An address is removed once a key of its owner has confirmed it.
 * @module
 */

import { ceremonyForm, find } from './ceremony.js';
import { post } from './http.js';
import { FreshOptions, getCredential } from './webauthn.js';

const path = `/addresses/${find('form[data-ceremony]').dataset.address}/remove`;
const options = new FreshOptions(() => post(`${path}/options`, {}));

ceremonyForm(find('#main'), async (ceremony) => {
  const removed = await ceremony.run(async () => {
    const fresh = await options.current;
    const credential = await getCredential(fresh.publicKey);
    const { location } = await post(path, { ceremony: fresh.ceremony, credential });
    window.location.assign(location);
  });
  if (!removed) {
    options.renew();
  }
});
