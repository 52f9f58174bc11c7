"""One step as it is written → a `Step`: its verb's value, what goes beside it, its way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from engine.errors import Diagnostic, Path
from engine.model.when import AllOf
from engine.model.when import When as Condition
from engine.source import Span
from engine.spec.convert import Converter, Refused
from engine.spec.document import Beside, Ignore, When
from engine.spec.expand import Written
from engine.spec.model import Step, Suppression, Verb
from engine.spec.nodes import List, Map, Node, Scalar
from engine.spec.plain import places
from engine.steps.base import entry, verbs
from engine.steps.shapes import Record

Spans = dict[Path, tuple[Span, Span]]

_IGNORE = entry(Beside, "ignore").shape


@dataclass(frozen=True, slots=True)
class StepBuilder:
    """Builds the steps of one file.

    Attributes:
        version: for the findings.
        targets: databases for which text per database must be there.
        broken: stretches with a finding already.
        found: where findings go.
    """

    version: str
    targets: tuple[str, ...]
    broken: frozenset[Span]
    found: list[Diagnostic]

    def step(self, written: Written, id: str = "") -> Step:
        """Return the step.

        Args:
            written: after unfolding, with templates rendered.
            id: of a step of `undo`, which is given none.

        Raises:
            Refused: something is wrong; the findings say what.
        """
        before = len(self.found)
        spans = _places(written)
        inner = replace(self, targets=_narrowed(self.targets, written))
        to = inner._converter(spans, written)
        to.step = id or self._id(to, written)
        conditions = inner._conditions(to, written)
        body = _tried(to, Record(verbs()[written.verb]), written.node.get(written.verb), (written.verb,))
        reason = self._reason(to, written)
        description = self._text(to, written, "description") or self._outer(to, written.descriptions)
        ignore = self._ignore(to, written)
        undo = None
        if written.undo is not None:
            undo = tuple(inner._undo(to.step, written.undo))
        if len(self.found) > before or body is None:
            raise Refused  # what was passed over as broken is among the findings already
        return Step(
            to.step,
            written.position,
            written.verb,
            cast(Verb, body),
            description,
            _all(conditions),
            undo,
            reason,
            ignore,
            written.bindings,
            spans,
            conditions,
        )

    def _converter(self, spans: Spans, written: Written) -> Converter:
        return Converter(spans, self.targets, self.broken, self.version, "", written.bindings, self.found)

    # ── what goes beside the verb ─────────────────────────────────────────
    def _id(self, to: Converter, written: Written) -> str:
        given = self._text(to, written, "id")
        node = written.node.get("id")
        if node is not None and not given and node.span not in self.broken:
            to.report("SP102", "an id can't be empty", to.span(("id",)), "write a word, or take `id` out")
        own = given or f"{written.position}-{written.verb}"
        values = ",".join(text for _, text in written.bindings)
        return f"{own}[{values}]" if written.bindings else own

    def _reason(self, to: Converter, written: Written) -> str:
        reason = self._text(to, written, "irreversible")
        node = written.node.get("irreversible")
        if node is None or node.span in self.broken:
            return ""
        if not reason:
            words = "`irreversible` needs a reason, in words"
            to.report("SP102", words, to.span(("irreversible",)), "say why there is no way back")
        elif written.undo is not None:
            words = "a step with `undo` has a way back, and is not `irreversible`"
            to.report("SP102", words, to.span(("irreversible", "<key>")), "take one of the two out")
        return reason

    def _text(self, to: Converter, written: Written, key: str) -> str:
        value = _tried(to, entry(Beside, key).shape, written.node.get(key), (key,))
        return str(value).strip() if value is not None else ""

    def _outer(self, to: Converter, descriptions: Sequence[Node]) -> str:
        texts = [_tried(to, entry(Beside, "description").shape, node, ()) for node in descriptions[-1:]]
        return str(texts[0]).strip() if texts and texts[0] is not None else ""

    def _conditions(self, to: Converter, written: Written) -> tuple[tuple[str, Condition], ...]:
        """Return the conditions of its groups and its own, each with the name of its group."""
        own = written.node.get("when")
        parts: list[tuple[str, Condition]] = []
        named = [*zip(written.groups, written.whens, strict=True), *([("", own)] if own is not None else [])]
        for name, node in named:
            inner = to if node is own else self._converter(places(node, node.span, ("when",)), written)
            value = _tried(inner, Record(When), node, ("when",))
            if isinstance(value, When):
                parts.append((name, value.condition()))
        return tuple(parts)

    def _ignore(self, to: Converter, written: Written) -> tuple[Suppression, ...]:
        found: list[Suppression] = []
        for node in written.ignores:
            inner = self._converter(places(node, node.span, ("ignore",)), written)
            found += suppressions(inner, node)
        return (*found, *suppressions(to, written.node.get("ignore")))

    def _undo(self, id: str, steps: Sequence[Written]) -> list[Step]:
        made = []
        for number, written in enumerate(steps, 1):
            try:
                made.append(self.step(written, f"{id}.undo.{number}"))
            except Refused:
                continue
        return made


def suppressions(to: Converter, node: Node | None) -> tuple[Suppression, ...]:
    """Return the entries of an `ignore` list whose places are known to `to`."""
    value = _tried(to, _IGNORE, node, ("ignore",))
    entries = cast("tuple[Ignore, ...]", value or ())
    return tuple(
        Suppression(own.rule, own.reason, own.until, to.span(("ignore", number))) for number, own in enumerate(entries)
    )


def _tried(to: Converter, shape: object, node: Node | None, path: Path) -> object:
    """Return the value of `node`, None where there is none or it is wrong."""
    if node is None:
        return None
    try:
        return to.convert(shape, node, path)  # type: ignore[arg-type]
    except Refused:
        return None


def _all(conditions: Sequence[tuple[str, Condition]]) -> Condition | None:
    """Return what holds where all of them do."""
    parts = [part for _, part in conditions]
    if len(parts) < 2:
        return parts[0] if parts else None
    return AllOf(tuple(p for part in parts for p in (part.parts if isinstance(part, AllOf) else (part,))))


def _places(written: Written) -> Spans:
    """Return the places of a step: its own, those of `undo`, and its groups' `when` where it has none."""
    node = written.node
    spans: Spans = {}
    for when in written.whens:
        spans.update(places(when, when.span, ("when",)))
    if node.get("when") is not None:
        spans = {}
    start = node.entries[0][0].span if node.entries else node.span
    spans.update(places(node, start))
    undo, key = written.raw.get("undo"), written.raw.key("undo")
    if undo is not None and key is not None:
        below = places(undo, key.span, ("undo",))
        if ("undo", 0) not in below:
            spans.update({("undo", 0, *path[1:]): where for path, where in below.items()})
        spans.update(below)
    return spans


def _narrowed(targets: tuple[str, ...], written: Written) -> tuple[str, ...]:
    """Return the databases of `targets` on which a step with its conditions can run."""
    own = written.node.get("when")
    for when in (*written.whens, *([own] if own is not None else [])):
        given = when.get("dialect") if isinstance(when, Map) else None
        items = given.items if isinstance(given, List) else (given,)
        names = {item.text for item in items if isinstance(item, Scalar)}
        if names:
            targets = tuple(t for t in targets if t in names or (t == "mariadb" and "mysql" in names))
    return targets
