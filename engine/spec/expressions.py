"""SQL, types, values and expressions of a spec: the "three rules" of the format."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from engine.errors import Path
from engine.model.expression import Expression, Literal, Parse, PerDialect, Sql
from engine.spec.nodes import List, Map, Node, Scalar
from engine.spec.sqltext import fault, statements
from engine.steps import shapes
from engine.steps.shapes import DIALECTS, SqlKind

if TYPE_CHECKING:
    from engine.spec.convert import Converter

PORTABLE = {
    "string": "text, or varchar(n)",
    "int": "integer",
    "bool": "boolean",
    "float": "double",
    "number": "decimal(p,s), integer or double",
    "datetime": "timestamp",
    "serial": "{type: integer, auto_increment: true}",
}
_FUNCTION = re.compile(r"(?i:current_(?:timestamp|date|time))|[A-Za-z_]\w*\s*\(.*\)", re.DOTALL)
_PARSE = ("parse", "as", "formats", "otherwise")


def convert(to: Converter, shape: shapes.Shape, node: Node, path: Path) -> object:
    """Return the value of `node` for the shapes that this file knows.

    Raises:
        Refused: it can't be one; the findings say why.
    """
    match shape:
        case shapes.SqlText(kind="script"):
            return script(to, node, path)
        case shapes.SqlText(kind=kind):
            return sql(to, node, path, kind)
        case shapes.Value(default=default):
            return value(to, node, path, default)
        case shapes.Expr():
            return expression(to, node, path)
        case _:
            return type_of(to, node, path)


# ── SQL ───────────────────────────────────────────────────────────────────
def sql(to: Converter, node: Node, path: Path, kind: SqlKind = "expression") -> Sql:
    """Return SQL: text, `{sql: …}`, or text per database."""
    to.trust(node)
    if not isinstance(node, Map):
        return Sql(fragment(to, node, kind))
    keys = [key.text for key, _ in node.entries]
    inner = node.get("sql")
    if inner is not None and keys == ["sql"]:
        return sql(to, inner, (*path, "sql"), kind)
    if not keys or not all(key in DIALECTS for key in keys):
        words = "SQL is text, or a mapping of databases to text"
        raise to.refuse("SP102", words, node.span, f"its keys are of {', '.join(DIALECTS)}")
    texts = tuple((key.text, fragment(to, child, kind, key.text)) for key, child in node.entries)
    made = Sql(None, texts)
    to.complete(made, node, "SQL")
    return made


def fragment(to: Converter, node: Node, kind: SqlKind, dialect: str = "") -> str:
    """Return SQL text, looked at as far as can be without a database."""
    scalar = to.scalar(node)
    trapped(to, scalar)
    text = to.text(scalar).strip()
    wrong = fault(text, kind, dialect)
    if wrong is not None:
        raise to.refuse("SP110", wrong.message, scalar.span, wrong.hint)
    return text


def trapped(to: Converter, node: Scalar) -> None:
    """Refuse text of which YAML kept less than what is written."""
    if node.trap:
        message, found, hint = node.trap.partition(": write ")
        raise to.refuse("SP104", message, node.span, f"write {hint}" if found else "")


def script(to: Converter, node: Node, path: Path) -> tuple[Sql, ...]:
    """Return the statements of a `sql` step."""
    to.trust(node)
    if isinstance(node, List):
        found: list[Sql] = []
        for number, item in enumerate(node.items):
            found += script(to, item, (*path, number))
        return tuple(found)
    if not isinstance(node, Map):
        return tuple(Sql(text) for text in statements(fragment(to, node, "script")))
    columns: list[tuple[str, list[str]]] = []
    for key, child in node.entries:
        texts: list[str] = []
        for item in child.items if isinstance(child, List) else (child,):
            texts += statements(fragment(to, item, "script", key.text), key.text)
        columns.append((key.text, texts))
    if len({len(texts) for _, texts in columns}) > 1:
        words = "the databases have different numbers of statements here"
        hint = "write a step for each, under `when: {dialect: …}`"
        raise to.refuse("SP102", words, node.span, hint)
    made = tuple(
        Sql(None, tuple((name, texts[number]) for name, texts in columns)) for number in range(len(columns[0][1]))
    )
    to.complete(made[0], node, "SQL")
    return made


# ── types ─────────────────────────────────────────────────────────────────
def type_of(to: Converter, node: Node, path: Path) -> PerDialect:
    """Return a type: portable, of a database, or one per database."""
    if not isinstance(node, Map):
        return PerDialect(type_text(to, node))
    del path
    texts = tuple((key.text, type_text(to, child, key.text)) for key, child in node.entries)
    made = PerDialect(None, texts)
    to.complete(made, node, "type")
    return made


def type_text(to: Converter, node: Node, dialect: str = "") -> str:
    """Return a type's text; without a database, words that differ between databases are refused."""
    text = to.text(node).strip()
    word = text.lower().partition("(")[0].strip()
    if not dialect and word in PORTABLE:
        words = f"`{text}` means something else on each database, or nothing"
        raise to.refuse("SP102", words, node.span, f"write {PORTABLE[word]}")
    wrong = fault(text, "expression", dialect)
    if wrong is not None:
        raise to.refuse("SP110", f"this is no type: {wrong.message}", node.span, wrong.hint)
    return text


