/**
 * The second half of an activation code: from the link, or typed in groups. Nothing is sent before
 * the button is pressed.
 * @module
 */

import { takeFragment } from './fragment.js';
import { masked } from './mask.js';

const second = /** @type {HTMLInputElement} */ (document.getElementById('second'));
const fragment = takeFragment();

if (fragment) {
  second.value = fragment.slice(0, 40);
}
masked(second);
