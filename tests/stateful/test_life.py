"""The life of a database, a few short ones; `make test-all` lives longer ones."""

from __future__ import annotations

from tests.stateful.lived import lived


def test_a_short_life_ends_where_it_began_also_from_what_is_half_done() -> None:
    met = lived(5, 12)
    assert any(told.endswith(("half apply", "half rollback")) and "killed" in told for told in met), met
    assert any(": half " in told and told.endswith("→ 0, whole") for told in met), met
