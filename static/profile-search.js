/**
 * Finds profiles while one types. Without this script the button does the same, page by page.
 * @module
 */

/** Milliseconds without a key before the service is asked. */
const PAUSE = 250;

const form = /** @type {HTMLFormElement} */ (document.querySelector('form[data-search]'));
const field = /** @type {HTMLInputElement} */ (form.elements.namedItem('search'));
const PARTS = ['[data-found-status]', '[data-found]'];

/** @type {AbortController | undefined} */
let asking;
/** @type {number | undefined} */
let pause;
let shown = field.value.trim();

/** Shows what was found, as the page that the button leads to does. */
async function find() {
  clearTimeout(pause);
  if (field.value.trim() === shown) {
    return;
  }
  asking?.abort();
  asking = new AbortController();
  const asked = field.value.trim();
  const sent = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    sent.append(name, String(value));
  }
  try {
    const response = await fetch(form.action, {
      method: 'POST',
      body: sent,
      credentials: 'same-origin',
      redirect: 'error',
      signal: asking.signal,
    });
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    for (const part of PARTS) {
      const fresh = page.querySelector(part);
      const old = document.querySelector(part);
      if (!response.ok || !fresh || !old) {
        throw new Error('another page');
      }
      old.replaceChildren(...fresh.childNodes);
    }
    shown = asked;
  } catch (error) {
    if (!(error instanceof DOMException && error.name === 'AbortError')) {
      form.submit(); // the page itself says what is the matter
    }
  }
}

field.addEventListener('input', () => {
  clearTimeout(pause);
  pause = setTimeout(find, PAUSE);
});
form.addEventListener('submit', (event) => {
  event.preventDefault();
  find();
});
