"""A spec after reading, templates, checks and `for_each`: what planning works on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from engine.errors import Path
from engine.source import Source, Span

if TYPE_CHECKING:  # they take long to import, and lint with a memo needs none of them
    from engine.model.changes import Change
    from engine.model.state import SchemaState
    from engine.model.when import When


class Verb(Protocol):
    """What a step module defines: fields as written, and what they mean."""

    def changes(self, state: SchemaState) -> Iterable[Change]:
        """Return what the step means on `state`.

        Raises:
            Problem: a name or value that can't be; paths begin below the verb's key.
        """
        ...


@dataclass(frozen=True, slots=True)
class Suppression:
    """An entry of `ignore`."""

    rule: str
    reason: str
    until: str
    span: Span


@dataclass(frozen=True, slots=True)
class Step:
    """One step, after groups and `for_each` are unfolded.

    Attributes:
        id: given, or position and verb (`3-copy`); with `for_each` the
            bindings' values are appended (`3-copy[orders]`).
        verb: `create`, `copy` …
        body: the step module's value.
        when: its own condition and those of its groups, all of which must hold.
        conditions: the same one by one, those of the groups first, the outermost of all first; each with a name
            that the steps of one group share ("" for its own). A group's is decided once.
        undo: steps of a given way back; None where the derived one is wanted.
        irreversible: the reason, "" where a way back is kept.
        bindings: `for_each` values as text pairs.
        spans: field path → (span of the key or item, span of the value);
            paths begin at the step (`("copy", "columns", "title")`,
            `("when", "rows", "table")`); `()` is the step itself.
    """

    id: str
    position: int
    verb: str
    body: Verb
    description: str = ""
    when: When | None = None
    undo: tuple["Step", ...] | None = None
    irreversible: str = ""
    ignore: tuple[Suppression, ...] = ()
    bindings: tuple[tuple[str, str], ...] = ()
    spans: Mapping[Path, tuple[Span, Span]] = field(default_factory=dict, compare=False)
    conditions: tuple[tuple[str, When], ...] = ()

    def span(self, path: Path = ()) -> Span | None:
        """Return the place of `path`, or of the longest part of it that has one.

        A last element `"<key>"` asks for the key's place instead of the value's.
        """
        at_key = path[-1:] == ("<key>",)
        rest = path[:-1] if at_key else path
        while True:
            if rest in self.spans:
                return self.spans[rest][0 if at_key else 1]
            if not rest:
                return None
            rest = rest[:-1]


@dataclass(frozen=True, slots=True)
class Spec:
    """One migration as written.

    Attributes:
        dialects: databases it is meant for; empty: those of the config.
        requires: versions that must be applied first; None: the one before.
        variables: all values its templates may read, after overrides.
        checksum: SHA-256 hex over the canonical form (comments and formatting
            do not count, meaning does), prefixed by the form's version: `1:…`.
        spans: as in `Step`, for the keys of the file (`("version",)` …).
    """

    version: str
    description: str
    steps: tuple[Step, ...]
    source: Source
    requires: tuple[str, ...] | None = None
    dialects: tuple[str, ...] = ()
    on_failure: str = "rollback"
    transaction: str = "auto"
    ignore: tuple[Suppression, ...] = ()
    variables: Mapping[str, object] = field(default_factory=dict)
    checksum: str = ""
    spans: Mapping[Path, tuple[Span, Span]] = field(default_factory=dict, compare=False)

    def span(self, path: Path = ()) -> Span | None:
        """Return the place of `path` in the file, or of the longest part of it that has one."""
        rest = path
        while rest and rest not in self.spans:
            rest = rest[:-1]
        found = self.spans.get(rest)
        return found[1] if found else None


__all__ = ["Spec", "Step", "Suppression", "Verb"]
