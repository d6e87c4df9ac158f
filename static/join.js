/**
 * The new device opens the link: whose account is it, and did you start this?
 * @module
 */

import { Ceremony, find } from './ceremony.js';
import { post } from './http.js';

const page = find('[data-join]');
const question = find('[data-question]');
const yes = find('[data-yes]');
const joining = new Ceremony(question, page);
const secret = takeFragment();

if (secret) {
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
    const { given_name: name, place } = await post('/join/look', { secret });
    find('[data-name]').textContent = name;
    if (place) {
      find('[data-place]').textContent = place;
      find('[data-place-line]').hidden = false;
    }
    question.hidden = false;
  });
  if (looked) {
    joining.rest();
  }
}

/**
 * The secret behind the `#`, which then leaves the address bar and the history.
 * @returns {string}
 */
function takeFragment() {
  const fragment = window.location.hash.slice(1);
  history.replaceState(null, '', window.location.pathname + window.location.search);
  // The language switch comes back here by a redirect, and a redirect keeps the fragment.
  for (const form of document.querySelectorAll('form[action="/language"]')) {
    form.setAttribute('action', fragment ? `/language#${fragment}` : '/language');
  }
  return fragment;
}
