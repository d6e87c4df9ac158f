/**
 * Goes on to the application once the others were told: when their frames have loaded, or after
 * three seconds. (A page's own `load` comes after that of its frames: HTML, "iframe load in
 * progress".)
 * @module
 */

const PATIENCE = 3000; // milliseconds

const link = /** @type {HTMLElement | null} */ (document.querySelector('[data-location]'));

/** Leaves this page, in the history too. */
function go() {
  if (link?.dataset.location) {
    window.location.replace(link.dataset.location);
  }
}

if (document.readyState === 'complete') {
  go();
} else {
  window.addEventListener('load', go, { once: true });
  setTimeout(go, PATIENCE);
}
