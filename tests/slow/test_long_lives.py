"""Long lives of a database (tests/stateful): whatever happens in whatever order, the history is honest."""

from __future__ import annotations

import re

import pytest

from tests.stateful.lived import lived
from tests.support.factor import FACTOR, scaled

OUTCOMES = (
    # there
    "apply: whole → 0, whole",
    "apply, nothing to do: .*",
    "apply: .* → 3, .*",
    "apply: .* → 4, .*",
    "apply: half apply → 0, whole",
    "apply: half rollback → 6, half rollback",
    "apply, killed: whole → killed, half apply",
    "apply, killed: whole → killed, whole",
    "apply, killed: half apply → .*",
    "apply, (disk fails|disk fails after|refused): .*",
    # back
    "rollback: whole → 0, whole",
    "rollback: whole → 1, whole",
    "rollback: half apply → 0, whole",
    "rollback.*: half rollback → 0, whole",
    "rollback, killed.*: whole → killed, half rollback",
    "rollback, killed.*: half rollback → killed, .*",
    "rollback, (disk fails|disk fails after|refused).*: .*",
    "rollback, others write.*: whole → 0, whole",
    "rollback, others write.*: half .* → 0, whole",
    "rollback.*abort a conflict: .* → 4, .*",
    "rollback, skip a conflict: .* → 0, whole",
    "rollback, force a conflict: .* → 0, whole",
    # what else happens
    "finalize: .* → 0, whole",
    "finalize, .*: whole → .*, whole",
    "(apply|rollback|finalize), somebody else is at work: .* → 5",
    "two appliers at once",
    "others write: whole",
    "others write: half apply",
    "others write: half rollback",
    "others change what was written: whole",
)
"""What the lives must meet, as patterns of `tests.stateful.model.MET`."""


@pytest.mark.slow
def test_a_long_life_ends_where_it_began_and_long_lives_meet_every_outcome() -> None:
    met = lived(scaled(16), 24)
    print("\n" + "\n".join(f"{count:5} {told}" for told, count in met.items()))
    missed = [outcome for outcome in OUTCOMES if not any(re.fullmatch(outcome, told) for told in met)]
    assert FACTOR < 1 or not missed, missed
