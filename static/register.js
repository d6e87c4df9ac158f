/**
 * The first device, after an activation code.
 * @module
 */

import { ceremonyForm, find } from './ceremony.js';
import { post } from './http.js';
import { FreshOptions, createCredential } from './webauthn.js';

const { enrolment } = find('form[data-ceremony]').dataset;
const options = new FreshOptions(() => post('/activate/options', { enrolment }));

ceremonyForm(find('#main'), async (ceremony) => {
  const enrolled = await ceremony.run(async () => {
    const fresh = await options.current;
    const created = await createCredential(fresh.publicKey);
    const { location } = await post('/activate/registration', {
      enrolment,
      ceremony: fresh.ceremony,
      ...created,
    });
    window.location.assign(location);
  });
  if (!enrolled) {
    options.renew();
  }
});
