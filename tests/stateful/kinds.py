"""The kinds of specs that the machine writes; each works whatever others are applied before it."""

from __future__ import annotations

from pathlib import Path

from tests.stateful.place import SPARES

STEPWISE = "transaction: step\n"
KINDS: dict[str, tuple[str, str]] = {
    "column": ("", "  - alter: {table: t, add: {c_#: {type: integer, default: #}}}\n"),
    "index": ("", "  - index: {table: t, columns: [v], name: i_#}\n"),
    "check": (STEPWISE, '  - alter: {table: t, add_checks: {ck_#: "id > -#"}}\n'),
    "mark": (
        STEPWISE,
        "  - transform: {table: t, set: {v: \"coalesce(v, '') || '-#'\"}, where: 'true', batch_size: 2}\n",
    ),
    "mark at once": ("", "  - transform: {table: t, set: {v: \"coalesce(v, '') || '+#'\"}, where: 'true'}\n"),
    "copy": (
        STEPWISE,
        "  - create: {table: k_#, columns: {id: {type: integer, primary_key: true}, v: text}}\n"
        "  - copy: {from: t, into: k_#, columns: {id: id, v: v}, batch_size: 2, expect_rows: all}\n"
        "  - index: {table: k_#, columns: [v]}\n",
    ),
    "insert": ("", "  - insert: {into: u, rows: [{w: 'u#'}, {w: null}], expect_rows: 2}\n"),
    "delete": (STEPWISE, "  - delete: {from: t, where: 'id % 6 = # % 6', batch_size: 1}\n"),
    "drop": ("", "  - drop: {table: spare_#}\n"),
    "made and renamed": (
        STEPWISE,
        "  - create: {table: z_#, columns: {id: {type: integer, primary_key: true}, v: text}}\n"
        "  - rename: {table: z_#, to: y_#}\n",
    ),
    "one way": ("", "  - sql: {run: \"INSERT INTO others (v) VALUES ('#')\"}\n    irreversible: it is a test\n"),
    "fails": (
        STEPWISE,
        "  - index: {table: t, columns: [n], name: f_#}\n  - validate: [{row_count: {table: t, equals: 999}}]\n",
    ),
    "stops": (
        STEPWISE + "on_failure: stop\n",
        "  - index: {table: t, columns: [n], name: f_#}\n  - validate: [{row_count: {table: t, equals: 999}}]\n",
    ),
}
MARKS = ("mark", "mark at once")
BAD = ("fails", "stops", "one way")
GOOD = tuple(kind for kind in KINDS if kind not in BAD)
OFTEN = (*GOOD, "mark", "mark", "copy", "delete")  # what can be half done and what others can change comes more often


def path(version: str) -> Path:
    """Return the file of a version."""
    return Path("specs", f"{version}_spec.yaml")


def text(version: str, kind: str) -> str:
    """Return the text of a spec."""
    number = int(version)
    if kind == "drop" and number > SPARES:
        kind = "column"
    head, steps = KINDS[kind]
    return f'version: "{version}"\ndescription: {kind}\n{head}steps:\n{steps}'.replace("#", str(number))
