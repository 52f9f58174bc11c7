"""What "did you mean" takes for a slip of the pen, and what for another name."""

from __future__ import annotations

import pytest

from engine.model.state import nearest

KNOWN = ("order", "customers", "created_at", "first name", "dear", "name", "id", "Straße")


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("oredr", "order"),
        ("odrer", "order"),
        ("oder", "order"),
        ("orders", "order"),
        ("ordar", "order"),
        ("ORDER", "order"),
        ("ord er", "order"),
        ("customer", "customers"),
        ("custmoers", "customers"),
        ("createdAt", "created_at"),
        ("first_name", "first name"),
        ("nmae", "name"),
        ("ids", "id"),
        ("straße", "Straße"),
    ],
)
def test_a_slip_is_near(slip: str, meant: str) -> None:
    assert nearest(slip, KNOWN) == meant


@pytest.mark.parametrize("other", ["updated_at", "last_name", "dread", "border_control", "item", "", "🦆"])
def test_another_name_is_not(other: str) -> None:
    assert nearest(other, KNOWN) == ""
