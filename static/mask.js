/**
 * Groups what is typed or pasted into a field, and never stands in the way of it.
 * @module
 */

/**
 * The field shows its characters in the groups of its `data-mask`, where each `#` is one of them.
 * @param {HTMLInputElement} field
 */
export function masked(field) {
  const mask = field.dataset.mask ?? '';
  const write = () => {
    const caret = field.selectionStart ?? field.value.length;
    const before = bare(field.value.slice(0, caret)).length;
    const typed = bare(field.value);
    const grouped = group(typed, mask);
    if (grouped !== field.value) {
      field.value = grouped;
      if (document.activeElement === field) {
        const place = before === typed.length ? grouped.length : group(typed.slice(0, before), mask).length;
        field.setSelectionRange(place, place);
      }
    }
  };
  field.addEventListener('input', (event) => {
    // While a composed character or a deletion is under way, the field is left alone.
    const kind = event instanceof InputEvent ? event.inputType : '';
    if (!(event instanceof InputEvent && event.isComposing) && !kind.startsWith('delete')) {
      write();
    }
  });
  field.addEventListener('change', write);
  write();
}

/**
 * @param {string} text
 * @returns {string} its letters and digits, in capitals
 */
function bare(text) {
  return text.replaceAll(/[^0-9a-z]/gi, '').toUpperCase();
}

/**
 * @param {string} typed letters and digits
 * @param {string} mask
 * @returns {string} grouped; what does not fit is kept at the end, for the service to judge
 */
export function group(typed, mask) {
  let at = 0;
  let grouped = '';
  for (const sign of mask) {
    if (at === typed.length) {
      return grouped;
    }
    grouped += sign === '#' ? typed[at++] : sign;
  }
  return grouped + typed.slice(at);
}
