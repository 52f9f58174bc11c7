"""Fields that `create` and `alter` share: columns, keys, references, checks of a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.errors import Problem
from engine.model.changes import ChangeColumn, DropConstraint
from engine.model.definitions import CheckDef, ColumnDef, ExcludeDef, ForeignKeyDef, KeyDef, ReferenceDef
from engine.model.expression import Expression, Literal, PerDialect, Sql
from engine.steps.base import field
from engine.steps.names import derive_name
from engine.steps.shapes import (
    DIALECTS,
    Expr,
    Flag,
    MapOf,
    Name,
    Names,
    Record,
    Scalar,
    SqlText,
    Text,
    Type,
    Value,
    Word,
)

ACTIONS = ("cascade", "set null", "set default", "restrict", "no action")
OPTIONS = MapOf(MapOf(Scalar()), choices=DIALECTS)

Options = tuple[tuple[str, tuple[tuple[str, str | int | bool], ...]], ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """What a foreign key refers to."""

    table: str = field("The table referred to.", Name(), short="any", example="artists")
    columns: tuple[str, ...] = field(
        "Its columns; without them its primary key.", Names(), default=(), also=("column",), example="id"
    )
    on_delete: str = field("What happens here when the row there is deleted.", Word(ACTIONS), default="")
    on_update: str = field("What happens here when the key there changes.", Word(ACTIONS), default="")
    deferrable: bool = field("Whether it is judged only at the end of a transaction.", Flag(), default=False)

    def definition(self) -> ReferenceDef:
        """Return it as planning knows it."""
        return ReferenceDef(self.table, self.columns, self.on_delete, self.on_update, self.deferrable)


@dataclass(frozen=True, slots=True)
class Column:
    """A column: a mapping, or its type alone."""

    type: PerDialect = field(
        "A portable type (boolean, smallint, integer, bigint, decimal(p,s), real, double, text, varchar(n), "
        "char(n), blob, date, time, timestamp, timestamptz, json, uuid), a type of your database, or one per "
        "database.",
        Type(),
        short="any",
        example="varchar(64)",
    )
    primary_key: bool = field("Whether it is the primary key.", Flag(), default=False)
    auto_increment: bool = field("Whether the database numbers it, never using a number twice.", Flag(), default=False)
    nullable: bool = field("Whether it may be NULL.", Flag(), default=True)
    unique: bool = field("Whether no two rows may have the same value.", Flag(), default=False)
    default: Literal | Sql | None = field(
        "The value where an insert names none; an expression is written {sql: …}.",
        Value(default=True),
        default=None,
        example={"sql": "CURRENT_TIMESTAMP"},
    )
    check: Sql | None = field("What must hold of every row.", SqlText(), default=None, example="price >= 0")
    collate: str = field("The collation: nocase, binary, rtrim, or one of the database.", Name(), default="")
    references: Reference | None = field(
        "The foreign key: another table's key that must exist.",
        Record(Reference),
        default=None,
        example={"table": "artists", "column": "id"},
    )
    generated: Sql | None = field(
        "The expression that it is computed by.", SqlText(), default=None, example="lower(title)"
    )
    stored: bool = field("Whether a generated column is stored instead of computed when read.", Flag(), default=False)
    comment: str = field("Words kept in the database, where it keeps any.", Text(), default="")

    def problems(self) -> Iterator[Problem]:
        """Yield what can't go together in one column."""
        if self.stored and self.generated is None:
            yield Problem("SP102", "`stored` is for generated columns", ("stored",), hint="add `generated`")
        if self.generated is not None and self.default is not None:
            yield Problem("SP102", "a generated column takes no default", ("default",), hint="take one of the two out")
        if self.generated is not None and self.auto_increment:
            words = "a generated column can't be numbered by the database too"
            yield Problem("SP102", words, ("auto_increment",), hint="take one of the two out")

    def definition(self, name: str) -> ColumnDef:
        """Return it as planning knows it, under `name`."""
        return ColumnDef(
            name,
            self.type,
            nullable=self.nullable,
            default=self.default,
            primary_key=self.primary_key,
            auto_increment=self.auto_increment,
            unique=self.unique,
            references=self.references.definition() if self.references else None,
            check=self.check,
            collate=self.collate,
            generated=self.generated,
            stored=self.stored,
            comment=self.comment,
        )


