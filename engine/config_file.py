"""The project's config as it is written: found by walking up, read to plain data with places."""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.credentials import starred
from engine.errors import EngineError, UsageError
from engine.source import Source, Span

NAMES = ("engine.yaml", "engine.yml")
Key = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """One config file.

    Attributes:
        path: the file.
        data: its keys; numbers with a point are Decimals.
        source: its text.
        spans: path of a key → its place; those of values end with `"<value>"`.
    """

    path: Path
    data: Mapping[str, Any]
    source: Source
    spans: Mapping[Key, Span] = field(default_factory=dict)

    def span(self, path: Key) -> Span:
        """Return the place of `path`, or of the longest part of it that has one."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.spans:
                return self.spans[path[:end]]
        return Span(self.source, 1, 1, 1, 1)


def find(start: Path) -> ConfigFile | None:
    """Return the nearest config of `start` and the folders above it, or None.

    In each folder `engine.yaml` comes before `[tool.engine]` of `pyproject.toml`.

    Raises:
        EngineError: one that is there can't be read.
    """
    folder = start.absolute()
    for place in (folder, *folder.parents):
        for name in NAMES:
            if os.path.isfile(place / name):  # False too where it may not be looked at
                return _yaml(place / name)
        if os.path.isfile(place / "pyproject.toml"):
            found = _toml(place / "pyproject.toml", required=False)
            if found is not None:
                return found
    return None


def read(path: Path) -> ConfigFile:
    """Return the config in the file that `--config` names.

    Raises:
        UsageError: there is no such file.
        EngineError: it can't be read, or has no config in it.
    """
    if not path.is_file():
        raise UsageError(f"there is no config file `{path}`", "leave --config out to have it looked for")
    if path.suffix.lower() == ".toml":
        found = _toml(path, required=True)
        assert found is not None
        return found
    return _yaml(path)


def _shown(path: Path) -> str:
    """Return the path as a user would write it from where the command was started."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8").removeprefix("\ufeff")
    except OSError as error:
        message = f"the config `{path}` can't be read: {error.strerror}"
        raise EngineError(message, "check its permissions") from None
    except UnicodeDecodeError as error:
        message = f"the config `{path}` is not UTF-8: byte offset {error.start}"
        raise EngineError(message, "save it as UTF-8") from None


# ── YAML ──────────────────────────────────────────────────────────────────
def _yaml(path: Path) -> ConfigFile:
    from engine.spec import reader
    from engine.spec.nodes import Map

    source = Source(_shown(path), _text(path))
    if not re.sub(r"(?m)^\s*#.*$", "", source.text).strip():
        return ConfigFile(path, {}, source)
    tree, problems = reader.read(source)
    if problems:
        message, hint = (starred(words) for words in (problems[0].message, problems[0].hint))
        raise EngineError(f"the config: {message}", hint, span=problems[0].span)
    spans: dict[Key, Span] = {}
    data = _plain(tree, (), spans) if isinstance(tree, Map) else {}
    return ConfigFile(path, data, source, spans)


def _plain(node: Any, path: Key, spans: dict[Key, Span]) -> Any:
    """Return a node as plain data; what could be misread is refused."""
    from engine.spec.nodes import List, Map
    from engine.spec.scalars import quoted

    if isinstance(node, Map):
        found = {}
        for name, value in node.entries:
            if name.surprise or not isinstance(name.value, str):
                message = f"the config: `{name.text}` is no name for YAML"
                raise EngineError(message, f"write {quoted(name.text)}", span=name.span)
            below = (*path, name.text)
            spans[below] = name.span
            found[name.text] = _plain(value, below, spans)
        return found
    if isinstance(node, List):
        items = []
        for number, item in enumerate(node.items):
            place = (*path, number)
            spans[place] = item.span
            items.append(_plain(item, place, spans))
        return items
    value_place = (*path, "<value>")
    spans[value_place] = node.span
    if node.empty:
        message = f"the config: `{path[-1]}` has no value"
        raise EngineError(message, "write one, or take the key out", span=node.span)
    if node.surprise:
        message = f"the config: YAML 1.1 reads `{node.text}` as {node.surprise}"
        raise EngineError(message, f"write {quoted(node.text)}", span=node.span)
    return node.value


# ── TOML ──────────────────────────────────────────────────────────────────
def _toml(path: Path, *, required: bool) -> ConfigFile | None:
    try:
        tomllib = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    except ImportError:  # Python 3.10 without the `tomli` that the distribution asks for there
        if required or "[tool.engine" in _text(path):
            message = f"reading `{path}` needs the package `tomli` on Python 3.10"
            raise EngineError(message, "pip install tomli, or write the config to engine.yaml") from None
        return None
    text = _text(path)
    source = Source(_shown(path), text)
    try:
        whole = tomllib.loads(text, parse_float=Decimal)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        if not required and "[tool.engine" not in text:
            return None  # somebody else's file, and no config of ours in it
        found = re.search(r"line (\d+), column (\d+)", str(error))
        line, column = (int(found[1]), int(found[2])) if found else (1, 1)
        span = Span(source, line, column, line, column + 1)
        words = re.sub(r" \(at .*\)", "", str(error))
        raise EngineError(f"the config is no TOML: {words[:1].lower()}{words[1:]}", span=span) from None
    tool = whole.get("tool")
    data = tool.get("engine") if isinstance(tool, dict) else None
    if not isinstance(data, dict):
        if required:
            raise EngineError(f"`{path}` has no table [tool.engine]", "write one, or name another file")
        return None
    return ConfigFile(path, data, source, _toml_spans(source))


def _toml_spans(source: Source) -> dict[Key, Span]:
    """Return the places of keys that stand at the beginning of a line below `[tool.engine…]`."""
    spans: dict[Key, Span] = {}
    table: Key | None = None
    for number, line in enumerate(source.text.split("\n"), start=1):
        header = re.match(r"\s*\[\[?\s*([^\]]+?)\s*\]", line)
        if header:
            names = tuple(part.strip().strip("\"'") for part in header[1].split("."))
            table = names[2:] if names[:2] == ("tool", "engine") else None
            if table:
                spans[table] = Span(source, number, header.start(1) + 1, number, header.end(1) + 1)
            continue
        pair = re.match(r"\s*([A-Za-z0-9_.-]+|\"[^\"]+\"|'[^']+')\s*=", line)
        if pair and table is not None:
            names = tuple(part.strip("\"'") for part in pair[1].split("."))
            whole = (*table, *names)
            spans[whole] = Span(source, number, pair.start(1) + 1, number, pair.end(1) + 1)
    return spans
