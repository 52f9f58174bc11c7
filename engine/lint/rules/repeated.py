"""`sql` that changes rows by parts, or reads what it changes: DT103, DT106."""

from __future__ import annotations

from engine.lint.base import Rule
from engine.lint.story import Scene, Told, by_statement
from engine.lint.texts import Fragment, assignments, names, phrase_at, target
from engine.model.state import same_name


def _rows_of(said: Fragment) -> str:
    """Return what follows WHERE in an UPDATE or DELETE, "" where there is none."""
    at = phrase_at(said.words, ("WHERE",))
    return said.text[said.tokens[at].end :] if at >= 0 else ""


def _part(said: Fragment, _: Scene) -> Told:
    if not said.begins("UPDATE") or not said.says("LIMIT"):
        return None
    table, where = target(said), _rows_of(said)
    changed = next((name for name, _ in assignments(said) if names(where, name)), "")
    if not table or not changed:
        return None
    message = f"only some rows of `{table}` change, found by `{changed}`, which changes with them"
    return message, "write `transform`, which goes through all of them by their key", table


def _reads_itself(said: Fragment, scene: Scene) -> Told:
    if not said.begins("UPDATE") or said.dialect == "postgresql" or scene.targets == ("postgresql",):
        return None
    table = target(said)
    for name, text in assignments(said):
        words = [t.text.upper() for t in Fragment((), text, "", "").tokens]
        inner = "SELECT" in words and _from(text, table)
        if table and inner and names(text, name):
            message = f"`{name}` of a row is made from `{name}` of others, of which some have changed already"
            return message, "write `transform`, which reads all old values first", table
    return None


def _from(text: str, table: str) -> bool:
    """Tell whether a query in `text` reads `table`."""
    found = Fragment((), text, "", "").tokens
    return any(
        t.is_word("FROM", "JOIN")
        and n + 1 < len(found)
        and found[n + 1].is_name
        and same_name(found[n + 1].name, table)
        for n, t in enumerate(found)
    )


RULES = (
    Rule(
        "DT103",
        "batch-key-mutated",
        "error",
        "An UPDATE in `sql` with LIMIT finds its rows by what it changes.",
        "It changes some rows, once: which, and how many are left, nothing says.",
        "Write `transform`: it goes through all rows by their key, in batches.",
        "steps:\n  - sql: \"UPDATE a SET b = 'x' WHERE id IN (SELECT id FROM a WHERE b IS NULL LIMIT 1000)\"",
        "transform: {table: a, set: {b: {value: x}}, where: b IS NULL}",
        check_spec=by_statement("DT103", _part),
        over=("SP113", "DT101"),
    ),
    Rule(
        "DT106",
        "order-dependent-transform",
        "error",
        "An UPDATE in `sql` makes a column from the same column of other rows.",
        "SQLite and MySQL go row by row: a row sees what the rows before it got, so the result hangs on the order.",
        "Write `transform`: it reads all old values first.",
        'steps:\n  - sql: "UPDATE a SET n = (SELECT max(o.n) + 1 FROM a AS o WHERE o.id <> a.id)"',
        'transform: {table: a, set: {n: "(SELECT max(o.n) + 1 FROM a AS o WHERE o.id <> a.id)"}}',
        check_spec=by_statement("DT106", _reads_itself),
        over=("SP113", "DT101"),
    ),
)
