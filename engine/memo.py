"""What lint remembers from one run to the next: one file per project below the user's cache folder.

A file that is damaged, of another engine, or can't be written is no file: lint then asks everything anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import TYPE_CHECKING, Any, cast

from engine.edition import engine_key
from engine.errors import Diagnostic, Path, Related
from engine.source import Source, Span

if TYPE_CHECKING:
    from engine.spec.model import Spec, Suppression, Verb

FORMAT = 1
Gone = Mapping[tuple[str, str], tuple[str, Span | None]]


class Lost(Exception):
    """A place that can't be told, or can't be found again."""


@dataclass
class Memo:
    """Entries by key; those that a run did not ask for are forgotten.

    Attributes:
        path: the file; None remembers nothing.
    """

    path: File | None = None
    _old: dict[str, Any] = field(default_factory=dict)
    _now: dict[str, Any] = field(default_factory=dict)
    _new: bool = False

    def __post_init__(self) -> None:
        if self.path is None:
            return
        self._engine = engine_key()
        try:
            head, _, body = self.path.read_bytes().partition(b"\n")
            if head.decode("ascii") == self._head(body):
                self._old = json.loads(body)
        except (OSError, ValueError, RecursionError):
            self._old = {}

    def _head(self, body: bytes) -> str:
        return f"engine lint {FORMAT} {self._engine} {hashlib.sha256(body).hexdigest()}"

    def get(self, key: str) -> Any:
        """Return the entry of `key`, or None."""
        if key in self._now:
            return self._now[key]
        if key not in self._old:
            return None
        self._now[key] = self._old[key]
        return self._now[key]

    def put(self, key: str, entry: Any) -> None:
        """Remember an entry."""
        if self.path is not None:
            self._now[key] = entry
            self._new = True

    def save(self) -> None:
        """Write the entries that this run asked for or made, whole or not at all."""
        if self.path is None or not (self._new or len(self._now) < len(self._old)):
            return
        body = json.dumps(self._now, separators=(",", ":")).encode("ascii")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=".lint-")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(self._head(body).encode("ascii") + b"\n" + body)
                os.replace(name, self.path)
            except OSError:
                os.unlink(name)
        except OSError:
            return  # a cache that can't be written is none


@dataclass(frozen=True, slots=True)
class Writer:
    """Turns the findings of one file into plain values.

    Attributes:
        name: the file's; places in others are told only where a name was dropped or renamed there.
    """

    name: str

    def span(self, span: Span | None) -> list[int] | None:
        """Return a place in this file.

        Raises:
            Lost: it is in another one.
        """
        if span is None:
            return None
        if span.source.name != self.name:
            raise Lost
        return [span.line, span.column, span.end_line, span.end_column]

    def diagnostics(self, found: Iterable[Diagnostic], gone: Gone) -> list[list[Any]]:
        """Return findings; `gone` names places in other files.

        Raises:
            Lost: one has a place that can't be told.
        """
        return [self._diagnostic(d, gone) for d in found]

    def _diagnostic(self, d: Diagnostic, gone: Gone) -> list[Any]:
        related: list[list[Any]] = []
        for other in d.related:
            if other.span.source.name == self.name:
                related.append([other.message, self.span(other.span), None])
            else:
                names = sorted(name for name, (_, span) in gone.items() if span == other.span)
                if not names:
                    raise Lost
                related.append([other.message, None, names[0]])
        place = self.span(d.span)
        return [d.rule, d.severity, d.message, place, d.hint, related, d.also, d.version, d.step, d.bindings, d.subject]

    def outline(self, spec: Spec) -> list[Any]:
        """Return what judging needs of a spec that is not folded again."""
        steps = [[step.id, self._ignores(step.ignore)] for step in spec.steps]
        spans = [self.span(spec.span((name,))) for name in ("version", "requires")]
        head = self._ignores(spec.ignore)
        return [spec.version, spec.description, spec.requires, spec.dialects, head, steps, spans]

    def _ignores(self, entries: Sequence[Suppression]) -> list[Any]:
        return [[e.rule, e.reason, e.until, self.span(e.span)] for e in entries]


@dataclass(frozen=True, slots=True)
class Reader:
    """Turns plain values back into what was found in one file, as it is now."""

    source: Source

    def span(self, place: Any) -> Span | None:
        """Return a place in the file."""
        return Span(self.source, *place) if place is not None else None

    def diagnostics(self, found: Any, gone: Gone) -> tuple[Diagnostic, ...]:
        """Return findings.

        Raises:
            Lost: a place is not there any more.
        """
        return tuple(self._diagnostic(entry, gone) for entry in found)

    def _diagnostic(self, entry: Any, gone: Gone) -> Diagnostic:
        rule, severity, message, place, hint, related, also, version, step, bindings, subject = entry
        others = []
        for words, here, name in related:
            span = self.span(here) if name is None else gone.get(tuple(name), ("", None))[1]
            if span is None:
                raise Lost
            others.append(Related(words, span))
        pairs = tuple((key, value) for key, value in bindings)
        place = self.span(place)
        return Diagnostic(
            rule, severity, message, place, hint, tuple(others), tuple(also), version, step, pairs, subject
        )

    def outline(self, entry: Any) -> Spec:
        """Return a spec as far as judging needs it: its steps have no bodies."""
        from engine.spec.model import Spec, Step

        version, description, requires, dialects, ignore, steps, (at_version, at_requires) = entry
        body = cast("Verb", None)
        at = {"version": self.span(at_version), "requires": self.span(at_requires)}
        spans: dict[Path, tuple[Span, Span]] = {(name,): (span, span) for name, span in at.items() if span is not None}
        return Spec(
            version,
            description,
            tuple(Step(id, n, "", body, ignore=self._ignores(found)) for n, (id, found) in enumerate(steps, 1)),
            self.source,
            tuple(requires) if requires is not None else None,
            tuple(dialects),
            ignore=self._ignores(ignore),
            spans=spans,
        )

    def _ignores(self, entries: Any) -> tuple[Suppression, ...]:
        from engine.spec.model import Suppression

        return tuple(Suppression(rule, reason, until, Span(self.source, *at)) for rule, reason, until, at in entries)