@dataclass(frozen=True, slots=True)
class AddedColumn(Column):
    """A column that is added to a table which may have rows: a mapping, or its type alone."""

    using: Expression | None = field("What the rows that are there get.", Expr(), default=None, example="lower(title)")
    after: str = field("The column it comes after, where the database can; else it is the last.", Name(), default="")

    def definition(self, name: str) -> ColumnDef:
        """Return it as planning knows it, under `name`."""
        return ColumnDef(
            name,
            self.type,
            self.nullable,
            self.default,
            self.primary_key,
            self.auto_increment,
            self.unique,
            self.references.definition() if self.references else None,
            self.check,
            self.collate,
            self.generated,
            self.stored,
            self.comment,
            self.using,
            self.after,
        )


@dataclass(frozen=True, slots=True)
class ChangedColumn:
    """What of a column changes; what is not named stays. A type alone is short for {type: …}."""

    type: PerDialect | None = field("The new type.", Type(), default=None, short="any", example="bigint")
    using: Expression | None = field(
        "How the new value is made of the old row.",
        Expr(),
        default=None,
        example="cast(price * 100 as integer)",
    )
    nullable: bool | None = field("Whether it may be NULL from now on.", Flag(), default=None)
    default: Literal | Sql | None = field(
        "The new default; null takes the default away.", Value(default=True), default=None
    )
    collate: str | None = field("The new collation.", Name(), default=None)
    comment: str | None = field("The new comment; empty text takes it away.", Text(), default=None)
    generated: Sql | None = field("The new expression of a generated column.", SqlText(), default=None)
    stored: bool | None = field("Whether a generated column is stored.", Flag(), default=None)
    auto_increment: bool | None = field("Whether the database numbers it.", Flag(), default=None)

    def problems(self) -> Iterator[Problem]:
        """Yield an error where nothing changes."""
        if self == ChangedColumn():
            yield Problem("SP102", "nothing is changed here", (), hint="name what changes, e.g. `type: bigint`")

    def change(self, name: str) -> ChangeColumn:
        """Return it as planning knows it, for the column `name`."""
        gone = isinstance(self.default, Literal) and self.default.value is None
        return ChangeColumn(
            name,
            type=self.type,
            nullable=self.nullable,
            default=None if gone else self.default,
            drop_default=gone,
            using=self.using,
            collate=self.collate,
            comment=self.comment,
            generated=self.generated,
            stored=self.stored,
            auto_increment=self.auto_increment,
        )


@dataclass(frozen=True, slots=True)
class PrimaryKey:
    """A primary key: its columns, or a mapping that names it too."""

    columns: tuple[str, ...] = field("Its columns, in this order.", Names(), also=("column",), short="any")
    name: str = field("Its name; without it the database's own.", Name(), default="")

    def definition(self) -> KeyDef:
        """Return it as planning knows it."""
        return KeyDef(self.columns, self.name)


@dataclass(frozen=True, slots=True)
class UniqueKey:
    """A unique key: a list of its columns, or a mapping."""

    columns: tuple[str, ...] = field("Its columns.", Names(), also=("column",), short="list")
    name: str = field("Its name; without it uq_<table>_<columns>.", Name(), default="")
    include: tuple[str, ...] = field(
        "Columns that the index carries along, where the database can.", Names(), default=()
    )
    nulls_not_distinct: bool = field("Whether two NULLs count as equal.", Flag(), default=False)
    deferrable: bool = field("Whether it is judged only at the end of a transaction.", Flag(), default=False)

    def definition(self, table: str) -> KeyDef:
        """Return it as planning knows it, with its name."""
        name = self.name or derive_name("uq", table, self.columns)
        return KeyDef(self.columns, name, self.include, self.nulls_not_distinct, self.deferrable)


