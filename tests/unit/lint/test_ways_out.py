"""A way out that a finding shows can be put into the spec as it stands there, also where names are odd."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.command import run
from tests.support.database import script


@pytest.mark.parametrize(
    ("table", "column"), [("orders", "note"), ("Ord er's 🛒", "note"), ("orders", "select"), ('or"ders', "Nöte")]
)
def test_the_validate_for_a_column_that_goes_may_be_taken_as_shown(
    table: str, column: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    quoted = ['"' + name.replace('"', '""') + '"' for name in (table, column)]
    script("app.db", f"CREATE TABLE {quoted[0]} (id INTEGER PRIMARY KEY, {quoted[1]} TEXT)")
    head = 'version: "001"\ndescription: A column goes\nsteps:\n'
    drop = f"  - alter: {{table: '{table.replace(chr(39), chr(39) * 2)}', drop: [{column}]}}\n"
    Path("specs").mkdir()
    spec = Path("specs/001_a.yaml")
    spec.write_text(head + drop, encoding="utf-8")
    told = run("lint", "--db", "app.db", "specs").output
    shown = re.search(r"hint: e\.g\. before it: (no_rows: .*)", told)
    assert shown and "DL102" in told, told
    spec.write_text(head + f"  - validate: [{{{shown[1]}}}]\n" + drop, encoding="utf-8")
    clean = run("lint", "--db", "app.db", "specs")
    assert clean.code == 0 and "DL102" not in clean.output, clean.output
