/**
 * The two ceremonies of Web Authentication Level 3 (https://www.w3.org/TR/webauthn-3/) in the
 * browser: JSON in and out, and every failure as one of a few outcomes.
 * @module
 */

import { Problem } from './http.js';

/**
 * @typedef {'cancelled' | 'timed-out' | 'no-key' | 'already-here' | 'not-allowed-here'
 *   | 'refused' | 'no-answer'} Outcome
 * @typedef {{publicKey: any, ceremony: string}} Options
 */

/** A refusal without a window takes less than this; nobody reads and answers one so fast. */
const NO_WINDOW = 300;

/** The browser's own timer may end a little before the time that was asked for. */
const NEARLY = 2_000;

/** A ceremony that the browser did not complete. */
export class CeremonyFailure extends Error {
  /**
   * @param {Outcome} outcome
   * @param {unknown} [cause]
   */
  constructor(outcome, cause) {
    super(outcome, { cause });
    this.name = 'CeremonyFailure';
    this.outcome = outcome;
  }
}

/**
 * The outcome that an error of any step means to a person.
 * @param {unknown} error
 * @returns {Outcome}
 */
export function outcomeOf(error) {
  if (error instanceof CeremonyFailure) {
    return error.outcome;
  }
  return error instanceof Problem ? 'refused' : 'no-answer';
}

/**
 * Whether this window can use keys at all. An app's web view mostly can't: the interface is missing.
 * @returns {boolean}
 */
export function keysPossible() {
  return Boolean(window.isSecureContext && window.PublicKeyCredential && navigator.credentials);
}

/**
 * A new key: the registration ceremony (§5.1.3), from its JSON options to its JSON response.
 * @param {any} publicKey PublicKeyCredentialCreationOptionsJSON
 * @returns {Promise<{credential: any, client_extension_results: any}>}
 * @throws {CeremonyFailure}
 */
export async function createCredential(publicKey) {
  const credential = await ceremony('create', publicKey, () =>
    navigator.credentials.create({ publicKey: parseCreationOptions(publicKey) }),
  );
  return {
    credential: credentialToJSON(credential),
    client_extension_results: credential.getClientExtensionResults(),
  };
}

/**
 * A signature of a key: the authentication ceremony (§5.1.4), JSON in and out.
 * @param {any} publicKey PublicKeyCredentialRequestOptionsJSON
 * @param {{mediation?: CredentialMediationRequirement, signal?: AbortSignal}} [how]
 * @returns {Promise<any>} AuthenticationResponseJSON
 * @throws {CeremonyFailure}
 */
export async function getCredential(publicKey, how = {}) {
  const credential = await ceremony('get', publicKey, () =>
    navigator.credentials.get({ publicKey: parseRequestOptions(publicKey), ...how }),
  );
  return credentialToJSON(credential);
}

/**
 * @param {'create' | 'get'} kind
 * @param {any} publicKey
 * @param {() => Promise<Credential | null>} begin
 * @returns {Promise<PublicKeyCredential>}
 */
async function ceremony(kind, publicKey, begin) {
  if (!keysPossible()) {
    throw new CeremonyFailure('not-allowed-here');
  }
  const began = performance.now();
  try {
    const credential = await begin();
    if (credential === null) {
      throw new CeremonyFailure('no-key');
    }
    return /** @type {PublicKeyCredential} */ (credential);
  } catch (error) {
    if (error instanceof CeremonyFailure) {
      throw error;
    }
    const elapsed = performance.now() - began;
    throw new CeremonyFailure(outcomeOfBrowser(kind, error, elapsed, publicKey.timeout), error);
  }
}

/**
 * The browser says `NotAllowedError` for four things, on purpose (§14.5.2): only the time that
 * passed, and where we are, tell them apart.
 * @param {'create' | 'get'} kind
 * @param {unknown} error
 * @param {number} elapsed milliseconds
 * @param {number} [timeout] milliseconds
 * @returns {Outcome}
 */
export function outcomeOfBrowser(kind, error, elapsed, timeout) {
  const name = error instanceof DOMException ? error.name : '';
  switch (name) {
    case 'SecurityError':
      return 'not-allowed-here';
    case 'InvalidStateError':
      return kind === 'create' ? 'already-here' : 'no-key';
    case 'TimeoutError':
      return 'timed-out';
    case 'AbortError':
      return 'cancelled';
    case 'NotAllowedError':
      break;
    default:
      // ConstraintError, NotSupportedError, NotReadableError, UnknownError: the authenticator
      // cannot do what is asked, or cannot be reached.
      return 'no-key';
  }
  if (timeout && elapsed >= timeout - NEARLY) {
    return 'timed-out';
  }
  if (elapsed < NO_WINDOW) {
    return embedded() ? 'not-allowed-here' : 'no-key';
  }
  return 'cancelled';
}

/**
 * Whether the page sits in a frame or in another app's own window.
 * @returns {boolean}
 */
function embedded() {
  const android = /; wv\)/.test(navigator.userAgent);
  const apple = /iPhone|iPad/.test(navigator.userAgent) && !/Safari\//.test(navigator.userAgent);
  return window.top !== window.self || android || apple;
}

/**
 * Whether keys can be offered in the autofill list of a field (conditional mediation, §5.1.7).
 * @returns {Promise<boolean>}
 */
export async function autofillAvailable() {
  try {
    return (await window.PublicKeyCredential?.isConditionalMediationAvailable?.()) ?? false;
  } catch {
    return false;
  }
}

