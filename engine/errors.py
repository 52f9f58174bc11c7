"""What can go wrong, as values and as exceptions; the exit code sits on the class.

    EngineError (1)
    ├── UsageError (2)          wrong use of the command line or the API
    ├── FindingsError (1)       specs with findings at the failing level
    ├── NotReversible (1)       a step without a way back stands in the way
    ├── DatabaseError (1)       the database refused: statement, file, space
    ├── CheckFailed (3)         expect_rows, validate, or rows that break a new constraint
    ├── Drift (4)               database, spec or plan file is not what it was
    │   └── Conflict (4)        rows changed since, found before a rollback writes
    ├── LockHeld (5)            somebody else is at work
    └── Stopped (6 or 130)      stopped at a safe point; a command continues

`Problem` is not in the tree: it is what a floor that knows no positions raises;
the floor that knows them turns it into a `Diagnostic`.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.source import Span, shortened

Severity = Literal["error", "warning", "info"]
Path = tuple[str | int, ...]

_LONGEST_QUOTE = 200  # characters
_QUOTED = re.compile(rf"`([^`]{{{_LONGEST_QUOTE + 1},}})`")


@dataclass(frozen=True, slots=True)
class Related:
    """A second place that explains a diagnostic, e.g. where a table was dropped."""

    message: str
    span: Span


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: a rule, a place, a sentence, and the way out.

    Attributes:
        rule: id as in the catalogue of rules, e.g. `RF102`.
        severity: error, warning or info.
        message: what is wrong, with the concrete names; no full stop at its end. What stands in backticks is cut
            to its beginning where it is longer than 200 characters.
        span: where; None only for what has no place in a file.
        hint: the way out, e.g. "did you mean `email`?"; "" for none.
        related: other places, each with a sentence.
        also: ids of rules that found the same cause.
        version: version of the spec, "" where it is not known.
        step: id of the step, "" where there is none.
        bindings: values of `for_each` as text pairs (field `for` in JSON).
        subject: the object meant (table, column), part of the fingerprint.
    """

    rule: str
    severity: Severity
    message: str
    span: Span | None
    hint: str = ""
    related: tuple[Related, ...] = ()
    also: tuple[str, ...] = ()
    version: str = ""
    step: str = ""
    bindings: tuple[tuple[str, str], ...] = ()
    subject: str = ""

    def __post_init__(self) -> None:
        # What a message quotes comes from files and catalogues, and may be of any length.
        short = _QUOTED.sub(lambda quoted: f"`{shortened(quoted[1], _LONGEST_QUOTE)}`", self.message)
        object.__setattr__(self, "message", short)


class Problem(Exception):
    """A fact against a spec, from a floor that knows field paths but no lines.

    Args:
        rule: id of the rule.
        message: what is wrong.
        path: field path below the step, e.g. `("index", "columns", 0)`; the
            longest part of it that has a span is where the caret goes. A last
            part of `"<key>"` points at the key instead of its value.
        hint: the way out.
        severity: error unless it is only worth a warning.
        related: `(sentence, origin)` pairs; an origin names a step elsewhere.
        subject: the object meant.
    """

    def __init__(
        self,
        rule: str,
        message: str,
        path: Path = (),
        *,
        hint: str = "",
        severity: Severity = "error",
        related: Sequence[tuple[str, Any]] = (),
        subject: str = "",
    ) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.path = path
        self.hint = hint
        self.severity: Severity = severity
        self.related = tuple(related)
        self.subject = subject


@dataclass
class EngineError(Exception):
    """Any end that a user is told about.

    Attributes:
        message: what happened, in one or two sentences.
        hint: why, or what to do about it.
        kept: what is true now ("3 of 5 steps are done; 120,000 rows copied").
        next: the command that goes on from here.
        span: where in the spec, if anywhere.
        details: extra fields for the JSON document (e.g. `conflicts`).
    """

    message: str
    hint: str = ""
    kept: str = ""
    next: str = ""
    span: Span | None = None
    details: dict[str, Any] = field(default_factory=dict)

    exit_code = 1
    code = "error"

    def __str__(self) -> str:
        return self.message


class UsageError(EngineError):
    """Wrong use of the command line or the API."""

    exit_code = 2
    code = "usage"


class NotReversible(EngineError):
    """A rollback would have to pass a step that has no way back."""

    code = "irreversible"


class DatabaseError(EngineError):
    """The database refused a statement, a file or space."""

    code = "database"


class CheckFailed(EngineError):
    """An assertion failed, or rows break a new constraint."""

    exit_code = 3
    code = "assertion"


class Drift(EngineError):
    """The database, a spec or a plan file is not what it was."""

    exit_code = 4
    code = "drift"


class Conflict(Drift):
    """Rows changed since; found before the first write of a rollback."""

    code = "conflict"


class LockHeld(EngineError):
    """Somebody else holds the lock."""

    exit_code = 5
    code = "locked"


class Stopped(EngineError):
    """Stopped at a safe point; the same command continues."""

    exit_code = 6
    code = "interrupted"


class Unwritable(EngineError):
    """A result could not be written; to stdout no more can be said."""


class FindingsError(EngineError):
    """Specs with findings at the failing level; nothing was done.

    Attributes:
        diagnostics: all findings, sorted by place.
    """

    code = "findings"

    def __init__(self, diagnostics: Sequence[Diagnostic], done: str = "nothing was done") -> None:
        count = len([d for d in diagnostics if d.severity == "error"])
        super().__init__(f"{count} finding{'s' if count != 1 else ''} in the specs; {done}")
        self.diagnostics = tuple(diagnostics)


def of_the_machine(error: Exception) -> EngineError | None:
    """Return what to tell a person where `error` is the system's: memory, a file, a stream; None for any other."""
    kept, next = "what was committed is kept and can be resumed", "engine status"
    library = isinstance(error, ImportError) and "shared object" in str(error)  # one that can't be loaded just now
    unmapped = library and "failed to map segment" in str(error)
    if isinstance(error, MemoryError) or unmapped or getattr(error, "errno", None) == errno.ENOMEM:
        hint = "give the process more of it, or let it work in smaller batches: --batch-size"
        return EngineError("there is not enough memory", hint, kept, next, details={"reason": "memory"})
    if library or isinstance(error, OSError):
        name = getattr(error, "filename", None)
        place = f" ({name})" if isinstance(name, str) else ""
        words = f"the system refused: {getattr(error, 'strerror', None) or error}{place}"
        return EngineError(words, "look at the disk, the rights and the limits", kept, next, details={"reason": "io"})
    return None