# ── values and expressions ────────────────────────────────────────────────
def value(to: Converter, node: Node, path: Path, default: bool = False) -> Literal | Sql:
    """Return a value as it stands, or the expression of `{sql: …}`."""
    to.trust(node)
    if isinstance(node, Map):
        inner = node.get("sql")
        if inner is None or len(node.entries) != 1:
            words = "a value stands as it is; the only mapping is {sql: …}"
            raise to.refuse("SP102", words, node.span, "text per database is {sql: {sqlite: …}}")
        return sql(to, inner, (*path, "sql"))
    scalar = to.scalar(node)
    trapped(to, scalar)
    made = to.literal(scalar)
    if default and isinstance(made.value, str) and _FUNCTION.fullmatch(made.value.strip()):
        words = f"`{made.value}` would be that very text, not what the function returns"
        raise to.refuse("SP102", words, node.span, f"write {{sql: {_shown(made.value.strip())}}}")
    return made


def _shown(text: str) -> str:
    """Return SQL as it can stand inside braces."""
    return text if re.fullmatch(r"\w+", text) else f'"{text}"'


def expression(to: Converter, node: Node, path: Path) -> Expression:
    """Return an expression: SQL, a plain number or flag, `{value: …}`, `{parse: …}`, or SQL per database."""
    if not isinstance(node, Map):
        scalar = to.scalar(node)
        if scalar.plain and not isinstance(scalar.value, str):
            return to.literal(scalar)
        return Sql(fragment(to, scalar, "expression"))
    keys = {key.text for key, _ in node.entries}
    literal = node.get("value")
    if literal is not None and keys == {"value"}:
        return to.literal(literal)
    if "parse" in keys and keys <= set(_PARSE):
        return parse(to, node, path)
    if keys == {"sql"} or (keys and keys <= set(DIALECTS)):
        return sql(to, node, path)
    words = f"{{{', '.join(key.text for key, _ in node.entries)}}} is no expression"
    hint = "one of {value: …}, {parse: …, as: …}, {sql: …}, or SQL per database"
    raise to.refuse("SP102", words, node.span, hint)


def parse(to: Converter, node: Map, path: Path) -> Parse:
    """Return `{parse: column, as: type, formats: …, otherwise: …}`."""
    source, as_, formats, otherwise = (node.get(key) for key in _PARSE)
    if source is None or as_ is None:
        raise to.refuse("SP102", "`parse` needs `as`: the type to read", node.span, "e.g. {parse: views, as: bigint}")
    column = sql(to, source, (*path, "parse"))
    portable = type_text(to, as_)
    patterns = to.each(formats, to.text) if formats is not None else ()
    return Parse(
        column,
        portable,
        patterns,
        value(to, otherwise, (*path, "otherwise")) if otherwise is not None else None,
    )
