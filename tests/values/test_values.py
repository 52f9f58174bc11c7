"""Odd values in columns of every affinity: type and bytes are equal after whatever moves or keeps them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.command import run
from tests.support.database import same, snapshot
from tests.support.disk import failing_disk
from tests.values.odd import AFFINITIES, MEGABYTE, NOT_UTF8, SMALL, VALUES, literal

COLUMNS = ", ".join(AFFINITIES)
LISTED = f"[{COLUMNS}]"
HEAD = 'version: "001"\ndescription: Values\ntransaction: {mode}\nsteps:\n'


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    """No time is spent on syncs."""
    with failing_disk():
        yield


def odd(path: Path, *tables: str, size: int = SMALL) -> None:
    """Make a database with `data`, where every value stands in every column, and with `tables`."""
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"CREATE TABLE data (id INTEGER PRIMARY KEY, {defined()})")
        for number, name in enumerate(VALUES, 1):
            values = ", ".join([literal(name, size)] * len(AFFINITIES))
            db.execute(f"INSERT INTO data VALUES ({number * 3}, {values})")
        for table in tables:
            db.execute(table)
        db.commit()


def defined() -> str:
    """Return the columns of `data` but for its key."""
    return ", ".join(f"{name} {kind}" for name, kind in AFFINITIES.items())


def cells(path: Path, table: str, columns: str = COLUMNS) -> list[tuple[object, ...]]:
    """Return type and bytes of every cell, in the order of `id`."""
    asked = ", ".join(f"typeof({c}), {c}" for c in columns.split(", "))
    with closing(sqlite3.connect(path)) as db:
        db.text_factory = bytes
        return [tuple(map(repr, row)) for row in db.execute(f"SELECT id, {asked} FROM {table} ORDER BY id")]


def there(path: Path, steps: str, mode: str = "step") -> None:
    """Write the spec and apply it."""
    specs = path.parent / "specs"
    specs.mkdir(exist_ok=True)
    (specs / "001_values.yaml").write_text(HEAD.format(mode=mode) + steps, encoding="utf-8")
    command(path, "apply")


def back(path: Path) -> None:
    """Roll back."""
    command(path, "rollback")


def command(path: Path, word: str) -> None:
    ran = run(word, "--db", str(path), "--yes", "--batch-size", "7", str(path.parent / "specs"))
    assert ran.code == 0, ran.output


def test_there_are_more_than_sixty_values() -> None:
    assert len(VALUES) >= 60 and len(set(VALUES.values())) == len(VALUES)


MODES = pytest.mark.parametrize("mode", ["step", pytest.param("auto", marks=pytest.mark.slow)])


@MODES
def test_copied_into_a_table_of_the_same_migration(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    odd(path)
    before = snapshot(path)
    columns = ", ".join(f"{name}: blob" for name in AFFINITIES)  # of all types the one that turns nothing
    steps = f"  - create: {{table: other, columns: {{id: {{type: integer, primary_key: true}}, {columns}}}}}\n"
    steps += "  - copy: {from: data, into: other, columns: same, expect_rows: all}\n"
    there(path, steps + "    ignore: [{rule: DT110, reason: as blobs they stay what they are}]\n", mode)
    assert cells(path, "data") == cells(path, "other")
    back(path)
    same(before, snapshot(path))


@MODES
def test_copied_there_and_taken_back(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    odd(path, f"CREATE TABLE other (id INTEGER PRIMARY KEY, {defined()})")
    before = snapshot(path)
    there(path, "  - copy: {from: data, into: other, columns: same, expect_rows: all}\n", mode)
    assert cells(path, "data") == cells(path, "other")
    back(path)
    same(before, snapshot(path))


@MODES
def test_transformed_and_given_back(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    odd(path)
    before = snapshot(path)
    new = ", ".join(
        f'{c}: "CASE id % 4 WHEN 0 THEN NULL WHEN 1 THEN id WHEN 2 THEN {c} ELSE 1.5 END"' for c in AFFINITIES
    )
    there(path, f'  - transform: {{table: data, set: {{{new}}}, where: "true", expect_rows: {len(VALUES)}}}\n', mode)
    assert before.differences(snapshot(path))
    back(path)
    same(before, snapshot(path))


@pytest.mark.parametrize(
    "turned", ['untyped: "CAST(untyped AS TEXT)"', 'letters: "CAST(letters AS BLOB)"', "untyped: bytes"]
)
def test_a_transform_that_changes_only_the_type_is_seen_and_given_back(turned: str, tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    odd(path)
    before = snapshot(path)
    there(path, f'  - transform: {{table: data, set: {{{turned}}}, where: "true", expect_rows: {{min: 1}}}}\n')
    back(path)
    same(before, snapshot(path))


@MODES
def test_deleted_and_given_back(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    odd(path)
    before = snapshot(path)
    there(path, '  - delete: {from: data, where: "true", expect_rows: {min: 60}}\n', mode)
    assert cells(path, "data") == []
    back(path)
    same(before, snapshot(path))


REBUILDS = {
    "a column in the middle": "add: {note: {type: text, default: x, after: letters}}",
    "a check": 'add_checks: {ck: "id > 0"}',
    "a column dropped": "drop: [real_one]",
    "not null": "change: {id: {nullable: false}}",
}


@pytest.mark.parametrize("change", REBUILDS)
def test_rebuilt_and_rebuilt_back(change: str, tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    odd(path)
    before, kept = snapshot(path), ", ".join(c for c in AFFINITIES if c != "real_one")
    cells_before = cells(path, "data", kept)
    there(path, f"  - alter: {{table: data, {REBUILDS[change]}}}\n")
    assert cells(path, "data", kept) == cells_before
    back(path)
    same(before, snapshot(path))


def test_every_column_dropped_and_given_back(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    odd(path)
    before = snapshot(path)
    there(path, f"  - alter: {{table: data, drop: {LISTED}}}\n")
    back(path)
    same(before, snapshot(path))


def test_the_table_dropped_and_given_back(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    odd(path)
    before = snapshot(path)
    there(path, "  - drop: {table: data}\n")
    back(path)
    same(before, snapshot(path))


def test_a_type_changed_and_given_back(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    odd(path)
    before = snapshot(path)
    there(path, '  - alter: {table: data, change: {whole: {type: text, using: "CAST(whole AS TEXT)"}}}\n')
    back(path)
    same(before, snapshot(path))


ALL = """  - copy: {from: data, into: other, columns: same, expect_rows: all}
  - transform: {table: other, set: {bytes: {value: new}, letters: {value: new}}, where: "true", expect_rows: {min: 60}}
  - alter: {table: data, add: {note: {type: text, default: x, after: letters}}}
  - alter: {table: data, drop: [untyped]}
  - delete: {from: data, where: "id % 2", expect_rows: {min: 30}}
  - drop: {table: data}
