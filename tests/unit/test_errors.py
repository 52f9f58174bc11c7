"""What a diagnostic says, whatever it quotes."""

from __future__ import annotations

from engine.errors import Diagnostic


def test_a_quoted_name_of_any_length_is_shown_by_its_beginning() -> None:
    found = Diagnostic("RF102", "error", f"there is no column `old.{'x' * 3000}` in `t`", None)

    assert found.message == f"there is no column `old.{'x' * 195}…` in `t`"


def test_a_quoted_name_that_a_database_takes_is_shown_whole() -> None:
    name = "x" * 128

    assert Diagnostic("RF102", "error", f"there is no column `{name}`", None).message.endswith(f"`{name}`")
