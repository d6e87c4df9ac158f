/**
 * Calls to our own JSON endpoints: CSRF token, time limit, problem+json (RFC 9457).
 * @module
 */

/** Milliseconds after which a call counts as unanswered. */
const PATIENCE = 20_000;

/**
 * @typedef {object} ProblemDetails
 * @property {string} [type]
 * @property {string} [title]
 * @property {string} [detail]
 * @property {number} [status]
 * @property {string} [instance]
 */

/** The service understood and said no; `details` are safe to show. */
export class Problem extends Error {
  /** @param {ProblemDetails} details */
  constructor(details) {
    super(details.title ?? 'refused');
    this.name = 'Problem';
    this.details = details;
  }
}

/** The service gave no answer that we can read. */
export class NoAnswer extends Error {
  /** @param {unknown} cause */
  constructor(cause) {
    super('no answer', { cause });
    this.name = 'NoAnswer';
  }
}

/**
 * The decoded answer of a POST.
 * @param {string} path
 * @param {object} body
 * @returns {Promise<any>}
 * @throws {Problem | NoAnswer}
 */
export function post(path, body) {
  const meta = document.querySelector('meta[name="csrf-token"]');
  return call(path, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      'X-CSRF-Token': meta?.getAttribute('content') ?? '',
    },
    body: JSON.stringify(body),
  });
}

/**
 * The decoded answer of a GET.
 * @param {string} path
 * @returns {Promise<any>}
 * @throws {Problem | NoAnswer}
 */
export function read(path) {
  return call(path, { method: 'GET' });
}

/**
 * @param {string} path
 * @param {RequestInit} init
 * @returns {Promise<any>}
 */
async function call(path, init) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), PATIENCE);
  try {
    const response = await fetch(path, {
      ...init,
      credentials: 'same-origin',
      redirect: 'error',
      signal: controller.signal,
    });
    const answer = await response.json();
    if (response.ok) {
      return answer;
    }
    throw new Problem(answer);
  } catch (error) {
    throw error instanceof Problem ? error : new NoAnswer(error);
  } finally {
    clearTimeout(timer);
  }
}