"""


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["step", "auto"])
def test_megabytes_in_every_column_all_at_once(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    odd(path, f"CREATE TABLE other (id INTEGER PRIMARY KEY, {defined()})", size=MEGABYTE)
    before = snapshot(path)
    there(path, ALL, mode)
    back(path)
    same(before, snapshot(path))


# ── as keys ───────────────────────────────────────────────────────────────
KEYS = {
    "text": "k TEXT PRIMARY KEY",
    "untyped": "k PRIMARY KEY",
    "blob": "k BLOB PRIMARY KEY",
    "numeric": "k NUMERIC PRIMARY KEY",
    "untyped, without rowid": "k PRIMARY KEY",
    "blob, descending, without rowid": "k BLOB, PRIMARY KEY (k DESC)",
    "text and number": "k TEXT, PRIMARY KEY (k, n)",
}
WORK = {
    "copied": "  - copy: {from: keyed, into: other, columns: same, expect_rows: all}\n",
    "transformed": '  - transform: {table: keyed, set: {v: {value: new}}, where: "true", expect_rows: {min: 1}}\n',
    "deleted": '  - delete: {from: keyed, where: "true", expect_rows: {min: 1}}\n',
    "key changed": '  - transform: {table: keyed, set: {k: "\'k\' || n"}, where: "true", expect_rows: {min: 1}}\n',
    "column dropped": "  - alter: {table: keyed, drop: [v]}\n",
}


def keyed(path: Path, kind: str) -> int:
    """Make a database whose keys are the odd values; return how many different ones there are."""
    tail = " WITHOUT ROWID" if "without" in kind else ""
    key = KEYS[kind]
    head, comma, rest = key.partition(", PRIMARY")
    defined = f"{head}, n INTEGER, v{', PRIMARY' + rest if comma else ''}"
    with closing(sqlite3.connect(path)) as db:
        for table in ("keyed", "other"):
            db.execute(f"CREATE TABLE {table} ({defined}){tail}")
        for number, (name, value) in enumerate(VALUES.items()):
            if name not in NOT_UTF8 and name != "NULL":  # a row without a key can't be found again
                db.execute(f"INSERT OR IGNORE INTO keyed VALUES ({value}, {number}, {value})")
        db.commit()
        return int(db.execute("SELECT count(*) FROM keyed").fetchone()[0])


@pytest.mark.parametrize(
    ("kind", "work"),
    [
        pytest.param(kind, work, marks=() if (n + m) % 5 == 0 else pytest.mark.slow)
        for n, kind in enumerate(KEYS)
        for m, work in enumerate(WORK)
    ],
)
def test_as_keys_that_cut_batches(kind: str, work: str, tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    assert keyed(path, kind) > 40
    before = snapshot(path)
    there(path, WORK[work])
    after = snapshot(path)
    assert before.differences(after)
    if work == "copied":
        assert sorted(r[-6:] for r in after.rows["other"]) == sorted(r[-6:] for r in before.rows["keyed"])
    back(path)
    same(before, snapshot(path))


@pytest.mark.parametrize(
    ("work", "name"), list(zip(["transformed", "deleted", "copied", "deleted"], sorted(NOT_UTF8), strict=True))
)
def test_a_key_that_is_not_utf8_is_refused_in_words_and_nothing_is_changed(
    work: str, name: str, tmp_path: Path
) -> None:
    path = tmp_path / "v.db"
    keyed(path, "untyped, without rowid")
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"INSERT INTO keyed VALUES ({VALUES[name]}, 1000, 1)")
        db.commit()
    before = snapshot(path)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "001_values.yaml").write_text(HEAD.format(mode="step") + WORK[work], encoding="utf-8")
    ran = run("apply", "--db", str(path), "--yes", "--batch-size", "7", str(tmp_path / "specs"))
    if ran.code == 0:
        back(path)
    else:
        assert ran.code == 1 and "is not valid UTF-8" in ran.output and "hint: " in ran.output, ran.output
    same(before, snapshot(path))


# ── from a spec ───────────────────────────────────────────────────────────
YAML = (
    None, "", 0, 0.0, -0.0, 1, -1, 2**53 + 1, 2**63 - 1, -(2**63), 5e-324, 2.2250738585072014e-308,
    1.7976931348623157e308, 0.1 + 0.2, 1e15, 1e20, "007", "1e3", "-0", ".5", "0x10", " 12 ", "NaN", "inf", "null",
    "true", "👩‍👩‍👧🎹", "\u00e9", "e\u0301", "İıIi", "a  ", "it's \"5\" `x`", "-- x /* y */ ;", ":lo1 ?1 %s", "\\n",
    "2024-13-45", "a\nb\n", "x" * 100_000,
)  # fmt: skip


@MODES
def test_inserted_from_a_spec_and_taken_back(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE data (id INTEGER PRIMARY KEY, untyped, letters TEXT, number NUMERIC)")
        db.execute("CREATE TABLE bound (id INTEGER PRIMARY KEY, untyped, letters TEXT, number NUMERIC)")
        db.executemany("INSERT INTO bound VALUES (?, ?, ?, ?)", [(n, v, v, v) for n, v in enumerate(YAML, 1)])
        db.commit()
    before = snapshot(path)
    rows = "\n".join(
        f"        - {{id: {n}, untyped: {text(v)}, letters: {text(v)}, number: {text(v)}}}"
        for n, v in enumerate(YAML, 1)
    )
    there(path, f"  - insert:\n      into: data\n      rows:\n{rows}\n      expect_rows: {len(YAML)}\n", mode)
    columns = "untyped, letters, number"
    assert cells(path, "data", columns) == cells(path, "bound", columns)
    back(path)
    same(before, snapshot(path))


def text(value: object) -> str:
    """Return a value as YAML."""
    return json.dumps(value, ensure_ascii=False)
