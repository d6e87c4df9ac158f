/**
 * My devices: the browser learns which keys are accepted, and the name that goes with them.
 * @module
 */

import { signalAccepted, signalDetails } from './signals.js';

const words = document.querySelector('[data-signals]')?.getAttribute('data-signals');
if (words) {
  const { accepted, details } = JSON.parse(words);
  signalAccepted(accepted).then(() => signalDetails(details));
}
