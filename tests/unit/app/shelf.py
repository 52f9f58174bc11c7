"""A folder with specs and a database, worked on through the use-cases: samples for their tests."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine import app
from engine.errors import Diagnostic
from engine.run.options import RunOptions, Stop
from engine.run.progress import BatchDone, Happening, UnitDone
from engine.url import DatabaseUrl
from tests.support.database import rows_of, script

GIVEN = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c');"
UPPER = "  - transform: {table: t, set: {v: upper(v)}, where: 'true', expect_rows: 3}\n"
COLUMN = "  - alter: {table: t, add: {w: {type: integer, default: 0}}}\n"
INDEX = "  - index: {table: t, columns: [v]}\n"


@dataclass
class Shelf:
    """`app.db` and `specs/` in the working folder."""

    database: Path = Path("app.db")
    folder: Path = Path("specs")
    project_fields: dict[str, Any] = field(default_factory=dict)

    def spec(self, version: str, steps: str, name: str = "spec", **head: str) -> Path:
        """Write a spec and return its path."""
        lines = "".join(f"{key}: {value}\n" for key, value in head.items())
        path = self.folder / f"{version}_{name}.yaml"
        path.write_text(f'version: "{version}"\ndescription: Spec {version}\n{lines}steps:\n{steps}', encoding="utf-8")
        return path

    def project(self, **changes: Any) -> app.Project:
        """Return the project as a command would have it."""
        made = app.Project(self.folder, DatabaseUrl.parse(str(self.database)), **self.project_fields)
        return replace(made, **changes)

    def apply(self, to: str | None = None, **options: Any) -> app.RunResult:
        """Apply, and expect no error."""
        result = app.apply(self.project(), to, **options)
        assert result.error is None, result.error
        return result

    def rollback(self, **how: Any) -> app.RunResult:
        """Roll back, and expect no error."""
        result = app.rollback(self.project(), **how)
        assert result.error is None, result.error
        return result

    def plan(self, to: str | None = None) -> app.PlanResult:
        """Return the plan of what is pending."""
        return app.plan(self.project(), to)

    def lint(self, *, database: bool = False) -> list[str]:
        """Return the findings, each as `specs/…:4:5 RF101 error message`."""
        project = self.project() if database else self.project(url=None)
        return [told(d) for d in app.lint(project).diagnostics]

    def rows(self, table: str = "t") -> list[tuple[Any, ...]]:
        """Return the rows of a table as tuples."""
        return [tuple(row.values()) for row in rows_of(self.database, table)]

    def sql(self, text: str) -> None:
        """Run SQL on the database, as others would."""
        script(self.database, text)

    def interrupted_apply(self) -> app.RunResult:
        """Apply until the first batch or step is done, as if somebody then pressed Ctrl-C."""
        options = RunOptions(stop=Stop())

        def stop(event: Happening) -> None:
            if isinstance(event, BatchDone | UnitDone):
                options.stop.ask()

        return app.apply(self.project(), options=options, listener=stop)


def told(d: Diagnostic) -> str:
    """Return a finding as `specs/001_spec.yaml:4:5 RF101 error message`."""
    return f"{d.span} {d.rule} {d.severity} {d.message}" if d.span else f"- {d.rule} {d.severity} {d.message}"
