"""What is said to MySQL and MariaDB: MY102 to MY107, MY109, MY110, DL113, DT105, TX108."""

from __future__ import annotations

from collections.abc import Iterable

from engine.lint.base import Found, Rule, SpecView
from engine.lint.story import Scene, Told, actions, by_statement, each, found, new_columns, spoken
from engine.lint.texts import Fragment, assignments, name_at, names, object_after, phrase_at, target, words_of
from engine.lint.types import kind
from engine.model.changes import CreateIndex, CreateTable, RunSql, SetOptions

BASE = ("mysql", "mariadb")


def mysql(said: Fragment, scene: Scene) -> bool:
    """Tell whether a text runs on MySQL or MariaDB."""
    return said.meant_for("mysql", scene.targets)


def aimed(scene: Scene) -> bool:
    """Tell whether the spec is meant for MySQL or MariaDB."""
    return bool(set(BASE) & set(scene.targets))


# ── MODIFY and copies of a table ──────────────────────────────────────────
def _modified(said: Fragment) -> str:
    """Return the column that a MODIFY or CHANGE gives a new definition, or ""."""
    if not said.begins("ALTER", "TABLE"):
        return ""
    for word in ("MODIFY", "CHANGE"):
        at = phrase_at(said.words, (word,))
        if at >= 0:
            return name_at(said.text, at + (2 if said.words[at + 1 : at + 2] == ("COLUMN",) else 1))
    return ""


def _drops_attributes(said: Fragment, scene: Scene) -> Told:
    name = _modified(said)
    table = scene.fact.before.table(object_after(said, "ALTER", "TABLE"))
    column = table.column(name) if table and name and mysql(said, scene) else None
    if column is None or table is None:
        return None
    lost = ["NOT NULL"] if column.not_null and not said.says("NOT", "NULL") else []
    lost += ["its default"] if column.default is not None and not said.says("DEFAULT") else []
    lost += ["AUTO_INCREMENT"] if column.auto_increment and not said.says("AUTO_INCREMENT") else []
    if not lost:
        return None
    message = f"`{table.name}.{name}` loses {' and '.join(lost)}: what MODIFY does not say again is gone"
    return message, "write `alter` with `change`, which says all of it again", f"{table.name}.{name}"


def _copies(said: Fragment, scene: Scene) -> Told:
    name = object_after(said, "ALTER", "TABLE") if said.begins("ALTER", "TABLE") else ""
    heavy = bool(_modified(said)) or said.says("CONVERT", "TO") or said.says("ENGINE", "=")
    if not name or not heavy or not mysql(said, scene) or said.says("ALGORITHM") or name.lower() in scene.made:
        return None
    subject = f"{name}.{_modified(said)}" if _modified(said) else name
    message = f"MySQL may copy all of `{name}` for this, and blocks writes meanwhile"
    return message, "add `ALGORITHM=INPLACE, LOCK=NONE`: the server refuses then in place of copying", subject


# ── options and types ─────────────────────────────────────────────────────
def _options(view: SpecView) -> Iterable[tuple[Scene, str, str, str, tuple[str | int, ...]]]:
    """Yield the options that are meant for MySQL: scene, table, name, value, path."""
    for scene, change in each(view, CreateTable):
        yield from _pairs(scene, change.table.name, change.table.options, "create")
    for scene, table, action in actions(view, SetOptions):
        yield from _pairs(scene, table, action.options, "alter")


def _pairs(
    scene: Scene, table: str, options: tuple[tuple[str, tuple[tuple[str, str | int | bool], ...]], ...], verb: str
) -> Iterable[tuple[Scene, str, str, str, tuple[str | int, ...]]]:
    for dialect, pairs in options:
        for name, value in pairs if dialect in BASE else ():
            yield scene, table, name.lower(), str(value).lower(), (verb, "options", dialect, name)


_THREE_BYTES = ("utf8", "utf8mb3")


def _utf8mb3(view: SpecView) -> Iterable[Found]:
    words = "holds three bytes of a character at most: emoji and rare signs are refused, or lost"
    for scene, table, name, value, path in _options(view):
        if name in ("charset", "character_set") and value in _THREE_BYTES:
            yield found(scene, "MY105", f"`{value}` {words}", path, "write utf8mb4", table)
    for scene, said in spoken(view):
        for three in _THREE_BYTES:
            if any(
                said.says(*start, three.upper()) for start in (("CHARSET",), ("CHARSET", "="), ("CHARACTER", "SET"))
            ):
                yield found(scene, "MY105", f"`{three}` {words}", said.path, "write utf8mb4")


