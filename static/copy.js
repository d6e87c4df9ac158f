/**
 * A button that copies a text, and says so.
 * @module
 */

/**
 * `data-copied` of the button are its words afterwards; `status` is a live region beside it. Where
 * the clipboard is out of reach, as in windows inside other apps, the text is selected instead.
 * @param {HTMLElement} button
 * @param {HTMLElement} text the element that shows what is copied
 * @param {HTMLElement | null} status
 */
export function copies(button, text, status) {
  button.addEventListener('click', async () => {
    const words = (await copied(text)) ? button.dataset.copied : button.dataset.selected;
    if (words) {
      button.textContent = words;
      status?.replaceChildren(words);
    }
  });
}

/**
 * @param {HTMLElement} text
 * @returns {Promise<boolean>} whether it is on the clipboard now
 */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text.textContent?.trim() ?? '');
    return true;
  } catch {
    getSelection()?.selectAllChildren(text);
    return document.execCommand('copy');
  }
}
