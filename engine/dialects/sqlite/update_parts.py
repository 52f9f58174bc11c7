"""The parts of a transform: its names and expressions seen to, and the statements of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.dialects.shared.frames import Frame, Text
from engine.dialects.sqlite.expression import Planning, join_and, parse_check, query_of, text_of
from engine.dialects.sqlite.failures import see
from engine.dialects.sqlite.identifiers import references
from engine.dialects.sqlite.journal import Journal
from engine.dialects.sqlite.names import own_column, own_table, relation
from engine.dialects.sqlite.parking import in_unique_keys
from engine.dialects.sqlite.sql import affinity, quote, zeros_differ
from engine.dialects.sqlite.statements import question, rows
from engine.dialects.sqlite.tokens import binds_of, edit
from engine.dialects.sqlite.walk import Key, between, identity, key_checks, walk_key
from engine.dialects.sqlite.work import Work
from engine.errors import Problem
from engine.model.changes import UpdateRows
from engine.model.expression import Parse
from engine.model.plan import Check, Statement
from engine.model.state import Column, SchemaState, Table, fold, same_name

_STEADY = frozenset(
    "abs cast char coalesce current_timestamp glob hex ifnull iif instr length like lower ltrim max min nullif"
    " printf quote replace round rtrim substr substring trim typeof unicode upper".split()
)


@dataclass(frozen=True, slots=True)
class Update:
    """A transform, prepared.

    Attributes:
        partner: what stands after the table in FROM (a join), "" for none.
        beside: tables (folded) that the partner is read from.
        condition: of the rows, the join's included.
    """

    table: Table
    columns: tuple[Column, ...]
    texts: tuple[Text, ...]
    partner: str
    beside: frozenset[str]
    condition: str
    plain: str
    key: Key
    own: Key

    @property
    def name(self) -> str:
        return quote(self.table.name)

    @property
    def source(self) -> str:
        return f"{self.name}, {self.partner}" if self.partner else self.name

    def of(self, key: Key) -> list[str]:
        """Return a key's columns as SQL."""
        return [f"{self.name}.{quote(n)}" for n in key.names]


def prepare(session: Planning, change: UpdateRows) -> tuple[Update, Text | None, list[Check]]:
    """Return a transform with its condition and the checks that must hold before it writes.

    Raises:
        Problem: a name that is not there, an expression that can't be had, a key that does not do.
    """
    table = own_table(session.state, change.table, ("table",))
    known = tuple(c.name for c in table.columns)
    frame, partner, match = Frame(quote(table.name), table.name, known), "", None
    beside: frozenset[str] = frozenset()
    if change.join is not None:
        partner, columns = _partner(session, change, table)
        reads = see(session.shadow, f"SELECT * FROM {partner}", ("join",)).reads
        beside = frozenset(fold(name) for name, _ in reads)
        frame = Frame(f"{quote(table.name)}, {partner}", "", (*known, *columns))
        match = text_of(session, change.join.match, frame, ("join", "match"))
    where = text_of(session, change.where, frame, ("where",)) if change.where is not None else None
    columns_: list[Column] = []
    texts: list[Text] = []
    checks: list[Check] = []
    condition = join_and([match.sql if match else "", where.sql if where else ""])
    plain = join_and([match.plain if match else "", where.plain if where else ""])
    for name, expression in change.set:
        column = own_column(table, name, ("set", name, "<key>"))
        if column.generated is not None:
            raise Problem(
                "RF109",
                f"`{table.name}.{column.name}` is generated: it takes no value",
                ("set", name, "<key>"),
            )
        columns_.append(column)
        texts.append(text_of(session, expression, frame, ("set", name), windows=True))
        if isinstance(expression, Parse):
            check = parse_check(expression, f"{table.name}.{name}", frame.source, condition, ("set", name))
            checks += [check] if check else []
    if not columns_:
        raise Problem("SP102", "nothing says which columns change", ("set",))
    key = walk_key(table, change.key, session.state, ("key",))
    own = identity(table, session.state)
    update = Update(table, tuple(columns_), tuple(texts), partner, beside, condition, plain, key, own)
    only = where.sql if where and not match else ""
    for one in {key.names: key, own.names: own}.values():
        checks += [] if one.hidden else key_checks(one, table.name, quote(table.name), only, ("key",))
    if match is not None:
        checks.append(_one_partner(update))
    return update, where, checks


def _partner(session: Planning, change: UpdateRows, table: Table) -> tuple[str, tuple[str, ...]]:
    """Return what stands beside the table in FROM, and the names of its columns."""
    join = change.join
    assert join is not None
    if join.query is not None:
        query = query_of(session, join.query, ("join", "sql"))
        if not join.alias:
            raise Problem("SP102", "a query in `join` needs a name", ("join",), hint="add `as: …`")
        return f"({query.sql}) AS {quote(join.alias)}", session.shadow.columns(query.plain)
    other = relation(session.state, join.table, ("join", "table"))
    if same_name(other.name, table.name) and not join.alias:
        raise Problem(
            "RF110",
            f"`{table.name}` stands beside itself, and both have the same name",
            ("join", "table"),
            hint=f'write {{sql: "SELECT * FROM {table.name}", as: other, match: …}}',
        )
    alias = f" AS {quote(join.alias)}" if join.alias else ""
    return quote(other.name) + alias, tuple(c.name for c in other.columns)


