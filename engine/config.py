"""What a project sets once: `engine.yaml`, or `[tool.engine]` of `pyproject.toml`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.config_file import find, read
from engine.errors import UsageError
from engine.source import Span

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class BatchConfig:
    """How data steps are cut.

    Attributes:
        target_seconds: what one batch should take; twice that where nobody else was seen to write.
        max_rows: rows that no batch exceeds.
    """

    target_seconds: float = 0.5
    max_rows: int = 250_000


@dataclass(frozen=True, slots=True)
class IgnoreConfig:
    """A rule that is not applied to some files.

    Attributes:
        paths: patterns of file names; none: all files.
        until: version or date up to which it holds; "" for good.
        span: where it stands in the config.
    """

    rule: str
    reason: str
    paths: tuple[str, ...] = ()
    until: str = ""
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class OverrideConfig:
    """Other severities for some files; of several that name a file, the last counts."""

    paths: tuple[str, ...]
    severity: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class LintConfig:
    """How lint judges.

    Attributes:
        fail_on: the lowest severity that makes lint exit with 1.
        severity: (rule or family, severity or `off`) pairs.
        large_table_rows: rows from which a table counts as large.
        overrides: severities for some files.
        start_after: up to this version only what can't be read or built is told.
        baseline: file of findings that are known already.
    """

    fail_on: str = "error"
    severity: tuple[tuple[str, str], ...] = ()
    ignore: tuple[IgnoreConfig, ...] = ()
    large_table_rows: int = 50_000
    overrides: tuple[OverrideConfig, ...] = ()
    start_after: str = ""
    baseline: Path | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """All settings of a project; without a config file these defaults.

    Attributes:
        db: the database's URL with `${NAME}` filled in; not shown by `repr`,
            it may hold a password.
        specs: folder of the specs.
        dialects: what the specs must work on; none: the database at hand.
        schema: snapshot of databases that existed before the first spec.
        vars: values for the specs' templates; they win over the specs' own.
        lock_timeout, statement_timeout: seconds, for the database's own locks
            and statements; 0 is no limit for statements.
        lock_wait: seconds to wait for the engine's lock; 0: not at all.
        require_reversible, zero_downtime: policies that lint holds specs to.
        environment: the environment that was asked for, "" for none.
        environments: names of those that the file has.
        path: the file, None without one.
    """

    db: str | None = field(default=None, repr=False)
    specs: Path = Path("specs")
    dialects: tuple[str, ...] = ()
    schema: Path | None = None
    vars: Mapping[str, object] = field(default_factory=dict, repr=False)
    batch: BatchConfig = BatchConfig()
    lock_timeout: float = 5.0
    statement_timeout: float = 0.0
    lock_wait: float = 0.0
    lint: LintConfig = LintConfig()
    require_reversible: bool = False
    zero_downtime: bool = False
    environment: str = ""
    environments: tuple[str, ...] = ()
    path: Path | None = None


def load(
    start: Path,
    explicit: Path | None = None,
    environ: Mapping[str, str] | None = None,
    environment: str | None = None,
) -> Config:
    """Return the config that holds in a folder.

    Args:
        start: folder from which to walk up.
        explicit: a file to take instead (`--config`).
        environ: values for `${NAME}`; only names in keys that are in force are looked up.
        environment: name of one of `environments`, whose keys win (`-e`).

    Raises:
        UsageError: no such file or environment.
        EngineError: an unknown key or bad value, with its place.
    """
    file = read(explicit) if explicit is not None else find(start)
    if file is None:
        if environment:
            hint = "write `environments:` in engine.yaml"
            raise UsageError(f"there is no environment `{environment}`: there is no config", hint)
        return Config()
    from engine.config_keys import Reading

    return Reading(file, start.absolute(), environ or {}, environment or "").config()


def seconds(text: str) -> float:
    """Return a duration in seconds: `5s`, `250ms`, `1h30m`, or a bare number of seconds.

    Raises:
        ValueError: it is none.
    """
    text = text.strip().lower()
    if re.fullmatch(r"[0-9]{1,12}(?:\.[0-9]{0,9})?|\.[0-9]{1,9}", text):
        return float(text)
    parts = re.findall(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)(ms|s|m|h|d)", text)
    if not parts or "".join(n + unit for n, unit in parts) != text:
        raise ValueError(f"`{text}` is no duration: write 30s, 5m, 1h30m or a number of seconds")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
