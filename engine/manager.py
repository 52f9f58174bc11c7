"""Migrations from Python: `MigrationManager`.

Its methods raise nothing for what goes wrong with a migration or a database:
they return False and log why; `last_error` holds it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from engine import app
from engine.config import Config
from engine.errors import EngineError, FindingsError, UsageError, of_the_machine
from engine.migration import MigrationProtocol
from engine.project import Project
from engine.spec.files import version_key
from engine.url import DatabaseUrl

_log = logging.getLogger("engine")
_T = TypeVar("_T")


class MigrationManager:
    """Specs and registered classes, applied to one database.

    Args:
        database: a path, a URL, or ":memory:" (which lives as long as the manager).
        specs: folder of the specs; None: only the registered classes.
        variables: values for the specs' templates.
        config: as `engine.config.load` gives it; its defaults where it is left out.

    Attributes:
        last_error: why the last call returned False; None after one that went well.
    """

    def __init__(
        self,
        database: str | Path,
        specs: str | Path | None = None,
        *,
        variables: dict[str, str] | None = None,
        config: Config | None = None,
    ) -> None:
        url = DatabaseUrl.parse(str(database))
        self._project = Project(
            Path(specs) if specs is not None else None,
            url,
            config or Config(),
            variables or {},
            keep_open=url.path == ":memory:",
        )
        self.last_error: EngineError | None = None

    def register_migration(self, migration: type[MigrationProtocol] | MigrationProtocol) -> None:
        """Add a migration written in Python, a class or an instance of one.

        Raises:
            UsageError: it lacks a method, or its version is taken.
        """
        made = migration() if isinstance(migration, type) else migration
        missing = [name for name in ("get_version", "up", "down") if not callable(getattr(made, name, None))]
        if missing:
            raise UsageError(f"{type(made).__name__} can't be a migration: it has no {', '.join(missing)}")
        version = str(made.get_version())
        if version_key(version) in map(version_key, self._project.classes):  # as among files, 9 and 009 are one
            raise UsageError(f"version {version} is registered already")
        self._project.classes[version] = made

    def get_current_version(self) -> str | None:
        """Return the highest version that is applied, None for none."""
        return self._try(lambda: app.current_version(self._project), None)

    def get_pending_migrations(self) -> list[dict[str, Any]]:
        """Return what is not applied, in version order, as `list_migrations` does."""
        return [entry for entry in self.list_migrations() if not entry["applied"]]

    def list_migrations(self) -> list[dict[str, Any]]:
        """Return all migrations: version, description, applied, applied_at, rolled_back_at, reversible."""
        return self._try(lambda: [asdict(entry) for entry in app.list_migrations(self._project)], [])

    def migrate_to_latest(self) -> bool:
        """Apply all that is pending; also goes on with what was interrupted."""
        return self._run(lambda: app.apply(self._project))

    def migrate_to(self, version: str) -> bool:
        """Apply what is pending up to `version`; forward only."""

        def forward() -> app.RunResult:
            now = app.current_version(self._project)
            if now is not None and app.earlier(version, now):
                raise UsageError(
                    f"the database is at {now}, and {version} is older",
                    "migrate_to goes forward only",
                    next="manager.rollback(steps=…)",
                )
            return app.apply(self._project, version)

        return self._run(forward)

    def rollback(self, steps: int = 1) -> bool:
        """Undo the last `steps` migrations; an unfinished one is undone first and counts as one."""
        return self._run(lambda: app.rollback(self._project, steps=steps))

    def close(self) -> None:
        """Close the connection of a ":memory:" database; it is gone with it."""
        self._project.close()

    def _run(self, do: Callable[[], app.RunResult]) -> bool:
        def run() -> bool:
            error = do().error
            if error is not None:
                raise error
            return True

        return self._try(run, False)

    def _try(self, do: Callable[[], _T], otherwise: _T) -> _T:
        self.last_error = None
        try:
            return do()
        except EngineError as error:
            self.last_error = error
            _log.error("%s", _words(error))
            return otherwise
        except (OSError, MemoryError, ImportError) as error:
            if (known := of_the_machine(error)) is None:
                raise
            self.last_error = known
            _log.error("%s", _words(known))
            return otherwise


def _words(error: EngineError) -> str:
    parts = [error.message]
    if isinstance(error, FindingsError):
        parts += [f"{d.span or d.version}: {d.rule}: {d.message}" for d in error.diagnostics if d.severity == "error"]
    parts += [text for text in (error.hint, error.kept) if text]
    return "; ".join(parts)
