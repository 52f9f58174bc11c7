"""Journals of data steps: what each row that a step touched was before, and what the step makes of it.

One typed table per step, one row per key (decision 002). MariaDB gives nothing back from what a statement
did to another one, so it goes the other way round: a batch first writes into its journal what it will do,
with the rows locked, and then does what stands there. So nothing is computed twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.dialects.base import StepContext
from engine.dialects.mysql.expression import Planning
from engine.dialects.mysql.names import listed
from engine.dialects.mysql.schema import MyColumn, MySchema, MyTable
from engine.dialects.mysql.sql import quote, same
from engine.dialects.mysql.stages import helper_unit
from engine.dialects.mysql.statements import probed, question, rows, table_there
from engine.dialects.mysql.walk import Key, between, column_definition, identity, key_loop, parts
from engine.model.plan import Guard, Reversible, Statement, Unit
from engine.model.state import fold, same_name


@dataclass(frozen=True, slots=True)
class Journal:
    """The journal of one table in one step.

    Attributes:
        name: of the journal's table.
        table: whose rows it is about.
        key: what it knows them by; the step does not change it.
        images: columns whose values it keeps, without those of the key.
        event: what happens to rows: insert, update, delete.
    """

    name: str
    table: MyTable
    key: Key
    images: tuple[MyColumn, ...]
    event: str

    def create(self) -> str:
        """Return the statement that makes the journal; `batch` tells what a batch is to do."""
        columns = [column_definition(f"key_{c.name}", c) for c in self.key.columns]
        columns.append('"batch" BIGINT NOT NULL')
        for image in self.kept:
            columns += [column_definition(f"{image}_{c.name}", c) for c in self.images]
        key = ", ".join(quote(n) for n in self.key_columns())
        return f'CREATE TABLE {quote(self.name)} ({", ".join(columns)}, PRIMARY KEY ({key}), KEY "batch" ("batch"))'

    @property
    def kept(self) -> tuple[str, ...]:
        """The images that it keeps."""
        return {"insert": ("new",), "update": ("old", "new"), "delete": ("old",)}[self.event]

    def key_columns(self) -> tuple[str, ...]:
        """Return the names of its key columns in the journal."""
        return tuple(f"key_{n}" for n in self.key.names)

    def of(self, image: str, alias: str = "") -> list[str]:
        """Return its columns of one image (`old`, `new`) as SQL, in the order of `images`."""
        dot = f"{alias}." if alias else ""
        return [f"{dot}{quote(f'{image}_{c.name}')}" for c in self.images]

    def head(self) -> str:
        """Return `INSERT INTO journal (key…, batch, images…)`."""
        columns = [quote(n) for n in self.key_columns()] + ['"batch"']
        for image in self.kept:
            columns += self.of(image)
        return f"INSERT INTO {quote(self.name)} ({', '.join(columns)})"

    def ties(self, alias: str) -> str:
        """Return the condition that joins a live row (`alias`) with its journal row `j`."""
        return " AND ".join(f"{alias}.{quote(n)} = j.{quote(f'key_{n}')}" for n in self.key.names)

    def holds(self, image: str, alias: str) -> str:
        """Return the condition that a live row has the values of an image, in everything."""
        found = [same(f"{alias}.{quote(c.name)}", f"j.{quote(f'{image}_{c.name}')}", c.type) for c in self.images]
        return " AND ".join(found) if found else "TRUE"


@dataclass(frozen=True, slots=True)
class Recording:
    """What of a step is written down: a journal, or why there is none."""

    journal: Journal | None = None
    words: str = ""
    reversible: Reversible = "journal"
    reason: str = ""

    @property
    def keeps(self) -> tuple[str, ...]:
        """Names of the tables that hold the way back."""
        return (self.journal.name,) if self.journal else ()

    def finished(self, unit: Unit, schema: MySchema) -> tuple[Unit, ...]:
        """Return the units of a step: the journal's, then the step's own with its way back."""
        words = f"{unit.why}; {self.words}"
        unit = replace(unit, why=words, reversible=self.reversible, reason=self.reason, keeps=self.keeps)
        if self.journal is None:
            return (unit,)
        made = helper_unit(
            unit.step,
            f"{unit.id}.journal",
            self.journal.name,
            self.journal.create(),
            f"the journal of step {unit.step}",
        )
        return (made, replace(unit, undo=undo_units(unit, self.journal, schema)))


def recording_of(
    session: Planning,
    table: MyTable,
    event: str,
    context: StepContext,
    columns: tuple[MyColumn, ...],
    key: Key | None = None,
) -> Recording:
    """Return what has to be written down when a step writes to `table`.

    Args:
        event: what its statement does to rows.
        columns: those whose values are kept.
        key: by which rows are known, None for the table's own.
    """
    if context.irreversible:
        return Recording(words="no way back is kept", reversible="no", reason=context.irreversible)

    def never(reason: str) -> Recording:
        return Recording(words="can't be undone", reversible="no", reason=reason)

    schema = session.schema
    fired = [t for t in schema.triggers_of(table.name) if t.event == event]
    if fired:
        return never(f"{listed(t.name for t in fired)} on {table.name} fires, and nobody can say what it writes")
    if event == "delete":
        acting = [(t, k) for t, k in schema.referring_to(table.name) if k.on_delete in ("CASCADE", "SET NULL")]
        if acting:
            return never(f"rows of {listed(t.name for t, _ in acting)} go or change with it, by a foreign key")
        if any(k.kind == "f" and same_name(k.to_table, table.name) for k in table.constraints):
            return never(f"rows of {table.name} refer to each other")
    if fold(table.name) in context.made_here:
        return Recording(words="undone with its table, which this migration makes", reversible="derived")
    key = key or identity(table, schema)
    if key is None:
        return never(f"{table.name} has no primary key and no unique key without NULLs to know its rows by")
    mine = {fold(n) for n in key.names}
    if event == "update" and any(fold(c.name) in mine for c in columns):
        return never(f"it changes {key.words}, by which rows of {table.name} are known")
    images = tuple(c for c in columns if fold(c.name) not in mine and c.generated is None)
    journal = Journal(f"engine_undo_{session.undo_number()}", table, key, images, event)
    what = {"insert": "the rows it writes", "update": "old and new values", "delete": "the rows that go"}[event]
    return Recording(journal, f"undone from {journal.name} ({what})")


# ── the way back ──────────────────────────────────────────────────────────
def undo_units(unit: Unit, journal: Journal, schema: MySchema) -> tuple[Unit, ...]:
    """Return the units that take a data step back from its journal.

    Rows that the step made go, rows that it changed get their old values, rows that it removed come
    back; each only where the live row is still what the step left, unless `:force` says otherwise.
    """
    forced = journal.name.replace("engine_undo_", "engine_forced_")
    keeps_forced = journal.event != "delete" and bool(journal.images)
    within = f" AND {between(parts(journal.key, 'j', 'key_'))}"
    body = _restore(journal, schema, within, forced if keeps_forced else "")
    back = Unit(
        f"{unit.id}.undo",
        unit.step,
        f"undo: {unit.title}",
        ">",
        why=f"in batches by {journal.key.words}, from the journal {journal.name}",
        guards=tuple(_guards(journal, schema)),
        loop=key_loop(journal.name, parts(journal.key, "", "key_"), body, None, journal.key.names),
        touches=(journal.table.name,),
        forced=(forced,) if keeps_forced else (),
    )
    if not keeps_forced:
        return (back,)
    make = f"CREATE TABLE {quote(forced)} AS SELECT * FROM {quote(journal.table.name)} WHERE FALSE"
    made = Unit(
        f"{unit.id}.forced",
        unit.step,
        f"make {forced}: for what --on-conflict force overwrites",
        "=",
        outside=(probed(make, table_there(forced), "keep"),),
    )
    return (made, back)


def _restore(journal: Journal, schema: MySchema, within: str, forced: str) -> tuple[Statement, ...]:
    table, source = quote(journal.table.name), f"{quote(journal.name)} AS j"
    joined = f"{table} AS t JOIN {source} ON {journal.ties('t')}"
    found: list[Statement] = []
    if forced:
        keep = f"INSERT INTO {quote(forced)} SELECT t.* FROM {joined} WHERE NOT ({journal.holds('new', 't')}){within}"
        found.append(replace(rows(keep, "keep"), only="force"))
    if journal.event == "delete":
        names = ", ".join(quote(n) for n in (*journal.key.names, *(c.name for c in journal.images)))
        values = ", ".join([*(f"j.{quote(n)}" for n in journal.key_columns()), *journal.of("old", "j")])
        missing = f"NOT EXISTS (SELECT 1 FROM {table} AS t WHERE {journal.ties('t')})"
        sql = f"INSERT INTO {table} ({names}) SELECT {values} FROM {source} WHERE {missing}{within}"
        return (*found, rows(sql, "insert", "written"))
    unchanged = f"({journal.holds('new', 't')} OR :force = 1)" if journal.images else "TRUE"
    if journal.event == "insert":
        others = _referring(journal, schema)
        free = f" AND (NOT {others} OR :force = 1)" if others else ""
        sql = f"DELETE t FROM {joined} WHERE {unchanged}{free}{within}"
        return (*found, rows(sql, "delete", "written"))
    sets = ", ".join(f"t.{quote(c.name)} = j.{quote(f'old_{c.name}')}" for c in journal.images)
    return (*found, rows(f"UPDATE {joined} SET {sets} WHERE {unchanged}{within}", "update", "written"))


def _referring(journal: Journal, schema: MySchema) -> str:
    others = []
    for child, key in schema.referring_to(journal.table.name):
        ties = " AND ".join(
            f"child.{quote(c)} = t.{quote(r)}" for c, r in zip(key.columns, key.to_columns, strict=True)
        )
        others.append(f"EXISTS (SELECT 1 FROM {quote(child.name)} AS child WHERE {ties})")
    return f"({' OR '.join(others)})" if others else ""


def _guards(journal: Journal, schema: MySchema) -> list[Guard]:
    name, table = journal.table.name, quote(journal.table.name)
    source = f"{quote(journal.name)} AS j"
    joined = f"{source} JOIN {table} AS t ON {journal.ties('t')}"
    found: list[Guard] = []
    if journal.event == "delete":
        back = f"{joined} WHERE NOT ({journal.holds('old', 't')})"
        return [_guard(journal, "taken", back, f"{{count}} keys of deleted rows of {name} are taken again")]
    if journal.images:
        other = f"NOT ({journal.holds('new', 't')})"
        if journal.event == "update":
            other += f" AND NOT ({journal.holds('old', 't')})"
        found.append(
            _guard(journal, "changed", f"{joined} WHERE {other}", f"{{count}} rows of {name} were changed since")
        )
    if journal.event == "update":
        gone = f"{source} WHERE NOT EXISTS (SELECT 1 FROM {table} AS t WHERE {journal.ties('t')})"
        found.append(_guard(journal, "deleted", gone, f"{{count}} rows of {name} were deleted since"))
    others = _referring(journal, schema) if journal.event == "insert" else ""
    if others:
        words = f"{{count}} rows of {name} that would go are referred to by rows of others"
        reads = tuple(t.name for t, _ in schema.referring_to(name))
        found.append(replace(_guard(journal, "added", f"{joined} WHERE {others}", words), reads=reads))
    return found


def _guard(journal: Journal, kind: str, source: str, words: str) -> Guard:
    keys = ", ".join(f"j.{quote(n)}" for n in journal.key_columns())
    return Guard(
        kind,
        journal.table.name,
        question(f"SELECT count(*) FROM {source}", "guard"),
        question(f"SELECT {keys} FROM {source} LIMIT 5", "sample"),
        words,
    )
