"""What `sql` says to PostgreSQL: LK101 to LK107, LK109, LK110, LK112, TX102, TX105, DT116."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.errors import Path
from engine.lint.base import Found, Rule, SpecView
from engine.lint.edits import remove_key
from engine.lint.story import Scene, Told, actions, by_statement, each, found
from engine.lint.texts import Fragment, columns_given, name_at, object_after, phrase_at, statements, target, top_level
from engine.model.changes import AddForeignKey, CreateIndex, RunSql
from engine.model.state import fold, same_name

BASE = "postgresql"


def altered(said: Fragment, scene: Scene) -> str:
    """Return the table that an ALTER TABLE for PostgreSQL changes and this spec did not make, or ""."""
    name = object_after(said, "ALTER", "TABLE") if said.begins("ALTER", "TABLE") else ""
    return name if name and said.meant_for(BASE, scene.targets) and fold(name) not in scene.made else ""


# ── locks ─────────────────────────────────────────────────────────────────
_VOLATILE = {"CLOCK_TIMESTAMP", "GEN_RANDOM_UUID", "NEXTVAL", "RANDOM", "TIMEOFDAY", "UUID_GENERATE_V4"}
_NUMBERED = {"BIGSERIAL", "SERIAL", "SMALLSERIAL", "STORED"}


def _rewrite(said: Fragment, scene: Scene) -> Told:
    name = altered(said, scene)
    if not name:
        return None
    message = f"`{name}` is written anew for this, and nobody can read it meanwhile"
    words = set(said.words)
    if "ADD" in words and (words & _NUMBERED or ("DEFAULT" in words and words & _VOLATILE)):
        hint = "add the column without values, fill it with `transform`, then give it its default"
        return message, hint, name
    if phrase_at(said.words, ("ALTER",), 1) < 0 or not (said.says("TYPE") or said.says("SET", "DATA", "TYPE")):
        return None
    return message, "write `alter` with `change`", name


def _index(view: SpecView) -> Iterable[Found]:
    words = "nobody can write to `{}` while this index is built"
    for scene, change in each(view, RunSql):
        for said in statements(change):
            create = said.begins("CREATE", "INDEX") or said.begins("CREATE", "UNIQUE", "INDEX")
            at = phrase_at(said.words, ("ON",))
            name = name_at(said.text, at + 1) if at > 0 else ""
            here = said.meant_for(BASE, scene.targets) and fold(name) not in scene.made
            if create and name and here and not said.says("CONCURRENTLY"):
                yield found(scene, "LK102", words.format(name), said.path, "write `index`", name)
    for scene, made in each(view, CreateIndex):
        if (
            str(made.index.concurrently).lower() == "false"
            and BASE in scene.targets
            and scene.existing(made.index.table)
        ):
            hint = "leave `concurrently` out: the engine builds large ones without blocking"
            path = ("index", "concurrently")
            yield found(scene, "LK102", words.format(made.index.table), path, hint, made.index.table)


def _drop_index(said: Fragment, scene: Scene) -> Told:
    if not said.begins("DROP", "INDEX") or said.says("CONCURRENTLY") or not said.meant_for(BASE, scene.targets):
        return None
    name = object_after(said, "DROP", "INDEX")
    return f"dropping `{name}` so locks its table against everybody", f"write `drop: {{index: {name}}}`", name


def _foreign_key(view: SpecView) -> Iterable[Found]:
    words = "rows are judged while nobody can write to `{}` and the table that it refers to"
    for scene, change in each(view, RunSql):
        for said in statements(change):
            name = altered(said, scene)
            if name and said.says("ADD") and said.says("REFERENCES") and not said.says("NOT", "VALID"):
                hint = "add it NOT VALID, then VALIDATE CONSTRAINT in a step of its own; or write `alter`"
                yield found(scene, "LK104", words.format(name), said.path, hint, name)
    for scene, table, added in actions(view, AddForeignKey):
        if (
            added.foreign_key.validate == "now"
            and {BASE, "mysql", "mariadb"} & set(scene.targets)
            and scene.existing(table)
        ):
            keys = getattr(scene.fact.step.body, "add_foreign_keys", ())
            place = next((n for n, k in enumerate(keys) if k.columns == added.foreign_key.columns), 0)
            path: Path = ("alter", "add_foreign_keys", place, "validate")
            subject = f"{table}.{','.join(added.foreign_key.columns)}"
            yield found(
                scene, "LK104", words.format(table), path, "leave `validate` out: it is done in two parts", subject
            )


def _check(said: Fragment, scene: Scene) -> Told:
    name = altered(said, scene)
    if not name or not said.says("ADD") or "CHECK" not in top_level(said.text) or said.says("NOT", "VALID"):
        return None
    if said.says("ADD", "COLUMN"):
        return None
    message = f"all rows of `{name}` are judged while nobody can read or write it"
    return message, "add it NOT VALID, then VALIDATE CONSTRAINT in a step of its own; or write `alter`", name


def _unique(said: Fragment, scene: Scene) -> Told:
    name = altered(said, scene)
    key = said.says("UNIQUE") or said.says("PRIMARY", "KEY")
    if not name or not key or not said.says("ADD") or said.says("ADD", "COLUMN") or said.says("USING", "INDEX"):
        return None
    message = f"the index of this key is built while nobody can read or write `{name}`"
    return message, "write `alter` with `add_unique`, or build a unique index first and add it USING INDEX", name


def _not_null(said: Fragment, scene: Scene) -> Told:
    name = altered(said, scene)
    if not name or not said.says("SET", "NOT", "NULL"):
        return None
    message = f"all rows of `{name}` are looked at while nobody can read or write it"
    return message, "write `alter` with `change: {…: {nullable: false}}`, or validate a check first", name


_STRONG = (("ALTER", "TABLE"), ("DROP", "TABLE"), ("TRUNCATE",), ("LOCK", "TABLE"))
_LONG = (("UPDATE",), ("DELETE",), ("INSERT",), ("CREATE", "INDEX"), ("CREATE", "UNIQUE"), ("SELECT",))


def _sequence(view: SpecView) -> Iterable[tuple[Scene, Sequence[Fragment]]]:
    for scene, change in each(view, RunSql):
        texts = [f for f in statements(change) if f.meant_for(BASE, scene.targets)]
        if len(texts) > 1:
            yield scene, texts


def _work_after_lock(view: SpecView) -> Iterable[Found]:
    for scene, texts in _sequence(view):
        locked = ""
        for said in texts:
            if locked and any(said.begins(*p) for p in _LONG):
                words = f"`{locked}` stays locked against everybody until this is done too"
                yield found(scene, "LK109", words, said.path, "put it in a step of its own", locked)
            elif any(said.begins(*p) for p in _STRONG):
                name = name_at(said.text, 2 if said.words[1:2] == ("TABLE",) else 1)
                locked = locked or (name if fold(name) not in scene.made else "")


def _not_valid_together(view: SpecView) -> Iterable[Found]:
    for scene, texts in _sequence(view):
        late = any(f.says("NOT", "VALID") for f in texts)
        for said in texts:
            if late and said.says("VALIDATE", "CONSTRAINT"):
                words = "the lock that NOT VALID avoids is held here all the same: both are in one transaction"
                yield found(scene, "LK110", words, said.path, "put VALIDATE CONSTRAINT in a step of its own")


_MAINTENANCE = (
    (("REINDEX",), "REINDEX … CONCURRENTLY"),
    (("REFRESH", "MATERIALIZED", "VIEW"), "REFRESH MATERIALIZED VIEW CONCURRENTLY"),
    (("VACUUM", "FULL"), "plain VACUUM"),
    (("CLUSTER",), "nothing: no form of it lets others work"),
)


def _maintenance(said: Fragment, scene: Scene) -> Told:
    if said.says("CONCURRENTLY") or not said.meant_for(BASE, scene.targets):
        return None
    for phrase, better in _MAINTENANCE:
        if said.begins(*phrase):
            return f"{' '.join(phrase)} locks the table against everybody", f"do it outside: {better}", ""
    if said.begins("ALTER", "TABLE") and said.says("DETACH", "PARTITION"):
        name = object_after(said, "ALTER", "TABLE")
        return f"DETACH PARTITION locks `{name}` against everybody", "do it outside, CONCURRENTLY", name
    return None


# ── transactions ──────────────────────────────────────────────────────────
def _in_transaction(said: Fragment, scene: Scene) -> Told:
    alone = said.says("CONCURRENTLY") and not said.begins("REFRESH")
    alone = alone or any(said.begins(*p) for p in (("VACUUM",), ("CREATE", "DATABASE"), ("ALTER", "SYSTEM")))
    if not alone or not said.meant_for(BASE, scene.targets):
        return None
    message = "PostgreSQL refuses this in a transaction, and `sql` is always in one"
    index = said.begins("CREATE") or said.begins("DROP", "INDEX")
    return message, "write `index` or `drop`, which know how" if index else "do it outside of the migration", ""


def _enum_used(view: SpecView) -> Iterable[Found]:
    for scene, texts in _sequence(view):
        for at, said in enumerate(texts):
            place = phrase_at(said.words, ("ADD", "VALUE"))
            value = next((t.text for t in said.tokens[max(place, 0) :] if t.kind == "string"), "")
            if place < 0 or not said.begins("ALTER", "TYPE") or not value:
                continue
            for later in texts[at + 1 :]:
                if any(t.text == value for t in later.tokens):
                    words = f"{value} can't be used in the transaction that adds it"
                    yield found(scene, "TX105", words, later.path, "put it in a step of its own")


def _identity(said: Fragment, scene: Scene) -> Told:
    table = scene.fact.before.table(target(said)) if said.begins("INSERT") else None
    given = columns_given(said) or ()
    if table is None or not said.meant_for(BASE, scene.targets) or not table.auto_increment:
        return None
    if not any(same_name(table.auto_increment, g) for g in given):
        return None
    every = [f for s in scene.fact.changes for f in statements(s)]
    if any(f.says("SETVAL") or f.says("RESTART") for f in every):
        return None
    message = f"`{table.auto_increment}` is given here, and PostgreSQL's counter stays where it is"
    return message, "write it as `insert` or `copy`, or add a setval() after it", f"{table.name}.{table.auto_increment}"


def _page(text: str, *more: str) -> str:
    """Return a spec for PostgreSQL with `sql` statements."""
    lines = "".join(f"      - {line}\n" for line in (text, *more))
    return f"dialects: [postgresql]\nsteps:\n  - sql:\n{lines}".rstrip()


_KEY = "ALTER TABLE a ADD CONSTRAINT fk FOREIGN KEY (b) REFERENCES c (id)"

RULES = (
    Rule(
        "LK101",
        "table-rewrite",
        "warning",
        "`sql` changes a column's type on PostgreSQL, or adds a column whose values are made row by row.",
        "The table is written anew, and nobody can read it meanwhile.",
        "Write `alter` with `change`; add a column without values, and fill it with `transform`.",
        _page("ALTER TABLE a ALTER COLUMN b TYPE bigint"),
        "alter: {table: a, change: {b: {type: text}}}",
        check_spec=by_statement("LK101", _rewrite),
        over=("SP113",),
    ),
    Rule(
        "LK102",
        "blocking-index-create",
        "error",
        "An index is built on PostgreSQL without CONCURRENTLY.",
        "Nobody can write to the table until it is done.",
        "Write `index`, which builds large ones without blocking; leave `concurrently: false` out.",
        _page("CREATE INDEX idx ON a (b)"),
        "index: {table: a, columns: [b]}",
        check_spec=_index,
        over=("SP113",),
        fix="auto",
        mend=lambda told: remove_key(told.span, "concurrently") if told.span else (),
    ),
    Rule(
        "LK103",
        "blocking-index-drop",
        "warning",
        "`sql` drops an index on PostgreSQL without CONCURRENTLY.",
        "It takes the strongest lock on the table.",
        "Write `drop`.",
        _page("DROP INDEX idx"),
        "drop: {index: idx_users_name}",
        check_spec=by_statement("LK103", _drop_index),
        over=("SP113",),
    ),
    Rule(
        "LK104",
        "fk-validated-inline",
        "error",
        "A foreign key is added and its rows are judged in the same breath.",
        "Nobody can write to either table while all rows are looked at.",
        "Write `alter`, which adds it unvalidated first; leave `validate: now` out.",
        _page(_KEY),
        _page(f"{_KEY} NOT VALID"),
        check_spec=_foreign_key,
        over=("SP113",),
        fix="auto",
        mend=lambda told: remove_key(told.span, "validate") if told.span else (),
    ),
    Rule(
        "LK105",
        "check-validated-inline",
        "error",
        "`sql` adds a check on PostgreSQL without NOT VALID.",
        "All rows are looked at under the strongest lock.",
        "Write `alter` with `add_checks`, or add it NOT VALID.",
        _page("ALTER TABLE a ADD CONSTRAINT ck CHECK (b > 0)"),
        _page("ALTER TABLE a ADD CONSTRAINT ck CHECK (b > 0) NOT VALID"),
        check_spec=by_statement("LK105", _check),
        over=("SP113",),
    ),
    Rule(
        "LK106",
        "unique-or-pk-built-inline",
        "error",
        "`sql` adds a key on PostgreSQL without a prepared index.",
        "The index is built under the strongest lock.",
        "Write `alter` with `add_unique`, or add it USING INDEX.",
        _page("ALTER TABLE a ADD CONSTRAINT uq UNIQUE (b)"),
        _page("ALTER TABLE a ADD CONSTRAINT uq UNIQUE USING INDEX uq_b"),
        check_spec=by_statement("LK106", _unique),
        over=("SP113",),
    ),
    Rule(
        "LK107",
        "not-null-scan",
        "warning",
        "`sql` sets NOT NULL on PostgreSQL.",
        "All rows are looked at under the strongest lock, unless a validated check spares it.",
        "Write `alter` with `change`.",
        _page("ALTER TABLE a ALTER COLUMN b SET NOT NULL"),
        "alter: {table: a, change: {b: {nullable: false, using: \"coalesce(b, '')\"}}}",
        check_spec=by_statement("LK107", _not_null),
        over=("SP113",),
    ),
    Rule(
        "LK109",
        "work-after-exclusive-lock",
        "error",
        "A `sql` step locks a table against everybody, and then does long work.",
        "The lock is held for the sum of all statements.",
        "Put each in a step of its own.",
        _page("ALTER TABLE a ADD COLUMN c text", "UPDATE a SET c = b"),
        "alter: {table: a, add: {c: text}}",
        check_spec=_work_after_lock,
    ),
    Rule(
        "LK110",
        "not-valid-and-validate-together",
        "error",
        "NOT VALID and VALIDATE CONSTRAINT stand in one step.",
        "Both are in one transaction, which cancels what NOT VALID is for.",
        "Put VALIDATE CONSTRAINT in a step of its own.",
        _page(f"{_KEY} NOT VALID", "ALTER TABLE a VALIDATE CONSTRAINT fk"),
        _page(f"{_KEY} NOT VALID"),
        check_spec=_not_valid_together,
    ),
    Rule(
        "LK112",
        "blocking-maintenance",
        "warning",
        "`sql` does maintenance on PostgreSQL that locks a table.",
        "Nobody can use it until it is done.",
        "Do it outside of the migration, in its concurrent form.",
        _page("REINDEX TABLE a"),
        _page("ANALYZE a"),
        check_spec=by_statement("LK112", _maintenance),
    ),
    Rule(
        "TX102",
        "concurrent-op-in-transaction",
        "error",
        "`sql` holds what PostgreSQL refuses in a transaction.",
        "`sql` is always in a transaction: the step would fail.",
        "Write `index` or `drop`, or do it outside.",
        _page("CREATE INDEX CONCURRENTLY idx ON a (b)"),
        "index: {table: a, columns: [b]}",
        check_spec=by_statement("TX102", _in_transaction),
        over=("SP113", "LK103"),
    ),
    Rule(
        "TX105",
        "enum-value-used-in-same-transaction",
        "error",
        "A value is added to a type and used in one step.",
        "PostgreSQL refuses it: the value counts after the commit.",
        "Put it in a step of its own.",
        _page("ALTER TYPE size ADD VALUE 'xl'", "UPDATE a SET size = 'xl'"),
        _page("ALTER TYPE size ADD VALUE 'xl'"),
        check_spec=_enum_used,
    ),
    Rule(
        "DT116",
        "identity-left-behind",
        "error",
        "`sql` gives values to a column that PostgreSQL numbers by itself.",
        "The counter stays behind, and the next insert takes an id that is there.",
        "Write `insert` or `copy`, which move the counter, or add setval().",
        _page("INSERT INTO t (id, n) SELECT id, n FROM u"),
        "copy: {from: a, into: c, columns: same, expect_rows: all}",
        check_spec=by_statement("DT116", _identity),
        over=("SP113",),
    ),
)
