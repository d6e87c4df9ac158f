/**
 * The link of a mail: its secret goes into the form. Nothing is sent before the button is pressed.
 * @module
 */

import { find } from './ceremony.js';
import { takeFragment } from './fragment.js';

const secret = takeFragment();

if (secret) {
  /** @type {HTMLInputElement} */ (find('input[name="link"]')).value = secret;
} else {
  find('[data-question]').hidden = true;
  find('[data-incomplete]').hidden = false;
}
