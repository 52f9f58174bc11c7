"""A source in, a `Spec` or findings out: the whole way from text to steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

from engine.errors import Diagnostic, Path, Related
from engine.source import Source, Span
from engine.spec import schema
from engine.spec.build_step import StepBuilder, suppressions
from engine.spec.checksum import checksum
from engine.spec.convert import Converter, Refused
from engine.spec.document import Document
from engine.spec.expand import Expander
from engine.spec.labels import covers, labelled
from engine.spec.model import Spec, Step
from engine.spec.nodes import List, Map
from engine.spec.plain import places
from engine.spec.reader import read
from engine.spec.template import Quoting
from engine.spec.variables import variables
from engine.steps.base import entries
from engine.steps.shapes import Part

Spans = dict[Path, tuple[Span, Span]]


def build(
    source: Source,
    overrides: Mapping[str, object],
    dialect: str,
    quoting: Quoting,
    name_version: str,
    wanted: tuple[str, ...] = (),
) -> tuple[Spec | None, tuple[Diagnostic, ...]]:
    """Read one spec.

    Args:
        source: its text.
        overrides: values of `--var` and the config; they win over `vars`.
        dialect: the database's kind, for variables and SQL given per database.
        quoting: how templates quote values and names.
        name_version: the version in the file's name; "" for none.
        wanted: `dialects` of the config: SQL given per database must be there for these too, where the spec does not
            say itself what it is for.

    Returns:
        The spec, None where there is an error, and all findings (SP101–SP105,
        SP110–SP112, VC102), sorted by place.
    """
    root, unread = read(source)
    found = [replace(d, version=name_version) for d in unread]
    spec = None
    if root is not None:
        wrong, broken = schema.validate(root, name_version)
        misread = _misread(root, unread)
        found += (d for d in wrong if not any(covers(span, d.span) for span in misread))
        broken |= misread
        spec = _File(source, root, dialect, quoting, name_version, wanted, broken, found).spec(overrides)
        found = labelled(found, root)
    sorted_ = tuple(dict.fromkeys(sorted(found, key=_place)))
    return (None if any(d.severity == "error" for d in sorted_) else spec), sorted_


def _place(found: Diagnostic) -> tuple[int, int]:
    return (found.span.line, found.span.column) if found.span else (0, 0)


def _misread(root: Map, unread: tuple[Diagnostic, ...]) -> frozenset[Span]:
    """Return the steps and values of top keys that YAML has not read as they were meant.

    Nothing more is said about them: it would be about the repair, not about what is written.
    """
    steps = root.get("steps")
    parts = [value for key, value in root.entries if key.text != "steps" or not isinstance(value, List)]
    parts += steps.items if isinstance(steps, List) else ()
    return frozenset(part.span for part in parts if any(covers(part.span, d.span) for d in unread))


@dataclass
class _File:
    """One file on its way to a spec; findings go to `found`."""

    source: Source
    root: Map
    dialect: str
    quoting: Quoting
    version: str
    wanted: tuple[str, ...]
    broken: frozenset[Span]
    found: list[Diagnostic]

    def spec(self, overrides: Mapping[str, object]) -> Spec | None:
        """Return the spec, or None where anything is wrong."""
        spans = places(self.root, Span(self.source, 1, 1, 1, 1))
        to = Converter(spans, (self.dialect,), self.broken, self.version, found=self.found)
        head = self._head(to)
        dialects = cast("tuple[str, ...]", head.get("dialects", ()))
        targets = dialects or tuple(dict.fromkeys((self.dialect, *self.wanted)))
        meant = self.dialect in targets or (self.dialect == "mariadb" and "mysql" in targets)
        values = variables(to, self.root.get("vars"), overrides, self.dialect, meant=meant)
        steps = self._steps(values, targets)
        ignore = suppressions(to, self.root.get("ignore"))
        if any(d.severity == "error" for d in self.found):
            return None
        version = str(head["version"])
        requires = cast("tuple[str, ...] | None", head.get("requires"))
        on_failure, transaction = (
            str(head.get("on_failure", "rollback")),
            str(head.get("transaction", "auto")),
        )
        number = checksum(
            version,
            steps,
            requires=requires,
            dialects=dialects,
            on_failure=on_failure,
            transaction=transaction,
        )
        return Spec(
            version,
            str(head["description"]).strip(),
            steps,
            self.source,
            requires,
            dialects,
            on_failure,
            transaction,
            ignore,
            values,
            number,
            spans,
        )

    def _head(self, to: Converter) -> dict[str, object]:
        """Return the file's own keys as values, without those that are wrong."""
        found: dict[str, object] = {}
        for entry in entries(Document):
            node = self.root.get(entry.key)
            if node is None or isinstance(entry.shape, Part):
                continue
            try:
                found[entry.name] = to.convert(entry.shape, node, (entry.key,))
            except Refused:
                continue
        if "description" in found and not str(found["description"]).strip():
            to.report("SP102", "`description` is empty", to.span(("description",)), "say what the migration is for")
        version = found.get("version")
        if isinstance(version, str) and self.version and version != self.version:
            words = f"the file's name says version {self.version}, and here it is {version}"
            to.report("VC102", words, to.span(("version",)), f'write "{self.version}", or rename the file')
        return found

    def _steps(self, values: Mapping[str, object], targets: tuple[str, ...]) -> tuple[Step, ...]:
        node = self.root.get("steps")
        if node is None:
            return ()
        to = Converter(places(node, node.span), targets, self.broken, self.version, found=self.found)
        builder = StepBuilder(self.version, targets, self.broken, self.found)
        made: list[Step] = []
        for written in Expander(to, self.quoting).steps(node, values):
            try:
                made.append(builder.step(written))
            except Refused:
                continue
        self._see_ids(made)
        return tuple(made)

    def _see_ids(self, steps: list[Step]) -> None:
        """Report ids that are there twice (SP112): checkpoints and journals go by them."""
        first: dict[str, Step] = {}
        for step in steps:
            other = first.setdefault(step.id, step)
            if other is step:
                continue
            span, before = step.span(("id",)), other.span(("id",))
            related = (Related(f"the first step `{step.id}`", before),) if before else ()
            hint = "give each an `id` of its own" if not step.bindings else "take the value out that is there twice"
            words = f"two steps have the id `{step.id}`"
            self.found.append(
                Diagnostic("SP112", "error", words, span, hint, related, version=self.version, step=step.id)
            )
