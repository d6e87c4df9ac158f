/**
 * What waits for approval follows by itself: the page is read anew when something has changed.
 * Not while somebody writes in it, or their key is being asked for. @module
 */

import { find } from './ceremony.js';
import { follow } from './poll.js';

const list = find('[data-follow]');
const { follow: path = '', state: shown = '' } = list.dataset;

/** Milliseconds between two looks: with the reload itself, what changed is seen within 2 s. */
const PACE = 1_000;

/** Whether a reload would take something away that somebody is doing. */
function busy() {
  const written = list.querySelector('input[name="remark"]');
  return (
    (written instanceof HTMLInputElement && written.value !== '') ||
    list.querySelector('button[aria-disabled="true"]') !== null
  );
}

await follow(
  path,
  (state) => {
    if (state === shown || busy()) {
      return false;
    }
    window.location.reload();
    return true;
  },
  PACE,
);
