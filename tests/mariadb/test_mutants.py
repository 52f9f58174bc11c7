"""The tests of cuts have teeth where schema statements commit by themselves: engines broken on purpose are caught."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine.run import outside
from engine.run.unit import Runner
from tests.mariadb.crashing import GIVEN, SPEC, cutting
from tests.support.cuts import Life
from tests.support.mariadb import Place

pytestmark = pytest.mark.slow

Mutant = Callable[[pytest.MonkeyPatch], None]


def statement_before_its_intent(patch: pytest.MonkeyPatch) -> None:
    """Each schema statement is sent first, and only then is it noted that it is going to be."""
    first, wanted = Runner._first, outside.wanted

    def early(runner: Runner, unit: Any, now: Any, *rest: Any) -> Any:
        if now.direction == "apply":
            for statement in unit.outside:
                runner.driver.execute(statement.sql)
        return first(runner, unit, now, *rest)

    def done_already(driver: Any, statement: Any, direction: Any, *, again: bool) -> bool:
        return (again or direction == "rollback") and wanted(driver, statement, direction, again=again)

    patch.setattr(Runner, "_first", early)
    patch.setattr(outside, "wanted", done_already)


def catalogue_not_asked_again(patch: pytest.MonkeyPatch) -> None:
    """Where a statement broke off it is sent again, whether it was done or not."""
    patch.setattr(outside, "wanted", lambda driver, statement, direction, *, again: True)
    patch.setattr(outside, "settled", lambda driver, unit, direction: False)


def cut_around_schema_statements(place: Place) -> None:
    """Cut an apply before and after some of its schema statements, and go there and back from there."""
    life = Life(place, GIVEN, SPEC, cutting, "SHOW TABLES LIKE 'engine_undo%'")
    life.cut([(number + after, 0) for number in life.there.schema[-12::6] for after in (0, 1)], [])


@pytest.mark.parametrize(
    "mutant", [statement_before_its_intent, catalogue_not_asked_again], ids=lambda m: str(m.__name__)
)
def test_a_mutant_is_caught(mutant: Mutant, place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    cut_around_schema_statements(place)
    with pytest.MonkeyPatch.context() as patch:
        mutant(patch)
        with pytest.raises(AssertionError) as caught:
            cut_around_schema_statements(place)
    with capsys.disabled():
        print(f"\n{mutant.__name__}: {str(caught.value).splitlines()[:2]}"[:200], end="")
