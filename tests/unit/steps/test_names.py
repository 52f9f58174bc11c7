"""Names that a spec does not give."""

from __future__ import annotations

import pytest

from engine.steps.names import derive_name


@pytest.mark.parametrize(
    ("prefix", "table", "parts", "expected"),
    [
        ("idx", "albums", ("artist_id",), "idx_albums_artist_id"),
        ("uq", "albums", ("artist_id", "title"), "uq_albums_artist_id_title"),
        ("idx", "albums", ("lower(title)", "price"), "idx_albums_lower_title_price"),
        ("idx", "my table", ("größe", "''"), "idx_my table_größe"),
    ],
)
def test_table_and_columns_make_the_name(prefix: str, table: str, parts: tuple[str, ...], expected: str) -> None:
    assert derive_name(prefix, table, parts) == expected


def test_a_long_name_is_cut_and_ends_with_a_hash_of_the_whole() -> None:
    first = derive_name("idx", "a" * 70, ("b",), 63)
    other = derive_name("idx", "a" * 70, ("c",), 63)
    assert len(first) == len(other) == 63
    assert first != other
    assert first == derive_name("idx", "a" * 70, ("b",), 63)
    assert derive_name("idx", "t", ("a",), 63) == "idx_t_a"


def test_the_limit_is_in_bytes_and_no_letter_is_cut_in_half() -> None:
    name = derive_name("idx", "ü" * 40, ("b",), 63)
    assert len(name.encode()) <= 63
    assert name.startswith("idx_ü")