UNIQUE_HINT = "`[[a, b]]` is one key over both, `[[a], [b]]` are two"


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key over one or several columns."""

    columns: tuple[str, ...] = field("The columns here.", Names(), also=("column",))
    references: Reference = field("The table and the columns referred to.", Record(Reference))
    name: str = field("Its name; without it fk_<table>_<columns>.", Name(), default="")
    on_delete: str = field("What happens here when the row there is deleted.", Word(ACTIONS), default="")
    on_update: str = field("What happens here when the key there changes.", Word(ACTIONS), default="")
    deferrable: bool = field("Whether it is judged only at the end of a transaction.", Flag(), default=False)

    def problems(self) -> Iterator[Problem]:
        """Yield what does not fit the two sides together."""
        there = self.references.columns
        if there and len(there) != len(self.columns):
            words = f"{len(self.columns)} columns can't refer to {len(there)}"
            yield Problem("SP102", words, ("references", "columns"), hint="name as many on both sides")
        for word in ("on_delete", "on_update"):
            mine, inner = getattr(self, word), getattr(self.references, word)
            if mine and inner and mine != inner:
                words = f"`{word}` stands here as `{mine}` and below `references` as `{inner}`"
                yield Problem("SP102", words, (word,), hint="take one of the two out")

    def definition(self, table: str) -> ForeignKeyDef:
        """Return it as planning knows it, with its name."""
        inner = self.references
        reference = ReferenceDef(
            inner.table,
            inner.columns,
            self.on_delete or inner.on_delete,
            self.on_update or inner.on_update,
            self.deferrable or inner.deferrable,
        )
        return ForeignKeyDef(self.columns, reference, self.name or derive_name("fk", table, self.columns))


@dataclass(frozen=True, slots=True)
class AddedForeignKey(ForeignKey):
    """A foreign key that is added to a table which may have rows."""

    validate: str = field(
        "When the rows that are there are judged: now, later (by `validate_constraints`), or auto: added "
        "unvalidated and then validated, where the database can.",
        Word(("auto", "now", "later")),
        default="auto",
    )

    def definition(self, table: str) -> ForeignKeyDef:
        """Return it as planning knows it, with its name."""
        # Not super(): dataclasses with slots replace the class that super() remembers.
        key = ForeignKey.definition(self, table)
        return ForeignKeyDef(key.columns, key.references, key.name, self.validate)


@dataclass(frozen=True, slots=True)
class AddedCheck:
    """A check that is added to a table which may have rows: SQL, or a mapping."""

    sql: Sql = field("What must hold of every row.", SqlText(), short="maps", example="genre <> ''")
    validate: str = field(
        "Whether the rows that are there are judged now or later (by `validate_constraints`).",
        Word(("now", "later")),
        default="now",
    )

    def definition(self, name: str) -> CheckDef:
        """Return it as planning knows it, under `name`."""
        return CheckDef(name, self.sql, self.validate == "later")


@dataclass(frozen=True, slots=True)
class Exclusion:
    """An exclusion constraint (PostgreSQL): no two rows may meet in all its elements."""

    name: str = field("Its name.", Name(), example="no_overlap")
    elements: tuple[tuple[str, str], ...] = field(
        "Columns and the operators they are compared by.",
        MapOf(Text()),
        example={"room": "=", "during": "&&"},
    )
    using: str = field("The index method.", Name(), default="gist")

    def definition(self) -> ExcludeDef:
        """Return it as planning knows it."""
        return ExcludeDef(self.name, self.using, self.elements)


@dataclass(frozen=True, slots=True)
class ConstraintRef:
    """A constraint, by its name or by what it is."""

    name: str = field("Its name.", Name(), default="", short="any", example="ck_title")
    unique: tuple[str, ...] = field("The columns of a unique key.", Names(), default=())
    check: str = field("The condition of a check, as it was written.", Text(), default="", example="price >= 0")
    foreign_key: tuple[str, ...] = field("The columns of a foreign key.", Names(), default=())

    def problems(self) -> Iterator[Problem]:
        """Yield an error unless exactly one way is taken."""
        given = [word for word in ("name", "unique", "check", "foreign_key") if getattr(self, word)]
        if len(given) != 1:
            words = "say which constraint: by `name`, `unique`, `check` or `foreign_key`, one of them"
            yield Problem("SP102", words, (given[1], "<key>") if given else (), hint="e.g. {unique: [a, b]}")

    def change(self) -> DropConstraint:
        """Return it as planning knows it."""
        return DropConstraint(self.name, self.unique, self.check, self.foreign_key)
