"""Sessions that end at any statement, on the way there and back: no batch is lost, none is done twice."""

from __future__ import annotations

import pytest

from tests.mariadb.crashing import GIVEN, SPEC, cutting
from tests.support.cuts import Life
from tests.support.factor import scaled
from tests.support.mariadb import Place


def begin(place: Place) -> Life[Place]:
    return Life(place, GIVEN, SPEC, cutting, "SHOW TABLES LIKE 'engine_undo%'")


def test_a_session_cut_anywhere_is_gone_on_with(place: Place) -> None:
    begin(place).cut_at(3, 1, 2, 1)


@pytest.mark.slow
def test_a_session_cut_at_ninety_places_is_gone_on_with(place: Place) -> None:
    begin(place).cut_at(scaled(40), scaled(15), scaled(25), scaled(10))


@pytest.mark.slow
def test_a_session_cut_before_or_after_any_schema_statement_is_gone_on_with(place: Place) -> None:
    life = begin(place)
    there = [(number + after, 0) for number in life.there.schema for after in (0, 1)]
    back = [(number + after, 0) for number in life.back.schema for after in (0, 1)]
    assert there and back
    life.cut(there, back)
