"""`transform`: columns of rows get new values; only rows that really change are touched.

A journaled batch is two statements: old and new values are written down with the rows locked,
then the rows take the new values from the journal. So nothing is computed twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.dialects.base import StepContext
from engine.dialects.postgres.expression import Planning, expectation, join_and, limited, parse_check, query_of, text_of
from engine.dialects.postgres.names import columns_of, own_column, own_table, relation
from engine.dialects.postgres.parking import Moves, judged_late, list_name, meeting, moving
from engine.dialects.postgres.recording import Recording, recording_of
from engine.dialects.postgres.schema import PgColumn, PgTable
from engine.dialects.postgres.sql import cast_type, differs, given_back, quote, same
from engine.dialects.postgres.statements import question, rows
from engine.dialects.postgres.walk import Key, between, identity, key_checks, key_loop, parts, walk_key
from engine.dialects.postgres.work import Work, reads_table
from engine.dialects.shared.frames import LIMIT, Frame, Text
from engine.errors import Problem
from engine.model.changes import UpdateRows
from engine.model.expression import Parse
from engine.model.plan import Check, Loop, Statement, Unit
from engine.model.state import fold, same_name

_ALONE = "in one transaction, because the table has no key to cut batches by"
_ASIDE = "in one transaction, because unique values may move onto each other: rows in the way are set aside first"


@dataclass(frozen=True, slots=True)
class Update:
    """A transform, prepared.

    Attributes:
        partner: what stands after the table in FROM (a join), "" for none.
        beside: tables (folded) that the partner is read from.
        condition: of the rows, the join's included.
    """

    table: PgTable
    columns: tuple[PgColumn, ...]
    texts: tuple[Text, ...]
    partner: str
    beside: frozenset[str]
    condition: str
    plain: str
    key: Key | None

    @property
    def name(self) -> str:
        return quote(self.table.name)

    @property
    def source(self) -> str:
        return f"{self.name}, {self.partner}" if self.partner else self.name

    def of(self, key: Key) -> list[str]:
        """Return a key's columns as SQL."""
        return [f"{self.name}.{quote(n)}" for n in key.names]

    @property
    def values(self) -> list[str]:
        """The new values as SQL; what a journal keeps as text is of the column's own type first."""
        pairs = zip(self.columns, self.texts, strict=True)
        return [given_back(f"({t.sql})", c.type) for c, t in pairs]

    @property
    def change(self) -> str:
        """The condition that something of a row changes."""
        pairs = zip(self.columns, self.texts, strict=True)
        found = [
            differs(f"{self.name}.{quote(c.name)}", f"CAST(({t.sql}) AS {cast_type(c.type)})", c.type) for c, t in pairs
        ]
        return "(" + " OR ".join(found) + ")"


