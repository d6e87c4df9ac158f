/**
 * The desk by keyboard: `/` finds a person, `g` and a letter opens a screen, `?` shows the keys.
 * Whoever needs single letters for something else switches them off (WCAG 2.1.4).
 * @module
 */

const SWITCH = 'desk-keys';
/** Milliseconds within which the letter follows `g`. */
const FOLLOWS = 1500;

const dialog = /** @type {HTMLDialogElement | null} */ (document.querySelector('#keys'));
const opener = /** @type {HTMLButtonElement | null} */ (document.querySelector('[data-keys]'));
const on = /** @type {HTMLInputElement | null} */ (document.querySelector('#keys-on'));
let pressed = 0;

/** @param {KeyboardEvent} event */
function meantForText(event) {
  const target = event.target;
  return (
    event.ctrlKey ||
    event.altKey ||
    event.metaKey ||
    event.isComposing ||
    (target instanceof HTMLElement &&
      (target.isContentEditable || target.matches('input, select, textarea')))
  );
}

/**
 * Whether a key that was pressed is one of the desk's: they are switched on, and it is no text.
 * @param {KeyboardEvent} event
 */
export function listens(event) {
  return Boolean(on?.checked && !dialog?.open && !meantForText(event));
}

function find() {
  const field = document.querySelector('input[data-find]');
  if (field instanceof HTMLInputElement) {
    field.focus();
    field.select();
    return;
  }
  const path = dialog?.dataset.findPage ?? '';
  if (document.querySelector(`.rail a[href="${path}"]`)) {
    window.location.assign(path);
  }
}

/** @param {KeyboardEvent} event */
function act(event) {
  const soon = event.timeStamp - pressed < FOLLOWS;
  pressed = 0;
  if (event.key === '/') {
    find();
  } else if (event.key === '?') {
    dialog?.showModal();
  } else if (event.key === 'g') {
    pressed = event.timeStamp;
    return;
  } else if (soon) {
    const link = document.querySelector(`.rail a[data-key="${CSS.escape(event.key)}"]`);
    if (!(link instanceof HTMLAnchorElement)) {
      return;
    }
    link.click();
  } else {
    return;
  }
  event.preventDefault();
}

if (dialog && opener && on) {
  on.checked = window.localStorage.getItem(SWITCH) !== 'off';
  on.addEventListener('change', () => {
    window.localStorage.setItem(SWITCH, on.checked ? 'on' : 'off');
  });
  opener.hidden = false;
  opener.addEventListener('click', () => dialog.showModal());
  document.addEventListener('keydown', (event) => {
    if (listens(event)) {
      act(event);
    }
  });
}

// Where there is room the screens are always shown: in browsers too whose CSS can't say so.
const screens = document.querySelector('[data-screens]');
const wide = window.matchMedia('(min-width: 56rem)');
function unfold() {
  if (screens instanceof HTMLDetailsElement) {
    screens.open = wide.matches;
  }
}
wide.addEventListener('change', unfold);
unfold();
