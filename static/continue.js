/**
 * Goes on to the application: a page of ours in between, because `form-action` of our policy would
 * stop a redirect there after a form (CSP Level 3 §6.4.1).
 * @module
 */

const link = /** @type {HTMLElement | null} */ (document.querySelector('[data-location]'));
if (link?.dataset.location) {
  window.location.replace(link.dataset.location);
}
