/**
 * A device is blocked, allowed again or removed once a key of the same person has confirmed it.
 * @module
 */

import { ceremonyForm, find } from './ceremony.js';
import { post } from './http.js';
import { signalAccepted } from './signals.js';
import { FreshOptions, getCredential } from './webauthn.js';

const path = find('form[data-ceremony]').dataset.path ?? '';
const options = new FreshOptions(() => post(`${path}/options`, {}));

ceremonyForm(find('#main'), async (ceremony) => {
  const done = await ceremony.run(async () => {
    const fresh = await options.current;
    const credential = await getCredential(fresh.publicKey);
    const { location, accepted } = await post(path, { ceremony: fresh.ceremony, credential });
    if (accepted) {
      await signalAccepted(accepted);
    }
    window.location.assign(location);
  });
  if (!done) {
    options.renew();
  }
});
