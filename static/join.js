/**
 * The new device opens the link: whose account is it, and did you start this?
 * @module
 */

import { Ceremony, find } from './ceremony.js';
import { takeFragment } from './fragment.js';
import { post } from './http.js';
import { keysPossible } from './webauthn.js';

const page = find('[data-join]');
const question = find('[data-question]');
const yes = find('[data-yes]');
const joining = new Ceremony(question, page);
const secret = takeFragment();

if (secret && !keysPossible()) {
  // Nothing was claimed: the same link is still good in a browser that has keys.
  joining.elsewhere(`${window.location.origin}/join#${secret}`);
} else if (secret) {
  look();
} else {
  find('[data-incomplete]').hidden = false;
}

yes.addEventListener('click', () => {
  joining.clear();
  joining.run(async () => {
    const { location } = await post('/join/claim', { secret });
    window.location.assign(location);
  });
});

find('[data-no]').addEventListener('click', () => {
  question.hidden = true;
  const declined = find('[data-declined]');
  declined.hidden = false;
  declined.focus();
});

async function look() {
  const looked = await joining.run(async () => {
    const { given_name: name } = await post('/join/look', { secret });
    find('[data-name]').textContent = name;
    question.hidden = false;
  });
  if (looked) {
    joining.rest();
  }
}
