/**
 * What every page does: a form is sent once, the language menu closes, errors get the focus.
 * @module
 */

/**
 * Sends a form once; a page that comes back from the browser's history may send it again.
 * @param {HTMLFormElement} form
 */
function sendOnce(form) {
  form.addEventListener('submit', (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    // The buttons stay enabled: a disabled one would not be sent along with its value.
    form.dataset.sent = 'yes';
    for (const button of form.querySelectorAll('button')) {
      button.setAttribute('aria-disabled', 'true');
    }
  });
  window.addEventListener('pageshow', (event) => {
    if (event.persisted) {
      delete form.dataset.sent;
      for (const button of form.querySelectorAll('button')) {
        button.removeAttribute('aria-disabled');
      }
    }
  });
}

/**
 * Closes a menu on Escape, and on a click or a focus elsewhere.
 * @param {HTMLDetailsElement} menu
 */
function closeMenu(menu) {
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && menu.open) {
      menu.open = false;
      menu.querySelector('summary')?.focus();
    }
  });
  for (const happening of ['pointerdown', 'focusin']) {
    document.addEventListener(happening, (event) => {
      if (event.target instanceof Node && !menu.contains(event.target)) {
        menu.open = false;
      }
    });
  }
}

for (const form of document.forms) {
  // An answer to an application sends itself, and its button must stay of use if that fails. A
  // search is sent again and again.
  if (form.method === 'post' && !form.matches('[data-answer], [data-search]')) {
    sendOnce(form);
  }
}
for (const menu of document.querySelectorAll('details[data-menu]')) {
  closeMenu(/** @type {HTMLDetailsElement} */ (menu));
}
/** @type {HTMLElement | null} */ (document.querySelector('[data-focus]'))?.focus();
