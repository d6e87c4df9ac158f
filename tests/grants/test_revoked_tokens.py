"""Access tokens that were revoked one by one (RFC 7009 §2.1), whatever stands in their `jti`."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from authn.clients.tables import LONGEST_CLIENT_ID
from authn.db.transaction import reading, writing
from authn.grants.access_tokens import SealedToken, new_jti, open_jti, revoke_access_token
from authn.grants.tables import revoked_tokens
from authn.web.site import Site

LONGEST = "c" * LONGEST_CLIENT_ID


@pytest.mark.parametrize(
    ("grant", "profile", "switched_by"),
    [
        pytest.param(True, True, "", id="in a capacity"),
        pytest.param(True, True, LONGEST, id="switched to a capacity"),
        pytest.param(True, False, LONGEST, id="switched to the citizen"),
        pytest.param(True, False, "", id="as a citizen"),
        pytest.param(False, False, "", id="of a system"),
    ],
)
def test_every_kind_of_token_can_be_revoked(
    site: Site, *, grant: bool, profile: bool, switched_by: str
) -> None:
    def some(wanted: bool) -> UUID | None:
        return uuid4() if wanted else None

    grant_id, profile_id = some(grant), some(profile)
    jti = new_jti(site.secrets, grant_id, profile_id, switched_by)
    held = None if grant_id is None else SealedToken(grant_id, profile_id, switched_by)
    assert open_jti(site.secrets, jti) == held
    with writing(site.database) as connection:
        revoke_access_token(connection, jti, site.clock() + timedelta(minutes=5))
    with reading(site.database) as connection:
        assert connection.execute(select(revoked_tokens.c.jti)).scalar_one() == jti
