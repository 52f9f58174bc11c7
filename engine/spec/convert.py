"""From nodes to the values of steps, by the shapes of their fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from math import isinf

from engine.errors import Diagnostic, Path, Problem, Related
from engine.model.expression import Literal, PerDialect, Sql
from engine.model.naming import LONGEST
from engine.source import Span, shortened
from engine.spec import expressions
from engine.spec.nodes import List, Map, Node, Scalar
from engine.spec.scalars import quoted
from engine.spec.schema import plain_kind
from engine.steps import shapes
from engine.steps.base import Entry, entries, problems, short_entry
from engine.steps.shapes import DIALECTS

_LARGEST = 2**63 - 1  # what every database holds


class Refused(Exception):
    """A node can't be a value; why is among the findings already."""


@dataclass
class Converter:
    """Makes values of the nodes of one step or one file.

    Attributes:
        spans: path → (span of the key, span of the value); paths of other
            spellings (`table` for `into`) are added as they are met.
        targets: the databases for which text per database must be there.
        broken: stretches with a finding already, which are passed over.
        version, step, bindings: go into each finding.
        found: the findings so far.
    """

    spans: dict[Path, tuple[Span, Span]]
    targets: tuple[str, ...] = ()
    broken: frozenset[Span] = frozenset()
    version: str = ""
    step: str = ""
    bindings: tuple[tuple[str, str], ...] = ()
    found: list[Diagnostic] = field(default_factory=list)
    _below: dict[Path, list[Path]] = field(default_factory=dict)

    # ── findings ──────────────────────────────────────────────────────────
    def report(self, rule: str, message: str, span: Span, hint: str = "", related: tuple[Related, ...] = ()) -> None:
        """Add a finding at `span`."""
        self.found.append(
            Diagnostic(
                rule,
                "error",
                message,
                span,
                hint,
                related,
                version=self.version,
                step=self.step,
                bindings=self.bindings,
            )
        )

    def refuse(self, rule: str, message: str, span: Span, hint: str = "") -> Refused:
        """Add a finding and return what to raise."""
        self.report(rule, message, span, hint)
        return Refused()

    def judge(self, found: Iterable[Problem], path: Path) -> None:
        """Add what a record says against itself.

        Raises:
            Refused: it says something.
        """
        bad = False
        for problem in found:
            self.report(problem.rule, problem.message, self.span((*path, *problem.path)), problem.hint)
            bad = True
        if bad:
            raise Refused

    def span(self, path: Path) -> Span:
        """Return the place of `path`, or of the longest part of it that has one."""
        at_key = path[-1:] == ("<key>",)
        rest = path[:-1] if at_key else path
        while rest and rest not in self.spans:
            rest = rest[:-1]
        return self.spans[rest][0 if at_key else 1]

    def same_place(self, written: Path, meant: Path) -> None:
        """Give `meant`, and all below it, the places of `written`."""
        if written == meant:
            return
        if not self._below:
            for path in self.spans:
                self._below.setdefault(path[:-1], []).append(path)
        todo = [written]
        while todo:
            path = todo.pop()
            if path[: len(meant)] != meant:
                new = (*meant, *path[len(written) :])
                if path in self.spans and new not in self.spans:
                    self.spans[new] = self.spans[path]
                    self._below.setdefault(new[:-1], []).append(new)
                todo += [p for p in self._below.get(path, ()) if p and p != path]

    def trust(self, node: Node) -> None:
        """Pass over what has a finding already.

        Raises:
            Refused: it has.
        """
        if node.span in self.broken:
            raise Refused

    # ── by shape ──────────────────────────────────────────────────────────
    def convert(self, shape: shapes.Shape, node: Node, path: Path) -> object:
        """Return the value of `node`.

        Raises:
            Refused: it can't be one; the findings say why.
        """
        self.trust(node)
        match shape:
            case shapes.Name():
                return self.name(node)
            case shapes.Names(word=word):
                return word if _is_word(node, word) else self.each(node, self.name)
            case shapes.Text(nullable=nullable):
                return None if nullable and _is_null(node) else self.text(node)
            case shapes.Word():
                return self.scalar(node).text
            case shapes.Words():
                return self.each(node, lambda item: self.scalar(item).text)
            case shapes.Flag():
                return self.scalar(node).value is True
            case shapes.Whole(minimum=minimum, word=word):
                return self.whole(node, minimum, word)
            case shapes.Scalar():
                return self.plain(node)
            case shapes.MapOf():
                return self.mapping(shape, node, path)
            case shapes.ListOf(item=item):
                return self.items(item, node, path)
            case shapes.Record():
                return self.record(shape.cls(), node, path)
            case shapes.Part():
                return node
            case _:
                return expressions.convert(self, shape, node, path)

    def record(self, cls: type, node: Node, path: Path) -> object:
        """Return a value of `cls`, checked by its own `problems`."""
        short = short_entry(cls)
        if short is not None and _stands_for(short, node):
            if short.key:
                self.same_place(path, (*path, short.key))
            made = cls(**{short.name: self.convert(short.shape, node, path)})
        elif isinstance(node, Map):
            made = cls(**self.fields(entries(cls), node, path))
        else:
            raise self.refuse("SP102", "a mapping is expected here", node.span)
        self.judge(problems(made), path)
        return made

    def fields(self, known: Iterable[Entry], node: Map, path: Path) -> dict[str, object]:
        """Return attribute → value for the keys of a mapping.

        Raises:
            Refused: one of them is wrong, or one is missing; all are looked at.
        """
        by_key = {key: entry for entry in known for key in (entry.key, *entry.also) if key}
        values: dict[str, object] = {}
        spelt: dict[str, str] = {}
        bad = False
        for key, child in node.entries:
            entry = by_key.get(key.text)
            if entry is None:
                raise self.refuse("SP102", f"unknown key `{key.text}`", key.span, f"one of {', '.join(by_key)}")
            if entry.name in spelt:
                words = f"`{spelt[entry.name]}` and `{key.text}` are one key"
                self.report("SP102", words, key.span, "keep one of the two")
                bad = True
                continue
            spelt[entry.name] = key.text
            self.same_place((*path, key.text), (*path, entry.key))
            try:
                values[entry.name] = self.convert(entry.shape, child, (*path, key.text))
            except Refused:
                bad = True
        for entry in known:
            if entry.required and entry.name not in spelt:
                word = f"`{path[-1]}`" if path and isinstance(path[-1], str) else "this"
                place = self.span((*path, "<key>"))
                self.report("SP102", f"`{entry.key}` is missing in {word}", place, f"add `{entry.key}: …`")
                bad = True
        if bad:
            raise Refused
        return values

    def mapping(self, shape: shapes.MapOf, node: Node, path: Path) -> object:
        """Return pairs of name and value, or the names of a list in their place."""
        if not isinstance(node, Map):
            if _is_word(node, shape.word):
                return shape.word
            if shape.or_names:
                return self.each(node, self.name)
            raise self.refuse("SP102", "a mapping is expected here", node.span)
        pairs: list[tuple[str, object]] = []
        bad = False
        for key, child in node.entries:
            try:
                name = self.name(key)
                pairs.append((name, self.convert(shape.value, child, (*path, key.text))))
            except Refused:
                bad = True
        if bad:
            raise Refused
        return tuple(pairs)

    def items(self, item: shapes.Shape, node: Node, path: Path) -> tuple[object, ...]:
        """Return the values of a list; anything else counts as its only item."""
        if not isinstance(node, List):
            self.same_place(path, (*path, 0))
            return (self.convert(item, node, path),)
        found: list[object] = []
        bad = False
        for number, child in enumerate(node.items):
            try:
                found.append(self.convert(item, child, (*path, number)))
            except Refused:
                bad = True
        if bad:
            raise Refused
        return tuple(found)

    def each(self, node: Node, one: Callable[[Node], str]) -> tuple[str, ...]:
        """Return the texts of a list, of which one may stand without brackets. None may be there twice."""
        self.trust(node)
        if not isinstance(node, List):
            return (one(node),)
        found: list[str] = []
        for item in node.items:
            text = one(item)
            if text in found:
                raise self.refuse("SP102", f"`{text}` is there twice", item.span, "take one of them out")
            found.append(text)
        return tuple(found)

    # ── scalars ───────────────────────────────────────────────────────────
    def scalar(self, node: Node) -> Scalar:
        """Return `node`, which must be a scalar."""
        self.trust(node)
        if isinstance(node, Scalar):
            return node
        raise self.refuse("SP102", "text is expected here", node.span)

    def innocent(self, node: Scalar) -> Scalar:
        """Return `node` unless it is one of those that people and YAML read differently."""
        if node.surprise:
            words = f"unquoted `{node.text}` would be read as {node.surprise} by other YAML readers"
            raise self.refuse("SP104", words, node.span, f"write {quoted(node.text)}")
        return node

    def text(self, node: Node) -> str:
        """Return the text of `node`; what YAML takes for something else must be quoted."""
        scalar = self.innocent(self.scalar(node))
        if scalar.plain and not isinstance(scalar.value, str):
            words = f"text is expected here, and unquoted `{scalar.text}` is {plain_kind(scalar)}"
            raise self.refuse("SP104", words, scalar.span, f"write {quoted(scalar.text)}")
        return scalar.text

    def name(self, node: Node) -> str:
        """Return a name: text that is not empty, nor longer than any that people write."""
        text = self.text(node)
        size = len(text.encode("utf-8", "surrogatepass"))
        if size > LONGEST:
            raise self.refuse("SP102", f"a name of {size:,} bytes; it may have {LONGEST}", node.span, "shorten it")
        if not text.strip():
            raise self.refuse("SP102", "a name can't be empty", node.span)
        return text

    def whole(self, node: Node, minimum: int, word: str) -> int | str:
        """Return a whole number; text is one only where a template wrote it, as the schema has seen to."""
        scalar = self.scalar(node)
        if word and scalar.text == word:
            return word
        try:
            number = scalar.value if isinstance(scalar.value, int) else int(scalar.text)
        except ValueError:
            words = f"a whole number is expected here, and this is `{shortened(scalar.text)}`"
            raise self.refuse("SP102", words, scalar.span) from None
        if number > _LARGEST:
            words = f"this is at most {_LARGEST}, and {shortened(scalar.text)} is more"
            raise self.refuse("SP102", words, scalar.span, "write less")
        if number < minimum:
            raise self.refuse("SP102", f"this is at least {minimum}, and {number} is less", scalar.span)
        return number

    def plain(self, node: Node) -> str | int | bool:
        """Return a setting's value as it stands."""
        value = self.innocent(self.scalar(node)).value
        if value is None:
            return self.text(node)
        return str(value) if isinstance(value, Decimal) else value

    def literal(self, node: Node) -> Literal:
        """Return a value that the engine quotes; a number keeps its spelling."""
        scalar = self.innocent(self.scalar(node))
        floats = any(target != "postgresql" for target in self.targets)  # there `numeric` holds it
        if scalar.plain and floats and isinstance(scalar.value, Decimal) and isinf(float(scalar.value)):
            words = f"{shortened(scalar.text)} is more than a number holds: it would become infinity"
            raise self.refuse("SP102", words, scalar.span, "put it in quotes if it is text")
        return Literal(scalar.value if scalar.plain else scalar.text, scalar.text)

    # ── per database ──────────────────────────────────────────────────────
    def complete(self, given: PerDialect | Sql, node: Node, what: str) -> None:
        """See to it that text per database has one for each database it is meant for."""
        if given.text is not None:
            return
        for target in self.targets:
            if given.given_for(target) is None:
                hint = f"add `{target}: …`, or `other: …` for all the rest"
                raise self.refuse("SP111", f"there is no {what} for {target} among those given", node.span, hint)


def _is_word(node: Node, word: str) -> bool:
    return bool(word) and isinstance(node, Scalar) and node.text == word


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.plain and node.value is None


def _stands_for(short: Entry, node: Node) -> bool:
    """Tell whether `node` is the short form of a record: it stands for one field alone."""
    if not isinstance(node, Map):
        return True
    if not short.key and short.short == "list":
        return True
    return short.short == "maps" and bool(node.entries) and all(key.text in DIALECTS for key, _ in node.entries)
