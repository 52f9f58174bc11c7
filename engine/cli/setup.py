"""From what the command line, the environment and the config say to a project."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli.options import Given
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.app import Project


def project_of(given: Given, *, dialect: str | None = None, named: bool = False) -> Project:
    """Return the project that a command works on.

    Args:
        given: the options.
        dialect: plan for this database without one; `--db` beside it must be of that kind.
        named: only a database that `--db` names (lint needs none).

    Raises:
        EngineError: the config or the URL can't be understood.
    """
    from engine import config as configs
    from engine.app import Project
    from engine.url import DatabaseUrl

    config = configs.load(Path.cwd(), given.config, os.environ, given.env)
    environment = os.environ.get("ENGINE_DB") or os.environ.get("DATABASE_URL")
    text = given.db or (None if dialect or named else environment or config.db)
    url = DatabaseUrl.parse(text) if text else None
    if dialect and url and url.dialect != dialect:
        raise UsageError(f"--dialect {dialect}, and the database is {url.dialect}", "leave --dialect out")
    return Project(
        specs=given.specs or config.specs,
        url=url,
        config=config,
        variables=dict(given.variables),
        dialect_name="" if url else dialect or "",
        cache=None if given.no_cache else _cache(),
        today=date.today().isoformat(),
    )


def _cache() -> Path | None:
    """Return the folder of caches; None where the user has none."""
    home = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(home) if home else Path.home() / ".cache") / "engine"
    except RuntimeError:  # no home
        return None
