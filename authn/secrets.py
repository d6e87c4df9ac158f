"""Secrets: what is signed, hashed and encrypted, and with which key.

Four keys that never stand in for one another: the master key encrypts at rest (AES-256-GCM), the
national number key finds a number or a mail address by its keyed hash, the token key signs
short-lived tokens (itsdangerous) and the audit key seals audit rows. Hashes and tokens begin with
the version of their key, ciphertexts with a mark of it, so that a key can be replaced while old
values are still read.
"""

import base64
import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from itsdangerous import Signer
from pydantic import SecretStr

from authn.errors import N_, CommandError, Expired, InvalidRequest
from authn.settings import Settings

KEY_BYTES = 32
KEY_VERSION = "1"
NONCE_BYTES = 12
MARK_BYTES = 5
OTHER_MASTER_KEY = "other_master_key"
KEY_NAMES = ("master_key", "national_number_key", "token_key", "audit_key")
LONGEST_TOKEN = 16_384
# Before there were marks, a ciphertext told nothing of its key.
_UNMARKED, _MARKED = b"1", b"2"


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """The four keys, 32 bytes each; never printed.

    `other_master_key` reads what is stored and writes nothing: the former master key until all of
    it is written anew, or the coming one. b"" when there is none.
    """

    master_key: bytes
    national_number_key: bytes
    token_key: bytes
    audit_key: bytes
    other_master_key: bytes = b""


def new_token(length: int = 32) -> str:
    """`length` random bytes as base64url: a bearer secret that nobody can guess."""
    return secrets.token_urlsafe(length)


def token_hash(token: str) -> str:
    """What is stored of a token: SHA-256, since a token of high entropy needs no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def encrypt(keys: Secrets, plaintext: bytes, context: str) -> bytes:
    """The plaintext under the master key, bound to `context` (where it is stored)."""
    nonce = os.urandom(NONCE_BYTES)
    sealed = AESGCM(keys.master_key).encrypt(nonce, plaintext, context.encode())
    return master_key_mark(keys.master_key) + nonce + sealed


def decrypt(keys: Secrets, ciphertext: bytes, context: str) -> bytes:
    """What `encrypt` was given; raises `CommandError` when the key or the context is another."""
    mark, rest = ciphertext[:MARK_BYTES], ciphertext[MARK_BYTES:]
    known = [key for key in (keys.master_key, keys.other_master_key) if key]
    fitting = [key for key in known if master_key_mark(key) == mark]
    if ciphertext.startswith(_UNMARKED):
        fitting, rest = known, ciphertext[len(_UNMARKED) :]
    for key in fitting:
        try:
            return AESGCM(key).decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], context.encode())
        except (InvalidTag, ValueError):
            continue
    raise CommandError(
        "A stored secret cannot be decrypted: the master key is not the one it was stored with."
    )


@lru_cache(maxsize=8)
def master_key_mark(master_key: bytes) -> bytes:
    """What a ciphertext under this master key begins with: 5 bytes, of which nobody learns it."""
    digest = hmac.new(master_key, b"mark", hashlib.sha256).digest()
    return _MARKED + digest[: MARK_BYTES - len(_MARKED)]


def national_number_hash(keys: Secrets, ssin: str) -> str:
    """The keyed hash by which a national number (11 digits) is found."""
    digest = hmac.new(keys.national_number_key, ssin.encode("ascii"), hashlib.sha256)
    return f"{KEY_VERSION}:{digest.hexdigest()}"


def address_hash(keys: Secrets, address: str) -> str:
    """The keyed hash by which a mail address is found, however its letters are written.

    With the key of national numbers: both find a person, and neither may be tried on a dump.
    """
    message = b"mail-address:" + address.lower().encode("ascii")
    digest = hmac.new(keys.national_number_key, message, hashlib.sha256)
    return f"{KEY_VERSION}:{digest.hexdigest()}"


def identity_hash(keys: Secrets, issuer: str, subject: str) -> str:
    """The keyed hash by which an identity of an upstream is found that has no national number."""
    message = f"identity\n{issuer}\n{subject}".encode("utf-8", "surrogatepass")
    return hmac.new(keys.national_number_key, message, hashlib.sha256).hexdigest()


def audit_seal(keys: Secrets, row: bytes) -> str:
    """The HMAC of an audit row, made when the row is inserted."""
    return f"{KEY_VERSION}:{hmac.digest(keys.audit_key, row, 'sha256').hex()}"


def audit_link(
    keys: Secrets, previous: str, sequence: int, day: str, event_id: int, seal: str
) -> str:
    """The HMAC that links an audit row to the one before it in the chain (decisions 3.4)."""
    text = f"{previous}|{sequence}|{day}|{event_id}|{seal}".encode()
    return f"{KEY_VERSION}:{hmac.digest(keys.audit_key, text, 'sha256').hex()}"


def csrf_token(keys: Secrets, browser: str) -> str:
    """The token that a form of ours carries, for this browser's cookie alone."""
    return _base64url(hmac.digest(keys.token_key, b"csrf:" + browser.encode(), "sha256"))


def derived_token(keys: Secrets, purpose: str, subject: str) -> str:
    """A bearer secret that need not be stored: whoever has the token key finds it again."""
    message = b"derived:" + purpose.encode() + b":" + subject.encode()
    return _base64url(hmac.digest(keys.token_key, message, "sha256"))


