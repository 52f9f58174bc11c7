"""`alter`: all that one step does to one table, in a fixed order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from engine.errors import Problem
from engine.model.changes import (
    Action,
    AddCheck,
    AddColumn,
    AddExclude,
    AddForeignKey,
    AddUnique,
    AlterTable,
    Change,
    DropColumn,
    RenameColumn,
    SetComment,
    SetOptions,
    SetPrimaryKey,
    ValidateConstraint,
)
from engine.model.definitions import KeyDef
from engine.model.state import SchemaState
from engine.steps.base import ABSENT, Absent, field, step
from engine.steps.fields_table import (
    OPTIONS,
    UNIQUE_HINT,
    AddedCheck,
    AddedColumn,
    AddedForeignKey,
    ChangedColumn,
    ConstraintRef,
    Exclusion,
    Options,
    PrimaryKey,
    UniqueKey,
)
from engine.steps.names import derive_name
from engine.steps.shapes import ListOf, MapOf, Name, Names, Record, Text


@step("alter")
@dataclass(frozen=True, slots=True)
class Alter:
    """Change a table: its columns, keys, checks and options, all in one step.

    It is done in this order: rename, drop_constraints, add, change,
    primary_key, drop, add_unique, add_checks, add_foreign_keys. Expressions
    and names below `rename` are the new ones. Where a database can't do it in
    place the table is built anew, which takes time and space in proportion to
    its rows. Values that are changed or dropped are kept for the way back.
    """

    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "alter: {table: albums, add: {barcode: text}}",
        "alter:\n"
        "  table: albums\n"
        "  rename: {note: remark}\n"
        "  change:\n"
        '    price: {type: bigint, using: "cast(price * 100 as integer)", nullable: false}\n'
        "  drop: [slug]\n",
        "alter:\n"
        "  table: albums\n"
        "  drop_constraints: [ck_title, {unique: [a, b]}]\n"
        "  add_unique: [[artist_id, title]]\n"
        "  add_checks: {ck_genre: \"genre <> ''\"}\n",
    )

    table: str = field("The table to change.", Name(), example="albums")
    rename: tuple[tuple[str, str], ...] = field(
        "Columns to rename: old name and new name.", MapOf(Name()), default=(), example={"note": "remark"}
    )
    drop_constraints: tuple[ConstraintRef, ...] = field(
        "Constraints to take away, by name or by what they are.",
        ListOf(Record(ConstraintRef), bare=True),
        default=(),
        example=["ck_title", {"unique": ["a", "b"]}],
    )
    add: tuple[tuple[str, AddedColumn], ...] = field(
        "Columns to add: name and definition, or name and type.",
        MapOf(Record(AddedColumn)),
        default=(),
        example={"genre": {"type": "text", "nullable": False, "default": "unknown"}},
    )
    change: tuple[tuple[str, ChangedColumn], ...] = field(
        "Columns to change; what is not named stays as it is.",
        MapOf(Record(ChangedColumn)),
        default=(),
        example={"price": {"type": "bigint"}},
    )
    primary_key: PrimaryKey | None = field(
        "The new primary key.", Record(PrimaryKey), default=None, example=["id", "artist_id"]
    )
    drop: tuple[str, ...] = field("Columns to drop.", Names(), default=(), example=["slug"])
    add_unique: tuple[UniqueKey, ...] = field(
        "Unique keys to add: [[a, b]] is one over both, [[a], [b]] are two.",
        ListOf(Record(UniqueKey, UNIQUE_HINT)),
        default=(),
        example=[["barcode"]],
    )
    add_checks: tuple[tuple[str, AddedCheck], ...] = field(
        "Checks to add: name and what must hold of every row.",
        MapOf(Record(AddedCheck)),
        default=(),
        example={"ck_genre": "genre <> ''"},
    )
    add_foreign_keys: tuple[AddedForeignKey, ...] = field(
        "Foreign keys to add.", ListOf(Record(AddedForeignKey)), default=()
    )
    add_exclude: tuple[Exclusion, ...] = field(
        "Exclusion constraints to add (PostgreSQL).", ListOf(Record(Exclusion)), default=()
    )
    validate_constraints: tuple[str, ...] = field(
        "Constraints added with `validate: later` whose rows are judged now.", Names(), default=()
    )
    comment: str | Absent | None = field(
        "The table's new comment; null takes it away.", Text(nullable=True), default=ABSENT
    )
    options: Options = field(
        "What only some databases have, per database.",
        OPTIONS,
        default=(),
        example={"sqlite": {"strict": True}},
    )

    def problems(self) -> Iterator[Problem]:
        """Yield what can't go together in one step."""
        if self == Alter(table=self.table):
            yield Problem("SP102", "nothing is changed here", ("<key>",), hint="name what to do, e.g. `add`")
        dropped = {name.lower() for name in self.drop}
        for word, names in (("add", self.add), ("change", self.change)):
            for name, _ in names:
                if name.lower() in dropped:
                    words = f"`{name}` stands under `{word}` and under `drop`"
                    yield Problem("SP102", words, (word, name, "<key>"), hint="keep one of the two")
        called = {before.lower(): to for before, to in self.rename}
        again = {to.lower() for to in called.values()}
        for name, _ in self.change:
            to = called.get(name.lower(), "")
            if to and name.lower() not in again:
                words = f"`{name}` is called `{to}` after the renames of this step"
                yield Problem("SP102", words, ("change", name, "<key>"), hint=f"write `{to}`")

    def changes(self, state: SchemaState) -> Iterator[Change]:
        """Return one change with all actions, in the contract's order."""
        del state
        yield AlterTable(self.table, tuple(self._actions()))

    def _actions(self) -> Iterator[Action]:
        for name, to in self.rename:
            yield RenameColumn(name, to)
        for constraint in self.drop_constraints:
            yield constraint.change()
        uniques = [key.definition(self.table) for key in self.add_unique]
        for name, column in self.add:
            definition = column.definition(name)
            if definition.unique:
                uniques.append(KeyDef((name,), derive_name("uq", self.table, (name,))))
            yield AddColumn(replace(definition, unique=False))
        for name, changed in self.change:
            yield changed.change(name)
        if self.primary_key is not None:
            yield SetPrimaryKey(self.primary_key.definition())
        for name in self.drop:
            yield DropColumn(name)
        for key in uniques:
            yield AddUnique(key)
        for name, check in self.add_checks:
            yield AddCheck(check.definition(name))
        for foreign_key in self.add_foreign_keys:
            yield AddForeignKey(foreign_key.definition(self.table))
        for exclusion in self.add_exclude:
            yield AddExclude(exclusion.definition())
        for name in self.validate_constraints:
            yield ValidateConstraint(name)
        if not isinstance(self.comment, Absent):
            yield SetComment(self.comment)
        if self.options:
            yield SetOptions(self.options)
