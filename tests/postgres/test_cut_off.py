"""Sessions that end at any statement, on the way there and back: no batch is lost, none is done twice."""

from __future__ import annotations

import pytest

from tests.postgres.crashing import GIVEN, SPEC, cutting
from tests.support.cuts import Life
from tests.support.factor import scaled
from tests.support.postgres import Place


def begin(place: Place) -> Life[Place]:
    return Life(place, GIVEN, SPEC, cutting, "SELECT relname FROM pg_class WHERE relname LIKE 'engine_undo%'")


def test_a_session_cut_anywhere_is_gone_on_with(place: Place) -> None:
    begin(place).cut_at(3, 1, 2, 1)


@pytest.mark.slow
def test_a_session_cut_at_ninety_places_is_gone_on_with(place: Place) -> None:
    begin(place).cut_at(scaled(40), scaled(15), scaled(25), scaled(10))
