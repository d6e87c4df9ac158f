/**
 * The number is grouped while it is typed.
 * @module
 */

import { masked } from './mask.js';

masked(/** @type {HTMLInputElement} */ (document.getElementById('ssin')));
