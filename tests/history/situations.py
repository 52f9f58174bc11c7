"""What can have happened between files and history, and what each command answers: one table, tested and printed.

`make docs` writes `TABLE` as docs/history.md; `test_answers.py` runs every cell.
"""

from __future__ import annotations

from tests.history.acts import Answer
from tests.history.database import DATABASE
from tests.history.files import FILES
from tests.history.interrupted import INTERRUPTED
from tests.history.tables import TABLES

TABLE = FILES | INTERRUPTED | DATABASE | TABLES


# ── the page ──────────────────────────────────────────────────────────────
def page() -> str:
    """Return docs/history.md."""
    found = [HEAD]
    for title, rows in TABLE.items():
        found.append(f"## {title.rstrip(':')}\n")
        found.append("| | `plan` | `apply` | `status` | `rollback` |\n|---|---|---|---|---|")
        for row in rows:
            cells = (row.plan, row.apply, row.status, row.rollback)
            found.append(f"| {row.happened} | {' | '.join(map(_cell, cells))} |")
        found.append("")
    return "\n".join(found)


def _cell(answer: Answer) -> str:
    words = answer.says.replace("|", "\\|")
    return f"**{answer.code}** {words}" + (f" → `{answer.next}`" if answer.next else "")


HEAD = """\
# Files and history

<!-- Made by `make docs` from tests/history/situations.py, where each cell is tested; edit that. -->

What the commands answer when the files and the database's history do not tell the same story: the exit code, what the
answer holds, and after the arrow the next command that it names. `rollback` always goes by what was stored when a
migration was applied, so it works whatever became of the files. A version is one version however it is written: `1`
and `001` are the same. What is half applied goes on by the plan that was stored when it began, or back; never by an
edited file. A history that can't be read is never taken for an empty one.
"""
