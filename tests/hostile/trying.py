"""One spec through reader, template, builder, planner and lint, as a child with little memory would have it."""

from __future__ import annotations

import resource
import sqlite3
import sys
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.hostile.mutating import DATABASE, spec

SECONDS = 2.0
MEGABYTES = 512
LONGEST = 4_000  # characters of a message with its hint


def fault(text: str, folder: Path) -> str:
    """Return what is wrong with the engine's answer to a spec, "" where nothing is.

    Args:
        folder: has `app.db`; the spec is written there.
    """
    from engine import app
    from engine.errors import EngineError, FindingsError
    from engine.url import DatabaseUrl

    (folder / "001_case.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    for url in (None, DatabaseUrl.parse(str(folder / "app.db"))):
        project = app.Project(specs=folder, url=url)
        began = time.process_time()
        try:
            found = app.lint(project).diagnostics
            if url is not None:
                found += app.plan(project).diagnostics
        except FindingsError as error:
            found = error.diagnostics
        except EngineError as error:
            return "" if error.message else "an error without words"
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        taken = time.process_time() - began
        if taken > SECONDS:
            return f"{taken:.1f} seconds"
        for diagnostic in found:
            lines = text.count("\n") + 1
            if diagnostic.span is None or not 0 < diagnostic.span.line <= lines or diagnostic.span.column < 1:
                return f"no place: {diagnostic}"
            if not diagnostic.message or len(diagnostic.message) + len(diagnostic.hint) > LONGEST:
                return f"{len(diagnostic.message)} characters: {diagnostic.message[:200]}"
    return ""


def search(seeds: Iterable[int]) -> list[str]:
    """Return a line for each seed whose spec got a wrong answer."""
    found = []
    with TemporaryDirectory() as name:
        folder = Path(name)
        with closing(sqlite3.connect(folder / "app.db")) as database:
            database.executescript(DATABASE)
        before = (folder / "app.db").read_bytes()
        for seed in seeds:
            wrong = fault(spec(seed), folder)
            if wrong:
                found.append(f"seed {seed}: {wrong[:300]}")
        if (folder / "app.db").read_bytes() != before:
            found.append("the database was changed")
    return found


if __name__ == "__main__":
    limit = MEGABYTES * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    print("\n".join(search(range(int(sys.argv[1]), int(sys.argv[2])))))
