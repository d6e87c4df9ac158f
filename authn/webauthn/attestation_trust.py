"""Whether attestation certificates chain to a trust anchor (WebAuthn §7.1 step 24).

Path validation is OpenSSL's, by pyOpenSSL, as in py_webauthn. Why not by giving py_webauthn the
roots: it takes a root only when that is self-signed, while nearly half of the anchors in the FIDO
metadata are intermediates or the attestation certificate itself (Metadata Statement §3.1,
attestationRootCertificates); and it judges dates by the machine's clock instead of the service's.
An anchor never comes from x5c: what is in there can only be a link.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime

from OpenSSL import crypto


def chains_to(x5c: Sequence[bytes], anchors: Iterable[bytes], now: datetime) -> bool:
    """Each certificate (DER) is signed by the next, in date, up to one of the anchors.

    Or the first one is itself an anchor. Raises `crypto.Error` when a certificate of x5c can't be
    read; an anchor that can't be read is none.
    """
    leaf, *others = [crypto.load_certificate(crypto.FILETYPE_ASN1, each) for each in x5c]
    store = crypto.X509Store()
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)  # an anchor need not be self-signed
    store.set_time(now)
    for anchor in readable(anchors):
        store.add_cert(anchor)
    try:
        crypto.X509StoreContext(store, leaf, others).verify_certificate()
    except crypto.X509StoreContextError:
        return False
    return True


def readable(certificates: Iterable[bytes]) -> Iterator[crypto.X509]:
    """Those of the certificates (DER) that can be read: the metadata has some that can't."""
    for der in certificates:
        with suppress(crypto.Error):
            yield crypto.load_certificate(crypto.FILETYPE_ASN1, der)


def as_pem(certificate: crypto.X509) -> bytes:
    """The certificate in PEM, letter by letter as py_webauthn compares it."""
    return crypto.dump_certificate(crypto.FILETYPE_PEM, certificate)


def as_der(pem: bytes) -> bytes:
    """The certificate in DER."""
    certificate = crypto.load_certificate(crypto.FILETYPE_PEM, pem)
    return crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)
