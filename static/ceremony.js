/**
 * The form of a ceremony on a page: one run at a time, what is shown meanwhile, and how it ended.
 * @module
 */

import { copies } from './copy.js';
import { Problem } from './http.js';
import { CeremonyFailure, keysPossible, outcomeOf } from './webauthn.js';

/** Milliseconds before anything says that we are busy. */
const UNNOTICED = 300;

/** One `<form data-ceremony>` or other element with a button, and its outcome box beside it. */
export class Ceremony {
  /** @type {HTMLElement} */
  #element;
  /** @type {HTMLElement} */
  #scope;
  #busy = false;
  #timer = 0;

  /**
   * @param {HTMLElement} element holds the button
   * @param {HTMLElement} scope holds the element, the outcome box and its templates
   */
  constructor(element, scope) {
    this.#element = element;
    this.#scope = scope;
    this.#button()?.removeAttribute('disabled'); // from now on a click is heard
    window.addEventListener('pageshow', (event) => event.persisted && this.rest());
  }

  get busy() {
    return this.#busy;
  }

  /**
   * Runs the steps unless others are running. True when they succeeded, and the page is left or
   * changed by them; otherwise the outcome is shown and the button says to try again.
   * @param {() => Promise<void>} steps
   * @returns {Promise<boolean>}
   */
  async run(steps) {
    if (this.#busy) {
      return false;
    }
    this.#begin();
    try {
      await steps();
      return true;
    } catch (error) {
      this.rest();
      this.#show(error);
      return false;
    }
  }

  #begin() {
    this.#busy = true;
    this.#button()?.setAttribute('aria-disabled', 'true');
    this.#timer = window.setTimeout(() => this.#say(), UNNOTICED);
  }

  /** Takes away the outcome of the run before: somebody pressed the button again. */
  clear() {
    const box = this.#box();
    box.hidden = true;
    box.replaceChildren();
  }

  /** Ready for the next run. After a success only a page that stays as it is calls it. */
  rest() {
    this.#busy = false;
    window.clearTimeout(this.#timer);
    this.#button()?.removeAttribute('aria-disabled');
    this.#status()?.replaceChildren();
  }

  /**
   * Says that keys don't work in this window, and which address to open in a browser.
   * @param {string} [address] where the page itself knows better than its template
   */
  elsewhere(address) {
    this.#element.hidden = true;
    this.#show(new CeremonyFailure('not-allowed-here'), address);
  }

  #say() {
    const status = this.#status();
    if (status) {
      const line = document.createElement('p');
      line.className = 'working';
      line.textContent = status.dataset.working ?? '';
      status.replaceChildren(line);
    }
  }

  /**
   * @param {unknown} error
   * @param {string} [address]
   */
  #show(error, address) {
    const outcome = outcomeOf(error);
    const template = /** @type {HTMLTemplateElement} */ (
      this.#scope.querySelector(`template[data-outcome="${outcome}"]`) ??
        this.#scope.querySelector('template[data-outcome="no-answer"]')
    );
    const words = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
    if (error instanceof Problem) {
      fill(words, '[data-title]', error.details.title);
      fill(words, '[data-detail]', error.details.detail);
      fill(words, '[data-reference]', error.details.instance?.split(':').pop());
    }
    if (outcome === 'not-allowed-here') {
      showAddress(words, address ?? template.dataset.elsewhere ?? window.location.href);
    }
    const box = this.#box();
    box.dataset.shown = outcome;
    box.className = outcome === 'not-allowed-here' ? 'callout warning' : 'callout failure';
    box.replaceChildren(words);
    box.hidden = false;
    box.scrollIntoView({ block: 'nearest' });
    const button = this.#button();
    if (button?.dataset.again) {
      button.textContent = button.dataset.again;
    }
  }

  /** @returns {HTMLButtonElement | null} */
  #button() {
    return this.#element.querySelector('button[data-again]');
  }

  /** @returns {HTMLElement | null} */
  #status() {
    return this.#scope.querySelector('[data-status]');
  }

  #box() {
    return /** @type {HTMLElement} */ (this.#scope.querySelector('[data-outcome-box]'));
  }
}

/**
 * The ceremony of the first `form[data-ceremony]` in a part of the page; `submit` runs per click.
 * @param {HTMLElement} scope
 * @param {(ceremony: Ceremony, form: HTMLFormElement) => void} submit
 * @param {{needsKey?: boolean}} [how] a form that asks for no key works in every window
 * @returns {Ceremony}
 */
export function ceremonyForm(scope, submit, { needsKey = true } = {}) {
  const form = /** @type {HTMLFormElement} */ (scope.querySelector('form[data-ceremony]'));
  const ceremony = new Ceremony(form, scope);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (!ceremony.busy) {
      ceremony.clear();
      submit(ceremony, form);
    }
  });
  if (needsKey && !keysPossible()) {
    ceremony.elsewhere();
  }
  return ceremony;
}

/**
 * The element; a page without it is not the page that the script was written for.
 * @param {string} selector
 * @returns {HTMLElement}
 */
export function find(selector) {
  const element = document.querySelector(selector);
  if (!(element instanceof HTMLElement)) {
    throw new Error(`this page has no ${selector}`);
  }
  return element;
}

/**
 * The address that a browser outside of this window is to open, as text: a link would be followed
 * inside the window again. Addresses that would open a browser by themselves (`intent:` and the
 * like) are left to each app, and most show an error in place of our page.
 * @param {DocumentFragment} words
 * @param {string} address
 */
function showAddress(words, address) {
  const text = words.querySelector('[data-elsewhere-address]');
  const button = words.querySelector('[data-elsewhere-copy]');
  if (text instanceof HTMLElement && button instanceof HTMLElement) {
    text.textContent = address;
    copies(button, text, words.querySelector('[data-elsewhere-status]'));
  }
}

/**
 * @param {DocumentFragment} words
 * @param {string} selector
 * @param {string | undefined} text
 */
function fill(words, selector, text) {
  const element = words.querySelector(selector);
  if (element) {
    element.textContent = text ?? '';
  }
}