def _one_partner(update: Update) -> Check:
    keys = ", ".join(update.of(update.own))
    groups = f"FROM {update.source} WHERE {update.condition} GROUP BY {keys} HAVING count(*) > 1"
    return Check(
        f"each row of {update.table.name} has at most one partner",
        question(f"SELECT count(*) FROM (SELECT 1 {groups})"),
        maximum=0,
        sample=question(f"SELECT {keys}, count(*) {groups} LIMIT 5", "sample"),
        path=("join", "match"),
        failure=f"{{count}} rows of {update.table.name} have more than one partner: which value is meant?",
    )


def is_steady(update: Update, texts: Sequence[Text]) -> bool:
    """Tell whether expressions give the same values when they are asked again."""
    return not update.partner and all(not t.nested and not t.over and t.access.functions <= _STEADY for t in texts)


def retold(update: Update, journal: Journal, state: SchemaState) -> Journal:
    """Return `journal` without new values, where each follows from the old values beside it.

    That halves the journal of an update over long texts. So where the expressions read nothing but
    the columns they set, bind nothing, and land in text columns of binary collation; elsewhere
    `journal` as it is.
    """
    mine = {fold(c.name) for c in update.columns}
    if in_unique_keys(journal, state) or any(
        affinity(c.type, update.table.strict) != "TEXT" or c.collate.upper() not in ("", "BINARY")
        for c in update.columns
    ):
        return journal
    told = []
    for column, text in zip(update.columns, update.texts, strict=True):
        found = list(references(text.sql))
        if binds_of(text.sql) or any(r.qualifier is not None or fold(r.token.name) not in mine for r in found):
            return journal
        parts = [(r.token.start, r.token.end, f"j.{quote(f'old_{_own(update, r.token.name)}')}") for r in found]
        sql = edit(text.sql, parts)
        # A number that lands in a text column is text from then on.
        number = f"typeof({sql}) IN ('integer', 'real')"
        told.append((fold(column.name), f"(CASE WHEN {number} THEN CAST(({sql}) AS TEXT) ELSE ({sql}) END)"))
    return replace(journal, retold=tuple(told))


def _own(update: Update, name: str) -> str:
    return next(c.name for c in update.columns if same_name(c.name, name))


def note(update: Update, journal: Journal, range_: str, *, counting: bool = False) -> tuple[Statement, ...]:
    """Return the statements that write the journal: old and new values of rows that really change.

    Args:
        range_: of the batch, "" for all rows.
        counting: True where its rows are to be counted as those written.
    """
    pairs = [
        (f"{update.name}.{quote(c.name)}", f"({t.sql})") for c, t in zip(update.columns, update.texts, strict=True)
    ]
    where = f"{range_} AND {update.condition}" if range_ else update.condition
    once = not any(t.nested or t.over for t in update.texts)
    strict = update.table.strict
    if once:
        differ = " OR ".join(
            f"{o} COLLATE BINARY IS NOT {n} OR typeof({o}) <> typeof({n}){zeros_differ(o, n, c.type, strict)}"
            for (o, n), c in zip(pairs, update.columns, strict=True)
        )
        where += f" AND ({differ})"
    new = [] if journal.retold else [n for _, n in pairs]
    values = [*update.of(update.own), "1", "1", *journal.aside(update.name), *(o for o, _ in pairs), *new]
    head = journal.head("old", "new") if new else journal.head("old")
    fill = rows(
        f"{head} SELECT {', '.join(values)} FROM {update.source} WHERE {where}",
        "journal",
        "written" if counting else "",
    )
    if once:
        return (fill,)
    # A sub-select is dear: asked once per row, and rows that stay as they are taken out afterwards.
    same = " AND ".join(
        f"{o} COLLATE BINARY IS {n} AND typeof({o}) = typeof({n})"
        + (f" AND NOT ({zeros.removeprefix(' OR ')})" if (zeros := zeros_differ(o, n, c.type, strict)) else "")
        for o, n, c in zip(journal.of("old"), journal.of("new"), journal.images, strict=True)
    )
    of_batch = ""
    if range_:
        keys = ", ".join(quote(n) for n in journal.key_columns())
        of_batch = f"({keys}) IN (SELECT {', '.join(update.of(update.own))} FROM {update.name} WHERE {range_}) AND "
    return (fill, rows(f"DELETE FROM {quote(journal.name)} WHERE {of_batch}{same}", "journal"))


def from_journal(update: Update, journal: Journal, range_: str) -> Statement:
    """Return the update that takes the new values from the journal, of a batch or (range "") of all rows."""
    sets = ", ".join(f"{quote(c.name)} = j.{quote(f'new_{c.name}')}" for c in journal.images)
    ties = " AND ".join(
        f"{k} = j.{quote(n)}" for k, n in zip(update.of(update.own), journal.key_columns(), strict=True)
    )
    also = f" AND {range_}" if range_ else ""
    return rows(
        f"UPDATE {update.name} SET {sets} FROM {quote(journal.name)} AS j WHERE {ties}{also}",
        "update",
        "written",
    )


def from_work(update: Update, work: Work, rest: str = "") -> Statement:
    """Return the update of a batch that takes the new values from a work table.

    Args:
        rest: condition of the rows that are left to be changed, "" for all.
    """
    sets = ", ".join(f"{quote(c.name)} = work.{quote(f'new_{c.name}')}" for c in work.values)
    ties = " AND ".join(
        f"{k} = work.{quote(n)}" for k, n in zip(update.of(update.own), work.key_columns(), strict=True)
    )
    range_ = between([f"work.{quote(n)}" for n in work.key_columns()]) + (f" AND {rest}" if rest else "")
    return rows(
        f"UPDATE {update.name} SET {sets} FROM {quote(work.name)} AS work WHERE {ties} AND {range_}",
        "update",
        "written",
    )