/**
 * The one owner of the pending autofill request. A browser allows one request at a time: it is
 * stopped before a window is opened, and offered again after each failure.
 */
export class Autofill {
  /** @type {AbortController | null} */
  #controller = null;
  /** @type {Promise<void>} */
  #settled = Promise.resolve();

  /**
   * Waits in the field's list until a key is picked; resolves to nothing when it was stopped.
   * @param {any} publicKey
   * @returns {Promise<any | null>} AuthenticationResponseJSON
   * @throws {CeremonyFailure}
   */
  async offer(publicKey) {
    const before = this.stop();
    const controller = new AbortController();
    this.#controller = controller;
    await before;
    if (controller.signal.aborted) {
      return null; // stopped again before it began
    }
    const pending = getCredential(publicKey, {
      mediation: 'conditional',
      signal: controller.signal,
    });
    this.#settled = pending.then(
      () => undefined,
      () => undefined,
    );
    try {
      return await pending;
    } catch (error) {
      if (controller.signal.aborted) {
        return null;
      }
      throw error;
    } finally {
      if (this.#controller === controller) {
        this.#controller = null;
      }
    }
  }

  /** Ends the pending request; resolves once the browser has let go of it. */
  stop() {
    this.#controller?.abort();
    this.#controller = null;
    const patience = new Promise((resolve) => setTimeout(resolve, 200));
    return Promise.race([this.#settled, patience]);
  }
}

/** Options that are there before the click, and are renewed before they expire. */
export class FreshOptions {
  /** Milliseconds; the service's challenges live 5 minutes. */
  static LIFETIME = 4 * 60_000;

  /** @type {() => Promise<Options>} */
  #fetch;
  /** @type {() => void} */
  #renewed;
  /** @type {Promise<Options>} */
  #current;
  #fetchedAt = 0;

  /**
   * @param {() => Promise<Options>} fetch
   * @param {() => void} [renewed] called each time that newer options are on their way
   */
  constructor(fetch, renewed = () => undefined) {
    this.#fetch = fetch;
    this.#renewed = renewed;
    this.#current = this.#load();
    setInterval(() => this.#renewWhenOld(), 10_000);
    // A sleeping tab has no timers; it renews when it is looked at again.
    document.addEventListener('visibilitychange', () => this.#renewWhenOld());
    window.addEventListener('pageshow', (event) => event.persisted && this.renew());
  }

  /** @returns {Promise<Options>} */
  get current() {
    return this.#current;
  }

  /** Asks for new options: those before were used, or are too old. */
  renew() {
    this.#current = this.#load();
    this.#renewed();
  }

  #renewWhenOld() {
    if (!document.hidden && Date.now() - this.#fetchedAt >= FreshOptions.LIFETIME) {
      this.renew();
    }
  }

  /** @returns {Promise<Options>} */
  #load() {
    this.#fetchedAt = Date.now();
    const options = this.#fetch();
    options.catch(() => undefined); // shown when someone waits for it, not before
    return options;
  }
}

// JSON helpers: the browser's own (§5.1.8 to §5.1.10), else by hand.

/**
 * @param {any} json
 * @returns {PublicKeyCredentialCreationOptions}
 */
function parseCreationOptions(json) {
  if (PublicKeyCredential.parseCreationOptionsFromJSON) {
    return PublicKeyCredential.parseCreationOptionsFromJSON(json);
  }
  return {
    ...json,
    challenge: decode(json.challenge),
    user: { ...json.user, id: decode(json.user.id) },
    excludeCredentials: (json.excludeCredentials ?? []).map(descriptor),
  };
}

/**
 * @param {any} json
 * @returns {PublicKeyCredentialRequestOptions}
 */
function parseRequestOptions(json) {
  if (PublicKeyCredential.parseRequestOptionsFromJSON) {
    return PublicKeyCredential.parseRequestOptionsFromJSON(json);
  }
  return {
    ...json,
    challenge: decode(json.challenge),
    allowCredentials: (json.allowCredentials ?? []).map(descriptor),
  };
}

/**
 * Some password managers put an object of their own in place of the browser's, without `toJSON`.
 * @param {any} credential PublicKeyCredential
 * @returns {any} RegistrationResponseJSON or AuthenticationResponseJSON
 */
function credentialToJSON(credential) {
  if (typeof credential.toJSON === 'function') {
    return credential.toJSON();
  }
  const { response } = credential;
  const common = {
    id: credential.id,
    rawId: encode(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
    clientExtensionResults: credential.getClientExtensionResults(),
  };
  if (response.attestationObject) {
    return {
      ...common,
      response: {
        clientDataJSON: encode(response.clientDataJSON),
        attestationObject: encode(response.attestationObject),
        transports: response.getTransports?.() ?? [],
      },
    };
  }
  return {
    ...common,
    response: {
      clientDataJSON: encode(response.clientDataJSON),
      authenticatorData: encode(response.authenticatorData),
      signature: encode(response.signature),
      userHandle: response.userHandle ? encode(response.userHandle) : undefined,
    },
  };
}

/** @param {any} json */
function descriptor(json) {
  return { ...json, id: decode(json.id) };
}

/**
 * @param {string} text base64url without padding (RFC 4648 §5)
 * @returns {Uint8Array<ArrayBuffer>}
 */
function decode(text) {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/**
 * @param {ArrayBuffer} buffer
 * @returns {string} base64url without padding
 */
function encode(buffer) {
  const binary = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join('');
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
