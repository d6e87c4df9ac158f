/**
 * A device is removed once a key of the same person has confirmed it.
 * @module
 */

import { ceremonyForm, find } from './ceremony.js';
import { post } from './http.js';
import { FreshOptions, getCredential } from './webauthn.js';

const path = `/devices/${find('form[data-ceremony]').dataset.device}/remove`;
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
