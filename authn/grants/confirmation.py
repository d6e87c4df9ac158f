"""The key that binds a token: none, a DPoP key, or a client certificate (RFC 7800 `cnf`)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The key or certificate that a token is bound to.

    `jkt` is the thumbprint of a DPoP key (RFC 9449 §6.1), `x5t_s256` that of a certificate
    (RFC 8705 §3.1), each in base64url; "" where there is none. At most one is given.
    """

    jkt: str = ""
    x5t_s256: str = ""

    def __bool__(self) -> bool:
        return bool(self.jkt or self.x5t_s256)

    @property
    def claim(self) -> dict[str, str]:
        """The value of `cnf`."""
        return {"jkt": self.jkt} if self.jkt else {"x5t#S256": self.x5t_s256}

    @property
    def token_type(self) -> str:
        """The `token_type` of a token response (RFC 9449 §5, RFC 8705 §3)."""
        return "DPoP" if self.jkt else "Bearer"

    def pack(self) -> str:
        """The binding as text, as stored and compared; "" for no binding."""
        if self.jkt:
            return f"jkt:{self.jkt}"
        return f"x5t:{self.x5t_s256}" if self.x5t_s256 else ""


UNBOUND = Confirmation()


def read_confirmation(claim: object) -> Confirmation:
    """The binding in the claim `cnf` of a verified token."""
    if not isinstance(claim, dict):
        return UNBOUND
    return Confirmation(claim.get("jkt", ""), claim.get("x5t#S256", ""))
