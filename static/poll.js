/**
 * Follows a state of the service without anyone asking.
 * @module
 */

import { Problem, read } from './http.js';

/** Milliseconds between two looks, where nothing else is said. */
const PACE = 2_000;

/**
 * Reads the state at this pace while the page is looked at, until `see` returns true.
 * A look that fails is skipped; a refusal is seen as `dead`.
 * @param {string} path
 * @param {(state: string) => boolean} see
 * @param {number} pace milliseconds between two looks
 */
export async function follow(path, see, pace = PACE) {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, pace));
    if (document.hidden) {
      continue;
    }
    let state;
    try {
      ({ state } = await read(path));
    } catch (error) {
      const status = error instanceof Problem ? (error.details.status ?? 0) : 0;
      if (![403, 404, 410].includes(status)) {
        continue;
      }
      state = 'dead';
    }
    if (see(state)) {
      return;
    }
  }
}
