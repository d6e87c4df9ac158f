/**
 * Sends the answer to the application (OAuth 2.0 Form Post Response Mode §2), once.
 * @module
 */

const form = /** @type {HTMLFormElement | null} */ (document.querySelector('form[data-answer]'));
form?.requestSubmit();
