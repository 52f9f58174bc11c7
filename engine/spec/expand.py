"""Groups and `for_each` unfolded, templates rendered: from the `steps` of a file to single steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from engine.errors import Path, Related
from engine.source import Span, describe
from engine.spec.characters import NEVER
from engine.spec.convert import Converter, Refused
from engine.spec.nodes import List, Map, Node, Scalar
from engine.spec.template import Quoting, TemplateError, has_template, render
from engine.spec.variables import scalar_value
from engine.steps.base import verbs
from engine.steps.shapes import DIALECTS

MOST = 10_000
"""Steps that one file may have, each repetition and group counted."""

Bindings = tuple[tuple[str, str], ...]

_ON_STEPS_ONLY = ("id", "undo", "irreversible")
_NOT_IN_UNDO = ("id", "undo", "irreversible", "ignore")


@dataclass(frozen=True, slots=True)
class Written:
    """One step as it is written, after unfolding; templates are rendered.

    Attributes:
        node: verb and what is beside it, without `for_each`, `steps` and `undo`.
        raw: the same as it was read, for places.
        position: from 1, among the steps of the file; the same for all
            repetitions of one step.
        whens: conditions of its groups, the outermost first.
        groups: a name of each of those, the same for all steps of one group.
        descriptions: those of its groups.
        ignores: `ignore` lists of its groups.
        undo: steps of its way back; None where there is no `undo`.
    """

    verb: str
    node: Map
    raw: Map
    position: int
    bindings: Bindings = ()
    whens: tuple[Node, ...] = ()
    groups: tuple[str, ...] = ()
    descriptions: tuple[Node, ...] = ()
    ignores: tuple[Node, ...] = ()
    undo: tuple["Written", ...] | None = None


@dataclass
class Expander:
    """Unfolds the steps of one file.

    Attributes:
        to: where findings go.
        quoting: how templates quote values and names.
    """

    to: Converter
    quoting: Quoting
    _numbers: dict[Path, int] = field(default_factory=dict)
    _made: int = 0

    def steps(self, node: Node, variables: Mapping[str, object]) -> Iterator[Written]:
        """Yield the steps of a file.

        Args:
            node: the value of `steps`.
            variables: what templates may read.
        """
        outer = Written("", Map(node.span, ()), Map(node.span, ()), 0)
        if self._too_many(node):
            return
        for place, item in enumerate(node.items if isinstance(node, List) else ()):
            if isinstance(item, Map):
                yield from self._step(item, variables, outer, (place,))

    def _too_many(self, node: Node) -> bool:
        """Tell whether there are more than `MOST` steps with all repetitions, before any is made; report it."""
        made = 0
        todo = [(node, 1)]
        while todo:
            group, times = todo.pop()
            for item in group.items if isinstance(group, List) else (group,):
                if not isinstance(item, Map):
                    continue
                each = item.get("for_each")
                values = each.entries[0][1] if isinstance(each, Map) and each.entries else None
                repeated = times * (len(values.items) if isinstance(values, List) else 1)
                made += repeated
                if made > MOST:
                    words = f"with all its repetitions this file has more than {MOST:,} steps"
                    self.to.report("SP102", words, _head(item), "split it up, or work on rows with one step")
                    return True
                todo += [(below, repeated) for key in ("steps", "undo") if (below := item.get(key)) is not None]
        return False

    # ── one step or group ─────────────────────────────────────────────────
    def _step(self, node: Map, variables: Mapping[str, object], outer: Written, path: Path) -> Iterator[Written]:
        """Yield the steps that one item stands for; without a `path` it is a step of `undo`."""
        try:
            self.to.trust(node)
            verb = self._verb(node, in_undo=not path)
            repeats = tuple(self._repeats(node.get("for_each"), variables))
        except Refused:
            if path:
                self._count(node, path)
            return
        for inner, bindings in repeats:
            bound = replace(outer, bindings=outer.bindings + bindings)
            self.to.bindings = bound.bindings
            self._made += 1
            try:
                if verb:
                    yield self._single(verb, node, inner, bound, path)
                else:
                    yield from self._group(node, inner, bound, path)
            except Refused:
                pass
            self.to.bindings = outer.bindings

    def _verb(self, node: Map, *, in_undo: bool) -> str:
        """Return the verb of a step, "" for a group.

        Raises:
            Refused: none, two, or what does not go together.
        """
        found = [key for key, _ in node.entries if key.text in verbs()]
        group = node.key("steps")
        if len(found) > 1:
            words = f"`{found[0].text}` and `{found[1].text}` stand in one step"
            related = (Related(f"the first verb: `{found[0].text}`", found[0].span),)
            self.to.report("SP102", words, found[1].span, "one step has one verb; split it in two", related=related)
            raise Refused
        if group is not None and found:
            words = f"`steps` comes in place of a verb, and here is `{found[0].text}` too"
            raise self.to.refuse("SP102", words, group.span, "move the verb into a step of the group")
        if group is None and not found:
            words = "this step has no verb"
            raise self.to.refuse("SP102", words, _head(node), f"one of {', '.join(verbs())}")
        refused = _NOT_IN_UNDO if in_undo else _ON_STEPS_ONLY if group is not None else ()
        for word in refused:
            key = node.key(word)
            if key is not None:
                where = "a step of `undo`" if in_undo else "a group; it stands on its steps"
                raise self.to.refuse("SP102", f"`{word}` is not for {where}", key.span, "take it out")
        return found[0].text if found else ""

    def _single(self, verb: str, node: Map, variables: Mapping[str, object], outer: Written, path: Path) -> Written:
        undo = node.get("undo")
        kept = tuple((k, v) for k, v in node.entries if k.text not in ("for_each", "undo"))
        rendered = self.render(Map(node.span, kept, node.flow), variables)
        assert isinstance(rendered, Map)
        position = self._number(path) if path else outer.position
        written = replace(outer, verb=verb, node=rendered, raw=node, position=position)
        if undo is None:
            return written
        plain = Written("", rendered, node, position, outer.bindings)
        return replace(written, undo=tuple(self._undo(undo, variables, plain)))

    def _group(self, node: Map, variables: Mapping[str, object], outer: Written, path: Path) -> Iterator[Written]:
        def added(key: str, there: tuple[Node, ...]) -> tuple[Node, ...]:
            own = node.get(key)
            return there if own is None else (*there, self.render(own, variables))

        inner = replace(
            outer,
            whens=added("when", outer.whens),
            groups=outer.groups if node.get("when") is None else (*outer.groups, str(self._made)),
            descriptions=added("description", outer.descriptions),
            ignores=added("ignore", outer.ignores),
        )
        steps = node.get("steps")
        for place, item in enumerate(steps.items if isinstance(steps, List) else ()):
            if isinstance(item, Map):
                yield from self._step(item, variables, inner, (*path, place) if path else ())

    def _undo(self, node: Node, variables: Mapping[str, object], outer: Written) -> Iterator[Written]:
        """Yield the steps of `undo`: SQL as `sql` takes it, a step, or a list of either.

        Raises:
            Refused: one of them is wrong.
        """
        for item in node.items if isinstance(node, List) else (node,):
            before = len(self.to.found)
            if isinstance(item, List):
                raise self.to.refuse("SP102", "a list inside the list of `undo`", item.span, "make it one list")
            step = item if isinstance(item, Map) and not _is_sql(item) else _as_sql(item)
            yield from self._step(step, variables, outer, ())
            if len(self.to.found) > before:
                raise Refused

    # ── for_each ──────────────────────────────────────────────────────────
    def _repeats(
        self, node: Node | None, variables: Mapping[str, object]
    ) -> Iterator[tuple[Mapping[str, object], Bindings]]:
        """Yield the variables and bindings of each repetition; once where there is no `for_each`."""
        if not isinstance(node, Map):
            yield variables, ()
            return
        self.to.trust(node)
        key, items = node.entries[0]
        self.to.trust(items)
        name = self.to.name(key)
        if not name.isidentifier():
            words = f"`{name}` can't be read by a template"
            raise self.to.refuse("SP102", words, key.span, "letters, digits and `_`, no digit first")
        for item in items.items if isinstance(items, List) else ():
            shown = self.render(item, variables)
            if isinstance(shown, Map):
                pairs = {k.text: scalar_value(self.to, v) for k, v in shown.entries}
                texts = tuple((f"{name}.{k.text}", self.to.scalar(v).text) for k, v in shown.entries)
                yield {**variables, name: pairs}, texts
            else:
                value = scalar_value(self.to, shown)
                yield {**variables, name: value}, ((name, self.to.scalar(shown).text),)

    # ── positions ─────────────────────────────────────────────────────────
    def _number(self, path: Path) -> int:
        """Return the position of the step at `path`: the same one each time it is met."""
        return self._numbers.setdefault(path, len(self._numbers) + 1)

    def _count(self, node: Node, path: Path) -> None:
        """Count steps that are passed over, so that the others keep their positions."""
        group = node.get("steps") if isinstance(node, Map) else None
        if isinstance(group, List):
            for place, item in enumerate(group.items):
                self._count(item, (*path, place))
        else:
            self._number(path)

    # ── templates ─────────────────────────────────────────────────────────
    def render(self, node: Node, variables: Mapping[str, object]) -> Node:
        """Return `node` with all templates in its scalars rendered.

        Raises:
            Refused: a template can't be rendered; all of them are looked at.
        """
        before = len(self.to.found)
        made = self._render(node, variables)
        if len(self.to.found) > before:
            raise Refused
        return made

    def _render(self, node: Node, variables: Mapping[str, object]) -> Node:
        match node:
            case Map(span=span, entries=entries, flow=flow):
                made = tuple((self._scalar(k, variables), self._render(v, variables)) for k, v in entries)
                self._twice(made)
                return Map(span, made, flow)
            case List(span=span, items=items, flow=flow):
                return List(span, tuple(self._render(item, variables) for item in items), flow)
            case Scalar():
                return self._scalar(node, variables)

    def _scalar(self, node: Scalar, variables: Mapping[str, object]) -> Scalar:
        if not has_template(node.text) or node.span in self.to.broken:
            return node
        try:
            text = render(node.text, variables, self.quoting)
        except TemplateError as error:
            self.to.report("SP105", error.message, node.span, error.hint)
            return node
        never = NEVER.search(text)
        if never:
            words = f"the template puts the {describe(never.group())} into the text"
            self.to.report("SP105", words, node.span, "take it out of the value")
            return node
        return replace(node, text=text, plain=False, value=text, surprise="")

    def _twice(self, entries: tuple[tuple[Scalar, Node], ...]) -> None:
        """Refuse names that templates made equal."""
        seen: dict[str, Span] = {}
        for key, _ in entries:
            if key.text in seen and not key.plain:
                related = (Related("the first one", seen[key.text]),)
                self.to.report("SP103", f"`{key.text}` is there twice", key.span, "rename one", related=related)
            seen.setdefault(key.text, key.span)


def _head(node: Map) -> Span:
    return node.entries[0][0].span if node.entries else node.span


def _is_sql(node: Map) -> bool:
    """Tell whether a mapping is what `sql` takes: per database, or with `run`."""
    keys = [key.text for key, _ in node.entries]
    return "run" in keys or (bool(keys) and all(key in DIALECTS for key in keys))


def _as_sql(node: Node) -> Map:
    """Return a step with the verb `sql` around SQL that stands for it."""
    return Map(node.span, ((Scalar(node.span, "sql", True, "sql"), node),))