_NARROW = ("latin1", "ascii", "utf8", "utf8mb3")


def _charset_narrowed(view: SpecView) -> Iterable[Found]:
    hint = "look with `validate` for rows that do not fit, or keep utf8mb4"
    for scene, table, name, value, path in _options(view):
        if name in ("charset", "character_set") and value in _NARROW and scene.existing(table):
            words = f"text of `{table}` that `{value}` does not have becomes `?`"
            if not scene.guarded(table):
                yield found(scene, "DL113", words, path, hint, table)
    for scene, said in spoken(view):
        at = phrase_at(said.words, ("CONVERT", "TO", "CHARACTER", "SET"))
        table = object_after(said, "ALTER", "TABLE")
        if at >= 0 and said.words[at + 4 : at + 5] and said.words[at + 4].lower() in _NARROW and table:
            words = f"text of `{table}` that `{said.words[at + 4].lower()}` does not have becomes `?`"
            if not scene.guarded(table):
                yield found(scene, "DL113", words, said.path, hint, table)


_NO_TRANSACTIONS = ("myisam", "memory", "aria", "archive", "csv", "merge")


def _engines(view: SpecView) -> Iterable[Found]:
    words = "has no transactions: rows stay after a ROLLBACK, and a crash leaves half of a batch"
    for scene, table, name, value, path in _options(view):
        if name == "engine" and value in _NO_TRANSACTIONS:
            yield found(scene, "MY107", f"`{value}` {words}", path, "write InnoDB", table)
    for scene, said in spoken(view):
        for value in _NO_TRANSACTIONS:
            if said.says("ENGINE", "=", value.upper()):
                yield found(scene, "MY107", f"`{value}` {words}", said.path, "write InnoDB")


def _range(view: SpecView) -> Iterable[Found]:
    for scene, table, column, path in new_columns(view):
        given = column.type.given_for("mysql") or (column.type.text if aimed(scene) else "") or ""
        written = column.type.given_for("mysql") is not None
        base = given.split("(")[0].strip().lower()
        if base == "timestamptz" or (written and base == "timestamp"):
            words = f"on MySQL `{table}.{column.name}` is a TIMESTAMP, which ends on 19 January 2038"
            yield found(scene, "MY110", words, (*path, "type"), "write `timestamp`, which is DATETIME(6) there", table)


def _too_large(view: SpecView) -> Iterable[Found]:
    for scene, table, column, path in new_columns(view):
        given = kind(column.type.given_for("mysql") or (column.type.text if aimed(scene) else "") or "")
        if given.name in ("varchar", "character varying") and given.size > 16_383:
            words = f"a row of MySQL has 65,535 bytes, and `{column.name}` alone may need {given.size * 4:,}"
            yield found(scene, "MY106", words, (*path, "type"), "write `text`", f"{table}.{column.name}")
    for scene, change in each(view, CreateIndex):
        owner = scene.fact.before.table(change.index.table)
        for place, part in enumerate(change.index.columns):
            column_type = owner.column(part.column) if owner and part.column and aimed(scene) else None
            size = kind(column_type.type) if column_type else kind("")
            if part.length is None and size.name in ("varchar", "character varying") and size.size * 4 > 3072:
                words = f"an index of MySQL takes 3,072 bytes, and `{part.column}` may need {size.size * 4:,}"
                hint = f"index a part of it: {{column: {part.column}, length: 191}}"
                yield found(
                    scene, "MY106", words, ("index", "columns", place), hint, f"{change.index.table}.{part.column}"
                )


def _inline_reference(said: Fragment, scene: Scene) -> Told:
    creates = (said.begins("CREATE", "TABLE") and said.dialect in BASE) or (
        said.begins("CREATE", "TABLE") and mysql(said, scene)
    )
    if not creates or not said.says("REFERENCES") or said.says("FOREIGN", "KEY"):
        return None
    name = object_after(said, "CREATE", "TABLE")
    return (
        "MySQL reads REFERENCES on a column and makes no foreign key of it",
        "write `create`, or FOREIGN KEY (…)",
        name,
    )