def update_units(session: Planning, change: UpdateRows, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that changes rows, with its undo.

    Raises:
        Problem: a name that is not there, an expression that can't be had, a key that does not do.
    """
    update, where, checks = _prepare(session, change)
    table = update.table
    recording = recording_of(session, table, ("update",), context, update.columns)
    counted = f"SELECT count(*) FROM {update.source} WHERE {update.condition}"
    texts = [*update.texts, *([where] if where else [])]
    own = identity(table, session.schema)
    moved, met = _moved(session, update, own, recording, context)
    checks += met
    recording = recording.moving(table, update.columns, moved, session.schema)
    frozen = _frozen(session, update, texts)
    work: Work | None = None
    loop: Loop | None = None
    count = question(counted, "count", "selected")
    before: tuple[Statement, ...]
    body: tuple[Statement, ...]
    journal = recording.journal
    if moved is not None and own is not None:
        work = _work(session, update, own) if journal is None else None
        before, walked = (count, *_in_one(update, recording, own, moved, work)), _ASIDE
    elif journal is not None and (frozen or update.key is None):
        before = (count, *_note(update, recording, ""))
        keys = parts(journal.key, "j", "key_")
        body = (_from_journal(update, recording, between(keys)),)
        loop = key_loop(journal.name, parts(journal.key, "", "key_"), body, change.batch_size, journal.key.names)
        walked = f"in batches by {journal.key.words}; keys and values are fixed first in {journal.name}"
    elif frozen and own is not None:
        work = _work(session, update, own)
        before = (count, work.create(), _fill(update, work))
        body = recording.around((_from_work(update, work),))
        loop = key_loop(work.name, work.key_parts(), body, change.batch_size, own.names)
        walked = f"in batches by {own.words}; keys and values are fixed first in {work.name}"
    elif update.key is None or frozen:
        before, walked = (count, *recording.around((_direct(update, update.condition),))), _ALONE
    else:
        before, walked = (), f"in batches by {update.key.words}"
        range_ = between(parts(update.key, update.name))
        chosen = f"{range_} AND {update.condition}"
        counting = question(f"SELECT count(*) FROM {update.source} WHERE {chosen}", "count", "selected")
        if journal is None:
            body = (counting, *recording.around((_direct(update, chosen),)))
        else:
            same_walk = update.key.names == journal.key.names
            narrow = between(parts(journal.key, "j", "key_")) if same_walk else range_
            body = (counting, *_note(update, recording, range_), _from_journal(update, recording, narrow))
        loop = key_loop(table.name, parts(update.key), body, change.batch_size, update.key.names)
    title = f"transform {', '.join(c.name for c in update.columns)} of {table.name}"
    unit = Unit(
        context.step,
        context.step,
        title,
        ">",
        why=f"{walked}; {recording.words}",
        checks=tuple(checks),
        expectation=expectation(session, change.expect, counted),
        before=(*recording.create(), *before),
        loop=loop,
        after=(work.drop(),) if work else (),
        undo=recording.undo(context.step, title, session.schema, (work.name,) if work else ()),
        reversible=recording.reversible,
        reason=recording.reason,
        rows=context.rows(limited(update.source, update.plain)),
        touches=tuple(dict.fromkeys((table.name, *recording.touched))),
        keeps=recording.keeps,
    )
    return (unit,)


def _prepare(session: Planning, change: UpdateRows) -> tuple[Update, Text | None, list[Check]]:
    schema = session.schema
    table = own_table(schema, change.table, ("table",), rows=True)
    known = tuple(c.name for c in table.columns)
    frame, partner, match = Frame(quote(table.name), table.name, known), "", None
    beside: frozenset[str] = frozenset()
    if change.join is not None:
        partner, columns, beside = _partner(session, change, table)
        frame = Frame(f"{quote(table.name)}, {partner}", "", (*known, *columns))
        match = text_of(session, change.join.match, frame, ("join", "match"))
    where = text_of(session, change.where, frame, ("where",)) if change.where is not None else None
    columns_: list[PgColumn] = []
    texts: list[Text] = []
    checks: list[Check] = []
    condition = join_and([match.sql if match else "", where.sql if where else ""])
    plain = join_and([match.plain if match else "", where.plain if where else ""])
    for name, expression in change.set:
        column = own_column(table, name, ("set", name, "<key>"))
        if column.generated is not None:
            words = f"`{table.name}.{column.name}` is generated: it takes no value"
            raise Problem("SP110", words, ("set", name, "<key>"))
        columns_.append(column)
        texts.append(text_of(session, expression, frame, ("set", name), windows=True, type=column.type))
        if isinstance(expression, Parse):
            check = parse_check(session, expression, f"{table.name}.{name}", frame.source, condition, ("set", name))
            checks += [check] if check else []
    if not columns_:
        raise Problem("SP102", "nothing says which columns change", ("set",))
    key = walk_key(table, change.key, schema, ("key",))
    update = Update(table, tuple(columns_), tuple(texts), partner, beside, condition, plain, key)
    only = where.sql if where and not match else ""
    if key is not None:
        checks += key_checks(key, table.name, quote(table.name), only, ("key",))
    if match is not None:
        own = identity(table, schema)
        if own is None:
            words = f"`{table.name}` has no key, so nobody can say which row has which partner"
            raise Problem("SP111", words, ("join",), hint="give it a primary key first")
        checks.append(_one_partner(update, own))
    return update, where, checks


def _partner(session: Planning, change: UpdateRows, table: PgTable) -> tuple[str, tuple[str, ...], frozenset[str]]:
    """Return what stands beside the table in FROM, the names of its columns, and the tables it reads."""
    join = change.join
    assert join is not None
    if join.query is not None:
        query = query_of(session, join.query, ("join", "sql"))
        if not join.alias:
            raise Problem("SP102", "a query in `join` needs a name", ("join",), hint="add `as: …`")
        return f"({query.sql}) AS {quote(join.alias)}", query.columns, query.nested
    other = relation(session.schema, join.table, ("join", "table"))
    if same_name(other.name, table.name) and not join.alias:
        raise Problem(
            "RF110",
            f"`{table.name}` stands beside itself, and both have the same name",
            ("join", "table"),
            hint=f'write {{sql: "SELECT * FROM {table.name}", as: other, match: …}}',
        )
    alias = f" AS {quote(join.alias)}" if join.alias else ""
    reads = frozenset({fold(other.name)})
    if not isinstance(other, PgTable):
        reads |= {fold(t.name) for t in session.schema.tables}
    return quote(other.name) + alias, tuple(c.name for c in columns_of(other)), reads


def _one_partner(update: Update, own: Key) -> Check:
    keys = ", ".join(update.of(own))
    groups = f"FROM {update.source} WHERE {update.condition} GROUP BY {keys} HAVING count(*) > 1"
    return Check(
        f"each row of {update.table.name} has at most one partner",
        question(f"SELECT count(*) FROM (SELECT 1 {groups}) AS g"),
        maximum=0,
        sample=question(f"SELECT {keys}, count(*) {groups} LIMIT 5", "sample"),
        path=("join", "match"),
        failure=f"{{count}} rows of {update.table.name} have more than one partner: which value is meant?",
    )


def _note(update: Update, recording: Recording, range_: str) -> tuple[Statement, ...]:
    """Return the statements that write down old and new values of the rows that really change."""
    journal = recording.journal
    assert journal is not None
    where = f"{range_} AND {update.condition}" if range_ else update.condition
    once = not any(t.nested or t.over for t in update.texts)
    lock = "" if any(t.over for t in update.texts) else f" FOR UPDATE OF {update.name}"
    olds = [f"{update.name}.{quote(c.name)}" for c in update.columns]
    values = [*update.of(journal.key), "1", "1", *olds, *update.values]
    if once:
        where += f" AND {update.change}"
    head = journal.head("old", "new")
    fill = rows(f"{head} SELECT {', '.join(values)} FROM {update.source} WHERE {where}{lock}", "journal")
    if once:
        return (fill,)
    # A sub-select is dear: asked once per row, and rows that stay as they are are taken out afterwards.
    stays = " AND ".join(
        same(old, new, c.type)
        for c, old, new in zip(journal.images, journal.of("old", "j"), journal.of("new", "j"), strict=True)
    )
    keys = f"{between(parts(journal.key, 'j', 'key_'))} AND " if range_ and update.key == journal.key else ""
    return (fill, rows(f"DELETE FROM {quote(journal.name)} AS j WHERE {keys}{stays}", "journal"))


def _from_journal(update: Update, recording: Recording, range_: str) -> Statement:
    journal = recording.journal
    assert journal is not None
    pairs = zip(journal.images, journal.values("new", "j"), strict=True)
    sets = ", ".join(f"{quote(c.name)} = {value}" for c, value in pairs)
    ties = journal.ties(update.name)
    return rows(
        f"UPDATE {update.name} SET {sets} FROM {quote(journal.name)} AS j WHERE {ties} AND {range_}",
        "update",
        "written",
    )


def _moved(
    session: Planning, update: Update, own: Key | None, recording: Recording, context: StepContext
) -> tuple[tuple[PgColumn, ...] | None, list[Check]]:
    """Return by which columns rows are set aside, in one transaction; None for batches, with the checks they need."""
    table, schema = update.table, session.schema
    columns = moving(table, update.columns, schema)
    if own is None or not (columns or judged_late(table, update.columns)):
        return None, []
    if any(schema.triggers_of(name) for name in (table.name, *recording.touched)):
        return None, []  # they would see values that nobody wrote
    count = context.rows(limited(update.name, "TRUE"))
    if count is None or count < LIMIT:
        return columns, []
    pairs = [(c, t.sql) for c, t in zip(update.columns, update.texts, strict=True)]
    return None, meeting(table, own, pairs, update.source, update.condition, schema)


def _in_one(
    update: Update, recording: Recording, own: Key, moved: tuple[PgColumn, ...], work: Work | None
) -> tuple[Statement, ...]:
    """Keys and values are fixed, rows in the way set aside, and all get their values in one statement."""
    if work is not None:
        moves = Moves(list_name(work.name), update.table, own, moved)
        changed = " OR ".join(differs(f"t.{quote(c.name)}", f"j.{quote(f'new_{c.name}')}", c.type) for c in work.values)
        pairs = [(c.name, f"j.{quote(f'new_{c.name}')}") for c in work.values]
        write = (*moves.aside(work.name, "new", f"({changed})"), *moves.home(pairs, work.name))
        return (work.create(), _fill(update, work), *recording.around(write))
    journal = recording.journal
    assert journal is not None
    moves = Moves(list_name(journal.name), update.table, journal.key, moved)
    pairs = [(c.name, value) for c, value in zip(journal.images, journal.values("new", "j"), strict=True)]
    write = (*moves.aside(journal.name, "new", "TRUE"), *moves.home(pairs, journal.name))
    return (*_note(update, recording, ""), *recording.around(write))


def _work(session: Planning, update: Update, own: Key) -> Work:
    return Work(f"engine_undo_{session.undo_number()}", own, update.columns)


def _fill(update: Update, work: Work) -> Statement:
    return work.fill(update.of(work.key), [t.sql for t in update.texts], update.source, update.condition)


def _from_work(update: Update, work: Work) -> Statement:
    sets = ", ".join(f"{quote(c.name)} = engine_work.{quote(f'new_{c.name}')}" for c in work.values)
    ties = " AND ".join(
        f"{update.name}.{quote(c.name)} = engine_work.{quote(n)}"
        for c, n in zip(work.key.columns, work.key_columns(), strict=True)
    )
    changed = " OR ".join(
        differs(f"{update.name}.{quote(c.name)}", f"engine_work.{quote(f'new_{c.name}')}", c.type) for c in work.values
    )
    return rows(
        f"UPDATE {update.name} SET {sets} FROM {quote(work.name)} AS engine_work"
        f" WHERE {ties} AND {between(work.key_parts('engine_work'))} AND ({changed})",
        "update",
        "written",
    )


def _direct(update: Update, chosen: str) -> Statement:
    sets = ", ".join(f"{quote(c.name)} = ({t.sql})" for c, t in zip(update.columns, update.texts, strict=True))
    beside = f" FROM {update.partner}" if update.partner else ""
    if not any(t.over or t.nested for t in update.texts):
        chosen = f"{chosen} AND {update.change}"
    return rows(f"UPDATE {update.name} SET {sets}{beside} WHERE {chosen}", "update", "written")


def _frozen(session: Planning, update: Update, texts: Sequence[Text]) -> bool:
    """Tell whether keys and values must be fixed first: where a batch could change what a later one reads."""
    changed = {fold(c.name) for c in update.columns}
    own = identity(update.table, session.schema)
    keys = {fold(n) for key in (update.key, own) if key for n in key.names}
    if changed & keys or any(t.over for t in texts):
        return True
    return reads_table(texts, update.table.name) or fold(update.table.name) in update.beside