def sign_token(
    keys: Secrets, purpose: str, content: dict[str, Any], now: datetime, lifetime: timedelta
) -> str:
    """The content in a signed token for one purpose; signed, not secret: nothing personal in it."""
    expires = int((now + lifetime).timestamp())
    payload = _base64url(orjson.dumps({**content, "exp": expires}))
    return _signer(keys, purpose).sign(f"{KEY_VERSION}{payload}").decode()


def read_token(keys: Secrets, purpose: str, token: str, now: datetime) -> dict[str, Any]:
    """The content that `sign_token` was given for this same purpose.

    Raises `InvalidRequest` when it was not signed by us for this purpose, `Expired` when too late.
    """
    invalid = InvalidRequest(
        "invalid_token", N_("This link or page is not valid. Please start again.")
    )
    if len(token) > LONGEST_TOKEN:
        raise invalid
    try:
        signed = token.encode("ascii")
    except UnicodeEncodeError:
        raise invalid from None
    payload = signed.rpartition(b".")[0]
    # As a whole, and not the signature that it decodes to: base64 has several spellings of one, and
    # a token that is spent must not go on under another.
    if not hmac.compare_digest(_signer(keys, purpose).sign(payload), signed):
        raise invalid
    content: dict[str, Any] = orjson.loads(base64.urlsafe_b64decode(payload[1:] + b"=="))
    if content["exp"] <= now.timestamp():
        raise Expired("expired", N_("This page was open for too long. Please start again."))
    return content


def _signer(keys: Secrets, purpose: str) -> Signer:
    return _signer_of_purpose(keys.token_key, purpose)


@lru_cache
def _signer_of_purpose(token_key: bytes, purpose: str) -> Signer:
    # itsdangerous would derive the purpose's key anew for each token; here it is done once.
    deriving = Signer(token_key, salt=purpose, digest_method=hashlib.sha256, key_derivation="hmac")
    return Signer(deriving.derive_key(), digest_method=hashlib.sha256, key_derivation="none")


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def load_secrets(settings: Settings) -> Secrets:
    """The four keys of this service; raises `CommandError` naming the one that is missing."""
    keys = {name: _load_key(settings, name) for name in KEY_NAMES}
    other_master_key = _load_other_master_key(settings)
    others = [key for name, key in keys.items() if name != "master_key"]
    if len(set(keys.values())) < len(keys) or other_master_key in others:
        raise CommandError("Two of the four keys are the same: each must be random by itself.")
    return Secrets(**keys, other_master_key=other_master_key)


def _load_other_master_key(settings: Settings) -> bytes:
    path = secret_path(settings, OTHER_MASTER_KEY)
    if not settings.other_master_key.get_secret_value() and not path.exists():
        return b""
    return _load_key(settings, OTHER_MASTER_KEY)


def secret_path(settings: Settings, name: str) -> Path:
    """Where the key of this name is, unless a setting holds it."""
    return settings.data_directory / "secrets" / name


def replace_master_key(settings: Settings) -> None:
    """There is a new master key on file, and the former one is the other master key.

    At every moment of it, and after a crash at any, the former one is on file. Raises
    `CommandError` when the keys are settings, or an other key is there already.
    """
    path, other = (secret_path(settings, name) for name in ("master_key", OTHER_MASTER_KEY))
    if settings.master_key.get_secret_value() or settings.other_master_key.get_secret_value():
        raise CommandError(
            "The master key is a setting: put it into AUTHN_OTHER_MASTER_KEY, and 32 other random "
            "bytes in base64url into AUTHN_MASTER_KEY."
        )
    former = _load_key(settings, "master_key")
    try:
        os.link(path, other)
    except FileExistsError:
        if _load_key(settings, OTHER_MASTER_KEY) != former:
            raise CommandError(
                f"There is {other} already: finish with `authn secrets reencrypt`, then delete it."
            ) from None
    fresh = path.with_name("master_key.new")
    fresh.unlink(missing_ok=True)
    _write_key(fresh)
    fresh.replace(path)


def create_secrets(settings: Settings) -> None:
    """Each key that is neither set nor on file is on file now, readable by its owner alone."""
    for name in KEY_NAMES:
        setting: SecretStr = getattr(settings, name)
        if setting.get_secret_value():
            continue
        settings.data_directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = secret_path(settings, name)
        path.parent.mkdir(exist_ok=True, mode=0o700)
        with suppress(FileExistsError):
            _write_key(path)


def _write_key(path: Path) -> None:
    """A random key is in the file, which wasn't there; raises `FileExistsError`."""
    # O_EXCL: two processes that start at once agree on the first one's key.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(_base64url(secrets.token_bytes(KEY_BYTES)) + "\n")


def _load_key(settings: Settings, name: str) -> bytes:
    setting: SecretStr = getattr(settings, name)
    text = setting.get_secret_value()
    path = secret_path(settings, name)
    if not text:
        try:
            text = path.read_text(encoding="ascii").strip()
        except OSError:
            raise CommandError(
                f"There is no {name.replace('_', ' ')}: set AUTHN_{name.upper()}_FILE, "
                f"or let `authn secrets create` make {path}."
            ) from None
    try:
        key = base64.urlsafe_b64decode(text + "==")
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise CommandError(f"The {name.replace('_', ' ')} must be 32 bytes in base64url.")
    return key
