/**
 * The secret of a link, which sits behind the `#` so that no server's log ever has it.
 * @module
 */

/**
 * What stands behind the `#`; it leaves the address bar and the history.
 * @returns {string}
 */
export function takeFragment() {
  const fragment = window.location.hash.slice(1);
  history.replaceState(null, '', window.location.pathname + window.location.search);
  // The language switch comes back here by a redirect, and a redirect keeps the fragment.
  for (const form of document.querySelectorAll('form[action="/language"]')) {
    form.setAttribute('action', fragment ? `/language#${fragment}` : '/language');
  }
  return fragment;
}
