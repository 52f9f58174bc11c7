"""A checksum is of what a spec means."""

from __future__ import annotations

import pytest

from tests.unit.spec.building import HEAD, read, spec

BASE = """steps:
  - create:
      table: albums
      columns:
        id: {type: integer, primary_key: true}
        title: {type: text, default: "a"}
      unique: [[title]]
  - transform: {table: albums, set: {title: "trim(title)"}, where: "id > 5"}
"""


def number(text: str, variables: dict[str, object] | None = None) -> str:
    """Return the checksum."""
    return spec(text, variables).checksum


def test_form_is_named() -> None:
    head, _, rest = number(BASE).partition(":")
    assert head == "1"
    assert len(rest) == 64


SAME = {
    "comments": BASE.replace("table: albums\n", "table: albums   # the records\n"),
    "key order": BASE.replace(
        '{table: albums, set: {title: "trim(title)"}, where: "id > 5"}',
        '{where: "id > 5", set: {title: "trim(title)"}, table: albums}',
    ),
    "quoting": BASE.replace('"trim(title)"', "trim(title)").replace('default: "a"', "default: 'a'"),
    "layout": BASE.replace(
        '  - transform: {table: albums, set: {title: "trim(title)"}, where: "id > 5"}',
        "  - transform:\n      table: albums\n      set:\n        title: trim(title)\n      where: |\n        id > 5\n",
    ),
    "short forms": BASE.replace("title: {type: text, default", "title: {type: text, nullable: true, default").replace(
        "[[title]]", "[{column: title}]"
    ),
    "words for people": "ignore: [{rule: DT107}]\n" + BASE.replace("- transform", "- description: x\n    transform"),
    "ids": BASE.replace("- transform", "- id: second\n    transform"),
    "defaults that are written": "on_failure: rollback\ntransaction: auto\n" + BASE,
    "variables by what they put in": "vars: {t: albums}\n" + BASE.replace("{table: albums", "{table: '{{ t }}'"),
}


@pytest.mark.parametrize("text", SAME.values(), ids=list(SAME))
def test_what_changes_no_meaning_changes_no_checksum(text: str) -> None:
    assert number(text) == number(BASE)


OTHER = {
    "a name": BASE.replace("albums", "records"),
    "a type": BASE.replace("type: text", "type: varchar(5)"),
    "order of columns": BASE.replace(
        'id: {type: integer, primary_key: true}\n        title: {type: text, default: "a"}',
        'title: {type: text, default: "a"}\n        id: {type: integer, primary_key: true}',
    ),
    "a number in place of text": BASE.replace('default: "a"', "default: 1"),
    "the spelling of a number": BASE.replace('default: "a"', "default: 1.0"),
    "SQL": BASE.replace("id > 5", "id >= 5"),
    "a literal in place of SQL": BASE.replace('"trim(title)"', '{value: "trim(title)"}'),
    "SQL per database": BASE.replace('"trim(title)"', '{sqlite: "trim(title)"}'),
    "order of steps": "steps:\n" + BASE.partition("  - transform")[1] + BASE.partition("  - transform")[2]
    + BASE.partition("  - transform")[0].partition("steps:\n")[2],
    "a condition": BASE.replace("- transform", "- when: {table_exists: albums}\n    transform"),
    "a way back": BASE.replace("- transform", "- undo: x\n    transform"),
    "none": BASE.replace("- transform", "- irreversible: x\n    transform"),
    "what it needs": 'requires: "000"\n' + BASE,
    "what a failure does": "on_failure: stop\n" + BASE,
    "its databases": "dialects: sqlite\n" + BASE,
}  # fmt: skip


def test_whatever_changes_the_meaning_changes_the_checksum() -> None:
    numbers = [number(text) for text in OTHER.values()]
    assert number(BASE) not in numbers
    assert len(set(numbers)) == len(numbers)


def test_overrides_count() -> None:
    text = "vars: {t: albums}\n" + BASE.replace("{table: albums", "{table: '{{ t }}'")
    assert number(text, {"t": "records"}) != number(text)


def test_the_file_name_does_not_count_and_the_version_does() -> None:
    first, _ = read(HEAD + BASE)
    other, _ = read((HEAD + BASE).replace('"001"', '"002"'), version="002")
    assert first is not None and other is not None
    assert first.checksum != other.checksum
    assert first.checksum == spec(BASE).checksum
