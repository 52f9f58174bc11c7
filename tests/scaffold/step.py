"""`make step NAME=split`: a new verb that works from its first minute; module and case to make your own."""

from __future__ import annotations

import keyword
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

MODULE = '''"""`{verb}`: say here in one line what it is for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from engine.errors import Problem
from engine.model.changes import Change, UpdateRows
from engine.model.expression import Sql
from engine.model.state import SchemaState
from engine.steps.base import field, step
from engine.steps.shapes import Name


@step("{verb}")
@dataclass(frozen=True, slots=True)
class {name}:
    """Take the spaces from both ends of a column.

    This docstring is the page in docs/verbs.md: what the user gets, then what may hurt, then the way back.
    """

    EXAMPLES: ClassVar[tuple[str, ...]] = ("{verb}: {{table: albums, column: title}}",)

    table: str = field("The table it works on.", Name(), example="albums")
    column: str = field("The column it works on.", Name(), example="title")

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the fields taken by themselves; paths begin below the verb."""
        if self.table == self.column:
            yield Problem("SP102", "table and column have one name", ("column",), hint="name a column")

    def changes(self, state: SchemaState) -> Iterator[Change]:
        """Return what the step means: changes of engine/model/changes.py, never SQL of one database."""
        del state
        yield UpdateRows(
            self.table,
            ((self.column, Sql(f"trim({{self.column}})")),),
            Sql(f"{{self.column}} <> trim({{self.column}})"),
        )
'''
CASE = """given: |
  CREATE TABLE albums (id INTEGER PRIMARY KEY, title TEXT);
  INSERT INTO albums VALUES (1, ' Blue '), (2, 'Hejira');
steps: |
  - {verb}: {{table: albums, column: title}}
after: {{albums: [[1, Blue], [2, Hejira]]}}
"""
NEXT = """Made {module} and {case}.
Next:
  1. make it mean what you want: fields, words, `changes`, and the case beside it
  2. make schema docs      the new verb in schema.json and docs/verbs.md
  3. .venv/bin/python -m pytest tests/test_cases.py -k {verb}
  4. a line in CHANGELOG.md and in the README's table of verbs, then: make"""


def make(verb: str, root: Path) -> tuple[Path, Path]:
    """Write the module and the case of a new verb below `root`.

    Raises:
        SystemExit: the name can't be a verb, or there is one of that name.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,30}", verb) or keyword.iskeyword(verb):
        raise SystemExit(f"NAME={verb or '…'}: a verb is one lower-case word, e.g. make step NAME=split")
    module = root / "engine" / "steps" / f"{verb}.py"
    case = root / "tests" / "cases" / verb / "does-what-it-says.yaml"
    if module.exists() or case.exists():
        raise SystemExit(f"there is a {module.relative_to(root)} already; nothing was written")
    for file in (module, case):
        file.parent.mkdir(parents=True, exist_ok=True)
    name = "".join(word.capitalize() for word in verb.split("_"))
    module.write_text(MODULE.format(verb=verb, name=name), encoding="utf-8")
    case.write_text(CASE.format(verb=verb), encoding="utf-8")
    return module, case


def main() -> None:
    """Make the verb named on the command line and say what comes next."""
    verb = sys.argv[1] if len(sys.argv) > 1 else ""
    module, case = make(verb, ROOT)
    print(NEXT.format(verb=verb, module=module.relative_to(ROOT), case=case.relative_to(ROOT)))


if __name__ == "__main__":
    main()