# ── rows ──────────────────────────────────────────────────────────────────
def _repeated(view: SpecView) -> Iterable[Found]:
    """An update that does more the second time, beside a statement that commits (MySQL's DDL does)."""
    for scene, change in each(view, RunSql):
        texts = [f for s, f in spoken(view) if s is scene and f.meant_for("mysql", scene.targets)]
        if len(change.statements) < 2 or not any(f.words[:1] in _COMMITS for f in texts):
            continue
        for said in texts:
            if not said.begins("UPDATE"):
                continue
            for name, text in assignments(said):
                if names(text, name) and set(words_of(text)) & {"+", "-", "*", "/", "||", "CONCAT"}:
                    words = f"run twice, this changes `{name}` twice, and on MySQL the schema change beside it commits"
                    hint = "put it in a step of its own, or write it as `transform`"
                    yield found(scene, "DT105", words, said.path, hint, f"{target(said)}.{name}")


_COMMITS = (("CREATE",), ("ALTER",), ("DROP",), ("TRUNCATE",), ("RENAME",))


def _assignment_order(said: Fragment, scene: Scene) -> Told:
    if not said.begins("UPDATE") or not said.meant_for("mysql", scene.targets):
        return None
    done: list[str] = []
    for name, text in assignments(said):
        early = next((d for d in done if names(text, d)), "")
        if early:
            message = f"MySQL has given `{early}` its new value already when `{name}` reads it; others take the old one"
            return message, "write it as `transform`, which reads all old values first", f"{target(said)}.{name}"
        done.append(name)
    return None


_OFF = (
    (("FOREIGN_KEY_CHECKS", "=", "0"), ("FOREIGN_KEY_CHECKS", "=", "1")),
    (("UNIQUE_CHECKS", "=", "0"), ("UNIQUE_CHECKS", "=", "1")),
    (("SESSION_REPLICATION_ROLE", "=", "REPLICA"), ("SESSION_REPLICATION_ROLE", "=", "DEFAULT")),
    (("SESSION_REPLICATION_ROLE", "=", "'replica'"), ("SESSION_REPLICATION_ROLE", "=", "DEFAULT")),
    (("DISABLE", "TRIGGER"), ("ENABLE", "TRIGGER")),
    (("DISABLE", "KEYS"), ("ENABLE", "KEYS")),
)


def _left_off(view: SpecView) -> Iterable[Found]:
    every = list(spoken(view))
    for at, (scene, said) in enumerate(every):
        for off, on in _OFF:
            if said.says(*off) and not any(later.says(*on) for _, later in every[at + 1 :]):
                words = "rules of the database are switched off here, and no later step switches them on again"
                yield found(scene, "TX108", words, said.path, "do without it, or switch them on and check the rows")


