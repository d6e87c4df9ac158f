/**
 * This was not me: what the link does is shown, and its button does it.
 * @module
 */

import { Ceremony, find } from './ceremony.js';
import { takeFragment } from './fragment.js';
import { post } from './http.js';

const token = takeFragment();
const page = find('[data-not-me]');
const looking = new Ceremony(page, page);

if (token) {
  look();
} else {
  find('[data-incomplete]').hidden = false;
}

async function look() {
  const looked = await looking.run(async () => {
    const { act, standing, device } = await post('/not-me/look', { token });
    for (const name of document.querySelectorAll('[data-device]')) {
      name.textContent = device ?? '';
    }
    if (standing === 'possible') {
      ask(act);
    } else {
      show(act, standing);
    }
  });
  if (looked) {
    looking.rest();
  }
}

/** @param {string} act */
function ask(act) {
  const question = find(`[data-question="${act}"]`);
  const acting = new Ceremony(question, page);
  question.hidden = false;
  question.addEventListener('submit', async (event) => {
    event.preventDefault();
    acting.clear();
    const acted = await acting.run(async () => {
      const { standing } = await post('/not-me', { token });
      question.hidden = true;
      show(act, standing);
    });
    if (acted) {
      acting.rest();
    }
  });
}

/**
 * @param {string} act
 * @param {string} standing
 */
function show(act, standing) {
  const section = find(`[data-standing="${act} ${standing}"]`);
  section.hidden = false;
  section.focus();
}
