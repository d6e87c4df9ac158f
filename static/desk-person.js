/**
 * The page of a person by keyboard: `j` and `k` go from device to device, a letter opens the act
 * that stands beside it, on that device or on the whole account. Without a script all are links.
 * @module
 */

import { listens } from './desk.js';

const devices = /** @type {HTMLElement[]} */ ([...document.querySelectorAll('[data-device]')]);
/** After `g` a letter opens a screen (desk.js). */
let after = '';

/** @returns {number} the place of the device that has the focus, -1 for none */
function current() {
  return devices.findIndex((device) => device.contains(document.activeElement));
}

/** @param {number} step */
function go(step) {
  const from = current();
  const to = from < 0 ? 0 : Math.min(Math.max(from + step, 0), devices.length - 1);
  const device = devices[to];
  if (device) {
    device.tabIndex = -1;
    device.focus();
    device.scrollIntoView({ block: 'nearest' });
  }
}

/** @param {string} key */
function open(key) {
  const link = `[data-key="${CSS.escape(key)}"]`;
  const found =
    devices[current()]?.querySelector(link) ?? document.querySelector(`[data-whole] ${link}`);
  if (found instanceof HTMLAnchorElement) {
    found.click();
  }
}

document.addEventListener('keydown', (event) => {
  const before = after;
  after = event.key;
  if (event.defaultPrevented || before === 'g' || !listens(event)) {
    return;
  }
  if (event.key === 'j' || event.key === 'k') {
    go(event.key === 'j' ? 1 : -1);
  } else if (event.key.length === 1) {
    open(event.key);
  }
});
