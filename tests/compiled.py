"""What SQLAlchemy compiled in one test is used in the next.

Why: each test opens its database anew, and compiling the same statements for each engine is a
quarter of what a test costs. A compiled statement belongs to a dialect, so engines of one kind
share theirs. The service itself opens its database once, and needs nothing of this.
"""

from typing import Any

import pytest
from sqlalchemy import Engine, create_engine

from authn.db import engine

STATEMENTS = 5000


def share(patch: pytest.MonkeyPatch) -> None:
    """Engines that are made from now on share what they compile, as long as the patch lasts."""
    first: dict[str, Engine] = {}

    def create(url: str, **options: Any) -> Engine:
        made = create_engine(url, query_cache_size=STATEMENTS, **options)
        known = first.setdefault(made.dialect.name, made)
        made.dialect = known.dialect
        made._compiled_cache = known._compiled_cache
        return made

    patch.setattr(engine, "create_engine", create)
