"""TY: types of columns. TY101 TY103 TY104 TY109."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from engine.errors import Path
from engine.lint.base import Found, Rule, SpecView
from engine.lint.rules.design import ID, new_foreign_keys
from engine.lint.rules.existing import unique_keys
from engine.lint.story import Scene, actions, found, new_columns
from engine.lint.types import Kind, as_written, kind, kind_of, walk
from engine.model.changes import AddColumn, AlterTable, ChangeColumn, CreateTable
from engine.model.expression import Literal
from engine.model.state import Table, fold, same_name

# ── TY ────────────────────────────────────────────────────────────────────
_MONEY = ("price", "amount", "total", "cost", "fee", "balance", "salary", "tax", "discount", "revenue")


def _float_amount(view: SpecView) -> Iterable[Found]:
    for scene, table, column, path in new_columns(view):
        type = as_written(column.type)
        subject = f"{table}.{column.name}"
        amount = any(word in fold(column.name).split("_") for word in _MONEY)
        if type.family == "float" and amount:
            words = f"`{column.name}` sounds like an exact amount, and {type.name} is not exact: 0.1 + 0.2 is not 0.3"
            yield found(scene, "TY101", words, (*path, "type"), "write decimal(p,s), or count in cents", subject)
        elif type.family == "decimal" and view.world.dialect == "sqlite" and column.type.text is not None:
            words = f"SQLite keeps `{column.name}` as a floating number: a decimal is exact on the other databases only"
            hint = "count in cents with bigint where every digit matters"
            yield found(scene, "TY101", words, (*path, "type"), hint, subject, "info")


def _foreign_type(view: SpecView) -> Iterable[Found]:
    for scene, declared in walk(view):
        for table, key, path in new_foreign_keys(scene):
            parent = scene.fact.after.table(key.table)
            targets = key.references or (parent.primary_key if parent else ())
            for mine, other in zip(key.columns, targets, strict=False):
                left = _kind_after(scene, table, mine) or kind_of(table.name, mine, scene, declared)
                right = kind_of(key.table, other, scene, declared)
                if same_name(key.table, table.name):
                    right = _kind_after(scene, table, other) or right
                if not left.family or not right.family or _matches(left, right):
                    continue
                words = f"`{mine}` is {left.name} and `{key.table}.{other}` is {right.name}"
                yield found(scene, "TY103", words, path, f"give `{mine}` the type of `{key.table}.{other}`", table.name)


def _kind_after(scene: Scene, table: Table, column: str) -> Kind | None:
    """Return the kind of a column that the step itself makes."""
    for change in scene.fact.changes:
        columns = list(change.table.columns) if isinstance(change, CreateTable) else []
        if isinstance(change, AlterTable):
            columns += [a.column for a in change.actions if isinstance(a, AddColumn)]
        for made in columns:
            if same_name(made.name, column):
                return as_written(made.type)
    return None


def _matches(left: Kind, right: Kind) -> bool:
    if left.family != right.family:
        return False
    return left.family != "integer" or left.size >= right.size or left.name == right.name


def _collation(view: SpecView) -> Iterable[Found]:
    for scene, table, action in actions(view, ChangeColumn):
        owner = scene.existing(table)
        column = owner.column(action.name) if owner else None
        if (
            column is None
            or owner is None
            or action.collate is None
            or same_name(column.collate or "binary", action.collate)
        ):
            continue
        keyed = any(same_name(c, action.name) for k in unique_keys(owner, scene.fact.before) for c in k)
        if scene.guarded(table, action.name):
            continue
        words = f"values of `{table}.{action.name}` that differed may be equal now, and sort otherwise"
        words += ", and it is in a unique key" if keyed else ""
        hint = "look for values that become equal with a `validate` first"
        path: Path = ("alter", "change", action.name, "collate")
        yield found(scene, "TY104", words, path, hint, f"{table}.{action.name}")


def _default_type(view: SpecView) -> Iterable[Found]:
    places = [(s, t, c.name, as_written(c.type), c.default, (*p, "default")) for s, t, c, p in new_columns(view)]
    for scene, table, action in actions(view, ChangeColumn):
        owner = scene.fact.before.table(table)
        column = owner.column(action.name) if owner else None
        type = as_written(action.type) if action.type else kind(column.type) if column else Kind("")
        places.append((scene, table, action.name, type, action.default, ("alter", "change", action.name, "default")))
    for scene, table, name, type, default, path in places:
        if isinstance(default, Literal) and (why := _no_value(type, default)):
            words = f"the default {default.spelling!r} of `{table}.{name}` is {why}"
            yield found(scene, "TY109", words, path, "mend it", f"{table}.{name}")


def _no_value(type: Kind, default: Literal) -> str:
    value = default.value
    if value is None:
        return ""
    number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if type.family in ("integer", "decimal", "float") and not number and not isinstance(value, bool):
        return "no number"
    if type.family == "integer" and isinstance(value, Decimal) and value != value.to_integral_value():
        return "no whole number"
    if type.family == "text" and type.size and isinstance(value, str) and len(value) > type.size:
        return f"longer than {type.size} characters"
    if type.family in ("date", "timestamp", "timestamptz"):
        text = str(value)
        if not text[:4].isdigit() or text.startswith("0000"):
            return "no date"
    if type.family == "boolean" and value not in (True, False, 0, 1):
        return "neither true nor false"
    return ""


RULES = (
    Rule(
        "TY101",
        "float-for-exact-amount",
        "warning",
        "A floating number holds what sounds like an exact amount.",
        "0.1 + 0.2 is not 0.3. SQLite keeps decimals as floating numbers, too (told as info).",
        "Write decimal(p,s), or count in cents.",
        "alter: {table: a, add: {price: double}}",
        "alter: {table: a, add: {price_cents: bigint}}",
        check_spec=_float_amount,
    ),
    Rule(
        "TY103",
        "fk-type-mismatch",
        "error",
        "A column and the key that it refers to have different types.",
        "Some databases refuse it, others find no partner for a value.",
        "Give it the type of the key.",
        f"create: {{table: t, columns: {{{ID}, a_id: {{type: text, references: {{table: a, column: id}}}}}}}}",
        f"create: {{table: t, columns: {{{ID}, a_id: {{type: integer, references: {{table: a, column: id}}}}}}}}",
        check_spec=_foreign_type,
    ),
    Rule(
        "TY104",
        "collation-change",
        "warning",
        "The collation of a column that was there changes.",
        "Values that differed may be equal and break a key; order changes.",
        "Look with a `validate` first.",
        "alter: {table: a, change: {b: {collate: nocase}}}",
        "alter: {table: a, add: {c: {type: text, collate: nocase}}}",
        check_spec=_collation,
    ),
    Rule(
        "TY109",
        "default-type-mismatch",
        "error",
        "A default is no value of its column's type.",
        "Later inserts fail, or store nonsense.",
        "Mend it.",
        "alter: {table: a, add: {n: {type: integer, default: none}}}",
        "alter: {table: a, add: {n: {type: integer, default: 0}}}",
        check_spec=_default_type,
    ),
)
