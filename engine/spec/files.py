"""The specs folder: which files are migrations, in which order, each read once."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from engine.errors import Diagnostic, EngineError, Related, UsageError
from engine.source import Source, Span
from engine.spec.characters import LARGEST, decode

LARGEST_SET = 10 * LARGEST
"""Bytes that all specs of one folder may have."""

_NAMED = re.compile(r"(?P<version>[A-Za-z]{0,3}[0-9][0-9A-Za-z.-]*)_(?P<title>.*)\Z")
_VERSION_KEY = re.compile(r"""version:[ \t]+(?P<text>"[^"\n]*"|'[^'\n]*'|[^\s#]+)""")


@dataclass(frozen=True, slots=True)
class SpecFile:
    """One file of the folder.

    Attributes:
        path: as it was asked for.
        version: the part of the name before the first `_`; "" where it has none.
        source: its text; None where there is nothing to build from.
        diagnostics: why there is not.
    """

    path: Path
    version: str
    source: Source | None
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """What a folder holds, in the order of versions.

    Attributes:
        diagnostics: what is wrong between files (VC101).
    """

    files: tuple[SpecFile, ...]
    diagnostics: tuple[Diagnostic, ...] = ()


def find(folder: Path) -> Listing:
    """Read all specs of a folder, or the one file that `folder` is.

    Args:
        folder: `.yaml` and `.yml` in it are specs, unless the name begins with
            `_` or `.`; folders in it are not looked into.

    Returns:
        The files in the order of versions, with what is wrong with each (SP101
        for text that can't be read, VC102 for a name without a version) and
        between them (VC101).

    Raises:
        UsageError: there is no such folder or file.
        EngineError: it can't be read, holds no spec, or leads out of itself.
    """
    files: list[SpecFile] = []
    total = 0
    for path, real in _paths(folder):
        data = _bytes(path, real)
        total += len(data)
        if total > LARGEST_SET:
            message = f"the specs in `{folder}` have more than {LARGEST_SET:,} bytes"
            raise EngineError(message, "put rows in CSV files and `load` them")
        files.append(_spec_file(path, data))
    files.sort(key=lambda file: (version_key(file.version), file.path.name))
    return Listing(tuple(files), tuple(_twice(files)))


def version_of(name: str) -> str:
    """Return the version in a file's name: what stands before the first `_`; "" for none.

    A version has a digit, after three letters at most, so that `notes_of_may.yaml` has none.
    """
    match = _NAMED.match(name)
    return match["version"] if match else ""


def version_key(version: str) -> tuple[tuple[int, int, str], ...]:
    """Return what versions are ordered by: numbers in them by size, the rest as text.

    Case and leading zeros do not matter: `001` and `1`, `v2` and `V2` have equal keys.
    """
    parts = re.findall(r"[0-9]+|[^0-9]+", version)
    return tuple(_part_key(part) for part in parts)


def _part_key(part: str) -> tuple[int, int, str]:
    if part[0] not in "0123456789":
        return 1, 0, part.casefold()
    digits = part.lstrip("0")
    return 0, len(digits), digits  # by length, then as text: sizes of any length, without int()


# ── reading ───────────────────────────────────────────────────────────────
def _paths(folder: Path) -> list[tuple[Path, str]]:
    """Return the paths of the specs, each with the real one, which is inside the folder.

    Only of links it is asked where they lead: many files are looked at in every run of an editor.
    """
    try:
        if not folder.exists():
            hint = "name the folder of the specs, or make it and put `001_first.yaml` in it"
            raise UsageError(f"there is no `{folder}`", hint, next="engine lint --help")
        if not folder.is_dir():
            return [(folder, _followed(folder, os.path.realpath(folder.parent)))]
        root = os.path.realpath(folder)
        with os.scandir(folder) as entries:
            found = sorted(
                (entry.name, entry.is_symlink())
                for entry in entries
                if _is_spec(entry.name) and not entry.is_dir(follow_symlinks=False)
            )
    except (OSError, ValueError) as error:
        raise _unreadable(folder, error) from None
    paths = [
        (folder / name, _followed(folder / name, root) if is_link else os.path.join(root, name))
        for name, is_link in found
        if not (is_link and (folder / name).is_dir())
    ]
    if not paths:
        hint = "a spec is a file such as `001_first.yaml`; names beginning with `_` or `.` are left out"
        raise EngineError(f"there are no specs in `{folder}`", hint)
    return paths


def _is_spec(name: str) -> bool:
    return name.lower().endswith((".yaml", ".yml")) and not name.startswith(("_", "."))


def _followed(path: Path, root: str) -> str:
    """Return the real path of what is, or leads to, a file inside `root`."""
    real = os.path.realpath(path)
    if os.path.commonpath([real, root]) != root:
        hint = "put the file itself into the folder"
        raise EngineError(f"`{path}` leads out of the folder of the specs", hint)
    return real


def _bytes(path: Path, real: str) -> bytes:
    """Return the bytes of a regular file, never more than one over the limit; a link in place of it is not followed."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(real, flags)
    except OSError as error:
        raise _unreadable(path, error) from None
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise EngineError(f"`{path}` is not a regular file", "specs are read from regular files only")
        try:
            return file.read(LARGEST + 1)
        except OSError as error:
            raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> EngineError:
    words = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
    return EngineError(f"`{path}` can't be read: {words[:1].lower()}{words[1:]}", "check the path and its permissions")


def _spec_file(path: Path, data: bytes) -> SpecFile:
    version = version_of(path.name)
    if len(data) > LARGEST:
        source = Source(str(path), "")
        message = f"the file has more than {LARGEST:,} bytes"
        hint = "put rows in a CSV file and `load` them, or split the migration"
        found = Diagnostic("SP101", "error", message, Span(source, 1, 1, 1, 1), hint, version=version)
        return SpecFile(path, version, None, (found,))
    source, problem = decode(data, str(path))
    if problem is not None:
        return SpecFile(path, version, None, (problem,))
    if not version:
        message = f"`{path.name}` has no version in its name"
        hint = f"name it like `001_{path.stem.lower()}.yaml`; a name that begins with `_` is left out"
        return SpecFile(path, "", None, (Diagnostic("VC102", "error", message, Span(source, 1, 1, 1, 1), hint),))
    return SpecFile(path, version, source)


def _twice(files: Iterable[SpecFile]) -> Iterable[Diagnostic]:
    """Yield VC101 for each file whose version an earlier one has."""
    first: dict[object, SpecFile] = {}
    for file in files:
        if not file.version:
            continue
        other = first.setdefault(version_key(file.version), file)
        if other is file:
            continue
        same = "" if file.version == other.version else f" (written `{other.version}` and `{file.version}`)"
        message = f"`{file.path.name}` and `{other.path.name}` have the same version{same}"
        related = (Related("the other one", _place(other)),)
        yield Diagnostic(
            "VC101",
            "error",
            message,
            _place(file),
            "give the newer one the next version",
            related,
            version=file.version,
        )


def _place(file: SpecFile) -> Span:
    """Return where a file says its version, or its beginning."""
    source = file.source or Source(str(file.path), "")
    for number, line in enumerate(source.text.split("\n"), start=1):
        match = _VERSION_KEY.match(line)
        if match:
            return Span(source, number, match.start("text") + 1, number, match.end("text") + 1)
    return Span(source, 1, 1, 1, 1)
