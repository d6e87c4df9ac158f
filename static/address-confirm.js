/**
 * The button that confirms an address, with the secret behind the `#`.
 * @module
 */

import { ceremonyForm, find } from './ceremony.js';
import { takeFragment } from './fragment.js';
import { post } from './http.js';

const secret = takeFragment();
const question = find('[data-question]');

if (secret) {
  question.hidden = false;
} else {
  find('[data-incomplete]').hidden = false;
}

const ceremony = ceremonyForm(find('#main'), async () => {
  const confirmed = await ceremony.run(async () => {
    const { address } = await post('/addresses/confirm', { secret });
    find('[data-address]').textContent = address;
  });
  if (confirmed) {
    ceremony.rest();
    question.hidden = true;
    const done = find('[data-done]');
    done.hidden = false;
    done.focus();
  }
}, { needsKey: false });