RULES = (
    Rule(
        "MY102",
        "modify-drops-attributes",
        "error",
        "A MODIFY or CHANGE in `sql` does not say again what the column has.",
        "Changing int to bigint takes NOT NULL, the default and the comment away, without a word.",
        "Write `alter` with `change`, which says all of it again.",
        'dialects: [mysql]\nsteps:\n  - sql: "ALTER TABLE a MODIFY b bigint"',
        "alter: {table: a, change: {b: {default: x}}}",
        check_spec=by_statement("MY102", _drops_attributes),
        over=("SP113", "MY104"),
    ),
    Rule(
        "MY104",
        "copy-algorithm",
        "warning",
        "An ALTER in `sql` that may copy the whole table says no ALGORITHM.",
        "Writes wait for the whole copy.",
        "State `ALGORITHM=INPLACE, LOCK=NONE`, so that the server refuses in place of copying.",
        'dialects: [mysql]\nsteps:\n  - sql: "ALTER TABLE a MODIFY b bigint"',
        'dialects: [mysql]\nsteps:\n  - sql: "ALTER TABLE a MODIFY b bigint, ALGORITHM=INPLACE, LOCK=NONE"',
        check_spec=by_statement("MY104", _copies),
        over=("SP113",),
    ),
    Rule(
        "MY105",
        "utf8mb3",
        "warning",
        "Text gets the character set utf8 or utf8mb3.",
        "Characters of four bytes are refused, or lost where the server is not strict.",
        "Write utf8mb4.",
        "create: {table: t, columns: {id: {type: integer, primary_key: true}}, options: {mysql: {charset: utf8}}}",
        "create: {table: t, columns: {id: {type: integer, primary_key: true}}, options: {mysql: {charset: utf8mb4}}}",
        check_spec=_utf8mb3,
    ),
    Rule(
        "MY106",
        "row-or-key-too-large",
        "error",
        "A column or an index is larger than a row or a key of MySQL may be.",
        "The statement fails on the server, after other steps are done.",
        "Write `text`, or index a part of the column.",
        "dialects: [mysql]\nsteps:\n  - alter: {table: a, add: {c: varchar(20000)}}",
        "dialects: [mysql]\nsteps:\n  - alter: {table: a, add: {c: text}}",
        check_spec=_too_large,
    ),
    Rule(
        "MY107",
        "non-transactional-engine",
        "error",
        "A table gets a storage engine without transactions.",
        "Rows stay after a ROLLBACK, and the checkpoint no longer tells the truth.",
        "Write InnoDB, or leave `engine` out.",
        "create: {table: t, columns: {id: {type: integer, primary_key: true}}, options: {mysql: {engine: MyISAM}}}",
        "create: {table: t, columns: {id: {type: integer, primary_key: true}}, options: {mysql: {engine: InnoDB}}}",
        check_spec=_engines,
    ),
    Rule(
        "MY109",
        "inline-references-ignored",
        "error",
        "`sql` makes a table on MySQL with REFERENCES on a column.",
        "MySQL reads it and makes no foreign key; MariaDB makes one, so the two differ.",
        "Write `create`, or FOREIGN KEY (…).",
        'steps:\n  - sql: {mysql: "CREATE TABLE t (id int primary key, a_id int REFERENCES a (id))"}',
        "alter: {table: b, add: {a_id: {type: integer, references: {table: a, column: id}}}}",
        check_spec=by_statement("MY109", _inline_reference),
        over=("SP113",),
    ),
    Rule(
        "MY110",
        "timestamp-range",
        "warning",
        "A new column is a TIMESTAMP on MySQL.",
        "TIMESTAMP ends on 19 January 2038.",
        "Write `timestamp`, which is DATETIME(6) on MySQL.",
        "alter: {table: a, add: {at: {type: {sqlite: TEXT, mysql: TIMESTAMP}}}}",
        "alter: {table: a, add: {at: timestamp}}",
        check_spec=_range,
    ),
    Rule(
        "DL113",
        "charset-narrowing",
        "error",
        "A table is converted to a character set that has fewer characters.",
        "What it does not have becomes `?`, or the statement fails.",
        "Look with `validate` for text that does not fit, or keep utf8mb4.",
        "alter: {table: a, options: {mysql: {charset: latin1}}}",
        "alter: {table: a, options: {mysql: {charset: utf8mb4}}}",
        check_spec=_charset_narrowed,
        needs_reason=True,
        over=("MY105", "MY104", "SP113"),
    ),
    Rule(
        "DT105",
        "non-idempotent-transform",
        "error",
        "On MySQL an update that reads what it writes stands beside a statement that commits.",
        "After a crash in between it runs again: two passes of `* 1.1` make 121 of 100.",
        "Put it in a step of its own, or write `transform`.",
        'dialects: [mysql]\nsteps:\n  - sql: ["UPDATE a SET n = n * 2", "ALTER TABLE a DROP COLUMN c"]',
        "transform: {table: a, set: {b: \"b || '!'\"}}",
        check_spec=_repeated,
        over=("SP113",),
    ),
    Rule(
        "MY103",
        "assignment-order",
        "error",
        "On MySQL an UPDATE reads a column that it has set before.",
        "MySQL goes from left to right with new values, the others take the old ones: a swap gives 2, 2.",
        "Write a `transform`.",
        'dialects: [mysql]\nsteps:\n  - sql: "UPDATE a SET x = y, y = x"',
        'transform: {table: a, set: {b: "trim(b)"}}',
        check_spec=by_statement("MY103", _assignment_order),
        over=("SP113",),
    ),
    Rule(
        "TX108",
        "enforcement-left-off",
        "error",
        "`sql` switches foreign keys, triggers or unique checks off, and not on again.",
        "Bad rows come in unseen, and no database checks them when the rules are on again.",
        "Do without it, or switch them on in the same spec and `validate` the rows.",
        'steps:\n  - sql: {mysql: "SET FOREIGN_KEY_CHECKS = 0"}',
        "validate: [{unique: {table: a, columns: [id]}}]",
        check_spec=_left_off,
    ),
)
