"""Specs from short texts, for tests."""

from __future__ import annotations

from collections.abc import Mapping

from engine.errors import Diagnostic
from engine.model.changes import Change
from engine.model.state import SchemaState
from engine.source import Source
from engine.spec.build import build
from engine.spec.model import Spec, Step

HEAD = 'version: "001"\ndescription: A test\n'


class Quotes:
    """Quoting as SQL has it."""

    def literal(self, value: object) -> str:
        """Return a literal."""
        if isinstance(value, str):
            return "'" + value.replace("'", "''") + "'"
        return "NULL" if value is None else str(value).upper()

    def ident(self, name: str) -> str:
        """Return a quoted name."""
        return '"' + name.replace('"', '""') + '"'


def read(
    text: str, variables: Mapping[str, object] | None = None, dialect: str = "sqlite", version: str = "001"
) -> tuple[Spec | None, tuple[Diagnostic, ...]]:
    """Build the text of a whole file."""
    return build(Source(f"{version}_test.yaml", text), variables or {}, dialect, Quotes(), version)


def spec(text: str, variables: Mapping[str, object] | None = None, dialect: str = "sqlite") -> Spec:
    """Build what stands below the description; it must be without findings."""
    made, found = read(HEAD + text, variables, dialect)
    assert not found, [(str(d.span), d.message) for d in found]
    assert made is not None
    return made


def steps(text: str, **kwargs: str) -> tuple[Step, ...]:
    """Build the steps of a list."""
    return spec("steps:\n" + text, **kwargs).steps


def step(text: str) -> Step:
    """Build one step; `text` is what stands behind `- `."""
    lines = text.strip("\n").splitlines()
    item = "\n".join(("  - " if n == 0 else "    ") + line for n, line in enumerate(lines))
    (made,) = steps(item + "\n")
    return made


def changes(text: str) -> tuple[Change, ...]:
    """Return what one step means."""
    return tuple(step(text).body.changes(SchemaState()))


def change(text: str) -> Change:
    """Return the one change that a step means."""
    (made,) = changes(text)
    return made


def findings(text: str, **kwargs: str) -> list[str]:
    """Build what stands below the description and return its findings: `4:5 SP102 message | hint`."""
    made, found = read(HEAD + text, **kwargs)  # type: ignore[arg-type]
    assert (made is None) == any(d.severity == "error" for d in found)
    return [f"{d.span.line}:{d.span.column} {d.rule} {d.message} | {d.hint}" for d in found if d.span]
