/**
 * The code of another screen: in its two groups while it is typed.
 * @module
 */

import { masked } from './mask.js';

masked(/** @type {HTMLInputElement} */ (document.getElementById('user_code')));
