"""The same question again: what `lint` said stands where nothing that it looked at has changed.

Told by stat alone, as git tells it: the size, the times, the inode of every file, and the names in every folder. A
time as young as the run that wrote it down proves nothing; such an answer is not kept. Imports little: most runs
of lint in an editor or before a commit need no more than this.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from engine.project import Project

FORMAT = 1
_SECOND = 1_000_000_000  # nanoseconds
_ENVIRON = ("GITHUB_ACTIONS", "_ENGINE_COMPLETE")
_CONFIGS = ("engine.yaml", "engine.yml", "pyproject.toml")
Facts = list[object]


class Answer:
    """What a lint said.

    Attributes:
        text: for stdout.
        code: the exit code.
    """

    __slots__ = ("code", "text")

    def __init__(self, text: str, code: int) -> None:
        self.text = text
        self.code = code


def answer(words: Sequence[str]) -> Answer | None:
    """Return what `engine lint` with these arguments said and would say again; None where it has to look."""
    folder = cache()
    if folder is None or "--no-cache" in words:
        return None
    import json

    try:
        with open(_place(folder, words), "rb") as file:
            head, _, body = file.read().partition(b"\n")
        if head != _head(body):
            return None
        kept = json.loads(body)
        if kept["asked"] != _asked(words) or any(facts(path) != found for path, found in kept["watched"]):
            return None
        return Answer(kept["text"], kept["code"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


class Question:
    """What a lint is about to look at, as it was before it looked."""

    def __init__(self, words: Sequence[str], folder: str, paths: Iterable[str]) -> None:
        self._folder = folder
        self._started = time.time_ns()
        self._words = words
        self._watched = [(path, facts(path)) for path in paths]

    @classmethod
    def of(
        cls, words: Sequence[str] | None, project: Project, paths: Sequence[Path], baseline: Path | None
    ) -> Question | None:
        """Return the question that a command line asks; None where the answer is not one to keep.

        Args:
            words: the command line, None where the command was called in another way.
            paths: what is linted in place of the project's specs.
            baseline: the file of findings that the command line names.
        """
        config = project.config
        specs = paths or ([project.specs] if project.specs is not None else [])
        if project.cache is None or words is None or not all(path.is_dir() for path in specs):
            return None
        try:
            if config.path is not None and b"${" in config.path.read_bytes():
                return None  # the environment has a say
        except OSError:
            return None
        here = os.getcwd()
        above = [here]
        while os.path.dirname(above[-1]) != above[-1]:
            above.append(os.path.dirname(above[-1]))
        others = (config.path, config.schema, config.lint.baseline, baseline)
        configs = [os.path.join(folder, name) for folder in above for name in _CONFIGS]
        return cls(words, str(project.cache), [*map(str, specs), *(str(path) for path in others if path), *configs])

    def keep(self, text: str, code: int) -> None:
        """Remember the answer, unless a file is too young to tell whether it changes."""
        import json
        import tempfile

        if not all(found is not None and _settled(found, self._started) for _, found in self._watched):
            return
        kept = {"asked": _asked(self._words), "watched": self._watched, "text": text, "code": code}
        try:
            body = json.dumps(kept, separators=(",", ":")).encode("ascii")
            place = _place(self._folder, self._words)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            handle, name = tempfile.mkstemp(dir=os.path.dirname(place), prefix=".lint-")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(_head(body) + b"\n" + body)
                os.replace(name, place)
            except OSError:
                os.unlink(name)
        except (OSError, ValueError):
            return  # a cache that can't be written is none


def cache() -> str | None:
    """Return the folder of caches; None where the user has none."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return None if home.startswith("~") else os.path.join(home, "engine")


def facts(path: str) -> Facts | None:
    """Return what stat tells of a file, or of a folder and the specs in it; [] where nothing is there.

    None where that is not enough: a link leads to what its own times do not tell.
    """
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return []
    about = _about(found)
    if not stat.S_ISDIR(found.st_mode):
        return about
    with os.scandir(path) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name.lower().endswith((".yaml", ".yml")):
                if entry.is_symlink():
                    return None
                about.append([entry.name, *_about(entry.stat())])
    return about


def _about(found: os.stat_result) -> Facts:
    times = [found.st_mtime_ns, found.st_ctime_ns]
    return [*times, found.st_size, found.st_mode, found.st_ino, found.st_dev]


def _settled(found: Facts, started: int) -> bool:
    """Tell whether a change after `started` (nanoseconds) would have given other times than these.

    A file system that has only whole seconds may take two for one.
    """
    parts = [found, *(part[1:] for part in found if isinstance(part, list))]
    times = [time for part in parts for time in part[:2] if isinstance(time, int)]
    return all(time + (_SECOND // 10 if time % _SECOND else 2 * _SECOND) < started for time in times)


def _asked(words: Sequence[str]) -> str:
    """Return a hash over the question and all that is in its answer without being a file."""
    from engine.edition import engine_key, entry_key

    environ = [os.environ.get(name) for name in _ENVIRON]
    return entry_key(engine_key(), list(words), os.getcwd(), environ, time.strftime("%Y-%m-%d"))


def _place(folder: str, words: Sequence[str]) -> str:
    from engine.edition import entry_key

    return os.path.join(folder, "lint", f"{entry_key(FORMAT, list(words), os.getcwd())}.said")


def _head(body: bytes) -> bytes:
    import hashlib

    return f"engine lint {FORMAT} {hashlib.sha256(body).hexdigest()}".encode("ascii")
