"""`lint --fix`: what is safe is written, file by file, after the difference was shown."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine import dialects
from engine.errors import EngineError
from engine.lint.mend import diff, mended
from engine.linting import LintResult, lint_each
from engine.project import Project
from engine.source import Source
from engine.spec import files
from engine.spec.build import build

_ROUNDS = 5
"""A fix may open the way for another; two that undo each other end here."""


@dataclass(frozen=True, slots=True)
class FixResult:
    """What a fix did.

    Attributes:
        diff: the difference, as `diff -u` writes it.
        files: names of the files that changed.
        left: the findings after it (with `write=False`: before it).
        refused: files that are left as they are, with the reason.
    """

    diff: str
    files: tuple[str, ...]
    left: LintResult
    refused: tuple[str, ...] = ()


def fix(project: Project, paths: Sequence[Path] = (), kinds: Sequence[str] = (), *, write: bool = True) -> FixResult:
    """Mend what lint finds and can mend without a change of meaning.

    Args:
        project: with a database, the specs that are applied there are left as they are.
        paths: files or folders in place of the specs folder.
        kinds: kinds of database to lint for, each in turn; none: the one at hand.
        write: False to show the difference only.

    Raises:
        EngineError: a file can't be written, or changed meanwhile.
    """
    result = lint_each(project, paths, kinds)
    applied = _applied(project)
    first: dict[str, str] = {}
    last: dict[str, str] = {}
    refused: list[str] = []
    for _ in range(_ROUNDS):
        todo = []
        for source, text in mended(result.diagnostics):
            why = _obstacle(project, source, text, applied)
            if why:
                refused.append(f"{source.name} is left as it is: {why}")
            else:
                todo.append((source, text))
        if not todo:
            break
        for source, text in todo:
            first.setdefault(source.name, source.text)
            last[source.name] = text
            if write:
                _write(source, text)
        if not write:
            break
        result = lint_each(project, paths, kinds)
    shown = "".join(diff(name, first[name], last[name]) for name in sorted(last))
    return FixResult(shown, tuple(sorted(last)), result, tuple(dict.fromkeys(refused)))


def _applied(project: Project) -> frozenset[str]:
    if project.url is None:
        return frozenset()
    with project.connect(read_only=True) as (_, ledger):
        return frozenset(r.version for r in ledger.records() if r.applied or r.unfinished)


def _obstacle(project: Project, source: Source, text: str, applied: frozenset[str]) -> str:
    """Return why the text of a file is not to be changed so, or ""."""
    version = files.version_of(Path(source.name).name)
    if version in applied:
        return f"version {version} is applied"
    variables = {**project.config.vars, **project.variables}
    quoting = dialects.Quoting(project.kind)
    before = build(source, variables, project.kind, quoting, version)[0]
    after, found = build(Source(source.name, text), variables, project.kind, quoting, version)
    if before is not None and after is None:
        return f"the fix would not be readable ({found[0].message})"
    return ""


def _write(source: Source, text: str) -> None:
    """Put `text` in the place of a file's, whole or not at all."""
    path = Path(source.name)
    try:
        raw = path.read_bytes()
        mark = b"\xef\xbb\xbf" if raw.startswith(b"\xef\xbb\xbf") else b""
        if raw.removeprefix(mark).decode("utf-8").removeprefix("\ufeff") != source.text.removeprefix("\ufeff"):
            raise EngineError(f"{path} was changed while it was linted", "run it again", kept="it was not written")
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(mark + text.removeprefix("\ufeff").encode("utf-8"))
            os.chmod(name, path.stat().st_mode & 0o777)
            os.replace(name, path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise EngineError(f"{path} can't be written: {error.strerror}", "check its permissions") from None
