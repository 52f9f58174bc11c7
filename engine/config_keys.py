"""The config's keys: which there are, what each may hold, and what `${NAME}` stands for."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

from engine.config import BatchConfig, Config, IgnoreConfig, LintConfig, OverrideConfig, seconds
from engine.config_file import ConfigFile, Key
from engine.errors import EngineError, UsageError
from engine.model.state import nearest

_DIALECTS = ("sqlite", "postgresql", "mysql", "mariadb")
_SEVERITIES = ("error", "warning", "info", "off")
_NAME = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Reading:
    """Turns one file's data into a `Config`; the first mistake ends it, with its place."""

    def __init__(self, file: ConfigFile, start: Path, environ: Mapping[str, str], environment: str) -> None:
        self._file = file
        self._start = start
        self._environ = environ
        self._environment = environment

    def config(self) -> Config:
        """Return the config.

        Raises:
            UsageError: there is no such environment.
            EngineError: an unknown key, a bad value, a name that is not set.
        """
        data = self._file.data
        environments = self._mapping(data.get("environments", {}), ("environments",))
        for name, values in environments.items():
            self._known(self._mapping(values, ("environments", name)), _KEYS, ("environments", name))
        self._known(data, {**_KEYS, "environments": None}, ())
        if self._environment and self._environment not in environments:
            close = nearest(self._environment, environments)
            there = f"did you mean `{close}`?" if close else f"there are: {', '.join(environments) or 'none'}"
            raise UsageError(f"there is no environment `{self._environment}` in {self._file.path}", there)
        chosen = environments.get(self._environment, {})
        merged: dict[str, object] = {}
        for name, convert in _KEYS.items():
            value = data.get(name)
            path: Key = (name,)
            if name in chosen:
                below = chosen[name]
                path = ("environments", self._environment, name)
                value = {**value, **below} if isinstance(value, dict) and isinstance(below, dict) else below
            if name in data or name in chosen:
                merged[name] = convert(self, self._filled(value, path), path)
        return Config(
            **merged,  # type: ignore[arg-type]
            environment=self._environment,
            environments=tuple(environments),
            path=self._file.path,
        )

    def wrong(self, path: Key, message: str, hint: str = "") -> EngineError:
        """Return the error for a value; of a merged mapping the part may stand in either place."""
        value = (*path, "<value>")
        where = value if value in self._file.spans else path
        plain = path[2:] if path[:1] == ("environments",) else path
        if where not in self._file.spans and plain in self._file.spans:
            where = plain
        span = self._file.span(where)
        return EngineError(f"the config: {message}", hint, span=span)

    def _known(self, found: Mapping[str, Any], known: Mapping[str, object], path: Key) -> None:
        for key in found:
            if key not in known:
                close = nearest(str(key), known)
                where = ".".join(map(str, (*path, key)))
                hint = f"did you mean `{close}`?" if close else f"there are {', '.join(known)}"
                span = self._file.span((*path, key))
                raise EngineError(f"the config has no key `{where}`", hint, span=span)

    def _filled(self, value: object, path: Key) -> object:
        """Return `value` with each `${NAME}` replaced."""
        if isinstance(value, str):
            return _NAME.sub(lambda match: self._from_environ(match[1], path), value)
        if isinstance(value, dict):
            return {k: self._filled(v, (*path, k)) for k, v in value.items()}
        if isinstance(value, list):
            return [self._filled(v, (*path, n)) for n, v in enumerate(value)]
        return value

    def _from_environ(self, name: str, path: Key) -> str:
        if name not in self._environ:
            raise self.wrong(path, f"`${{{name}}}` is not set in the environment", f"export {name}=…, or write a value")
        return self._environ[name]

    # ── kinds of values ───────────────────────────────────────────────────
    def _mapping(self, value: object, path: Key) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.wrong(path, f"`{path[-1]}` is a mapping of keys to values")
        return value

    def text(self, value: object, path: Key) -> str:
        """Return a text that is not empty."""
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(path, f"`{path[-1]}` is a text", "write it in quotes")
        return value

    def switch(self, value: object, path: Key) -> bool:
        """Return true or false."""
        if not isinstance(value, bool):
            raise self.wrong(path, f"`{path[-1]}` is true or false")
        return value

    def count(self, value: object, path: Key) -> int:
        """Return a whole number from 1."""
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self.wrong(path, f"`{path[-1]}` is a whole number from 1")
        return value

    def duration(self, value: object, path: Key) -> float:
        """Return a duration in seconds."""
        try:
            if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
                raise ValueError("no duration")
            return seconds(str(value) if isinstance(value, str) else format(value, "f"))
        except ValueError:
            raise self.wrong(path, f"`{path[-1]}` is a duration", "write 30s, 5m or a number of seconds") from None

    def one_of(self, value: object, path: Key, words: tuple[str, ...]) -> str:
        """Return one of a few fixed words."""
        if not isinstance(value, str) or value not in words:
            close = nearest(str(value), words)
            hint = f"did you mean `{close}`?" if close else ""
            raise self.wrong(path, f"`{path[-1]}` is one of {', '.join(words)}", hint)
        return value

    def texts(self, value: object, path: Key) -> tuple[str, ...]:
        """Return several texts, of which one may stand without brackets."""
        items = value if isinstance(value, list) else [value]
        return tuple(self.text(item, (*path, n)) for n, item in enumerate(items))

    def file(self, value: object, path: Key) -> Path:
        """Return a path, relative to the config, as seen from where the command was started."""
        whole = Path(os.path.normpath(self._file.path.absolute().parent / self.text(value, path)))
        return whole.relative_to(self._start) if whole.is_relative_to(self._start) else whole

    def database(self, value: object, path: Key) -> str:
        """Return the database's URL; SQLite's file is relative to the config."""
        from engine.url import DatabaseUrl

        text = self.text(value, path)
        try:
            url = DatabaseUrl.parse(text)
        except UsageError as error:
            raise self.wrong(path, error.message, error.hint) from None
        if url.dialect != "sqlite" or url.path == ":memory:" or Path(url.path).is_absolute():
            return text
        return f"sqlite:///{quote(self.file(url.path, path).as_posix())}"

    def dialects(self, value: object, path: Key) -> tuple[str, ...]:
        """Return the names of kinds of databases."""
        names = self.texts(value, path)
        return tuple(self.one_of(name, (*path, n), _DIALECTS) for n, name in enumerate(names))

    def variables(self, value: object, path: Key) -> dict[str, Any]:
        """Return values for templates, as they are."""
        return self._mapping(value, path)

    def batch(self, value: object, path: Key) -> BatchConfig:
        """Return `batch`."""
        found = self._mapping(value, path)
        self._known(found, dict.fromkeys(("target_seconds", "max_rows")), path)
        made = BatchConfig()
        if "target_seconds" in found:
            made = replace(made, target_seconds=self.duration(found["target_seconds"], (*path, "target_seconds")))
        if "max_rows" in found:
            made = replace(made, max_rows=self.count(found["max_rows"], (*path, "max_rows")))
        if not made.target_seconds > 0:
            raise self.wrong((*path, "target_seconds"), "`target_seconds` is more than nothing")
        return made

    def lint(self, value: object, path: Key) -> LintConfig:
        """Return `lint`."""
        found = self._mapping(value, path)
        self._known(found, dict.fromkeys(_LINT), path)
        made: dict[str, Any] = {}
        if "fail_on" in found:
            made["fail_on"] = self.one_of(found["fail_on"], (*path, "fail_on"), _SEVERITIES[:3])
        if "large_table_rows" in found:
            made["large_table_rows"] = self.count(found["large_table_rows"], (*path, "large_table_rows"))
        if "severity" in found:
            made["severity"] = self._severities(found["severity"], (*path, "severity"))
        if "overrides" in found:
            made["overrides"] = self._overrides(found["overrides"], (*path, "overrides"))
        if "start_after" in found:
            made["start_after"] = self.text(found["start_after"], (*path, "start_after"))
        if "baseline" in found:
            made["baseline"] = self.file(found["baseline"], (*path, "baseline"))
        if "ignore" in found:
            made["ignore"] = self._ignore(found["ignore"], (*path, "ignore"))
        return LintConfig(**made)

    def _severities(self, value: object, path: Key) -> tuple[tuple[str, str], ...]:
        pairs = self._mapping(value, path).items()
        return tuple((rule, self.one_of(word, (*path, rule), _SEVERITIES)) for rule, word in pairs)

    def _overrides(self, value: object, path: Key) -> tuple[OverrideConfig, ...]:
        if not isinstance(value, list):
            raise self.wrong(path, "`overrides` is a list of {paths, severity}")
        made = []
        for number, item in enumerate(value):
            at = (*path, number)
            found = self._mapping(item, at)
            self._known(found, dict.fromkeys(("paths", "severity")), at)
            for needed in ("paths", "severity"):
                if needed not in found:
                    raise self.wrong(at, f"an entry of `overrides` needs `{needed}`")
            paths = self.texts(found["paths"], (*at, "paths"))
            made.append(OverrideConfig(paths, self._severities(found["severity"], (*at, "severity"))))
        return tuple(made)

    def _ignore(self, value: object, path: Key) -> tuple[IgnoreConfig, ...]:
        if not isinstance(value, list):
            raise self.wrong(path, "`ignore` is a list of {rule, reason, paths}")
        made = []
        for number, item in enumerate(value):
            at = (*path, number)
            found = self._mapping(item, at)
            self._known(found, dict.fromkeys(("rule", "reason", "paths", "until")), at)
            for needed in ("rule", "reason"):
                if needed not in found:
                    raise self.wrong(at, f"an entry of `ignore` needs `{needed}`")
            rule, reason = (
                self.text(found["rule"], (*at, "rule")),
                self.text(found["reason"], (*at, "reason")),
            )
            paths = self.texts(found["paths"], (*at, "paths")) if "paths" in found else ()
            until = self.text(found["until"], (*at, "until")) if "until" in found else ""
            made.append(IgnoreConfig(rule, reason, paths, until, self._file.span((*at, "rule"))))
        return tuple(made)


_LINT = ("fail_on", "severity", "ignore", "large_table_rows", "overrides", "start_after", "baseline")
_KEYS: dict[str, Callable[[Reading, Any, Key], Any]] = {
    "db": Reading.database,
    "specs": Reading.file,
    "dialects": Reading.dialects,
    "schema": Reading.file,
    "vars": Reading.variables,
    "batch": Reading.batch,
    "lock_timeout": Reading.duration,
    "statement_timeout": Reading.duration,
    "lock_wait": Reading.duration,
    "lint": Reading.lint,
    "require_reversible": Reading.switch,
    "zero_downtime": Reading.switch,
}
