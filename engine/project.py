"""What a command works on: the specs, the variables, the database, the config.

The specs are read once; the database is opened by `connect`, which gives the
same connection again for `:memory:`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import dialects
from engine.config import Config
from engine.errors import Diagnostic, EngineError, UsageError
from engine.source import Source
from engine.spec import files
from engine.spec.model import Spec
from engine.url import DatabaseUrl

if TYPE_CHECKING:
    from engine.dialects.base import Dialect
    from engine.dialects.ledger import Ledger
    from engine.migration import MigrationProtocol
    from engine.run.code import Lender as Driver


@dataclass
class Project:
    """One set of specs and, where one is named, one database.

    Attributes:
        specs: folder of the specs; None: only registered classes.
        url: the database, None where no command needs one.
        variables: `--var` values; they win over the config's and the specs'.
        dialect_name: `--dialect`; "" for that of the database (or sqlite).
        texts: (name, text) of specs that come with a plan file, in place of the folder.
        classes: migrations registered from Python, by version.
        keep_open: give one connection for the project's life (`:memory:`).
        cache: folder of what is remembered between runs; None: nothing is.
        today: the day as `2027-01-31`, for ignores that end; "" where none does.
    """

    specs: Path | None = Path("specs")
    url: DatabaseUrl | None = None
    config: Config = field(default_factory=Config)
    variables: Mapping[str, str] = field(default_factory=dict)
    dialect_name: str = ""
    classes: dict[str, MigrationProtocol] = field(default_factory=dict)
    texts: tuple[tuple[str, str], ...] = ()
    keep_open: bool = False
    cache: Path | None = None
    today: str = ""
    _open: Any = None

    @property
    def kind(self) -> str:
        """Name of the dialect to plan for."""
        name = self.dialect_name or (self.url.dialect if self.url else "sqlite")
        return "postgresql" if name == "postgres" else name

    @property
    def dialect(self) -> Dialect:
        """The dialect to plan for.

        Raises:
            UsageError: this version does not have it.
        """
        return dialects.load(self.kind)

    def require_url(self) -> DatabaseUrl:
        """Return the database's URL.

        Raises:
            UsageError: none was given.
        """
        if self.url is None:
            raise UsageError(
                "no database is named",
                "give --db URL, set ENGINE_DB or DATABASE_URL, or write `db:` in engine.yaml",
                next="engine plan --db app.db",
            )
        return self.url

    @property
    def is_new(self) -> bool:
        """True where `apply` would make the database's file."""
        url = self.url
        if url is None or url.dialect != "sqlite" or url.path == ":memory:":
            return False
        try:
            return not Path(url.path).exists()
        except OSError:  # a folder that may not be entered: opening the file says so
            return False

    def require_existing(self) -> None:
        """See to it that the database is there; only `apply` makes a new one.

        Raises:
            EngineError: there is no such file.
        """
        url = self.require_url()
        if self.is_new:
            raise EngineError(f"there is no database {url.display}", "look at the path", kept="nothing was done")

    def memory(self, paths: Sequence[Path]) -> Path | None:
        """Return the file in which lint remembers what it found at `paths`."""
        if self.cache is None:
            return None
        import hashlib

        words = (str(Path.cwd()), str(self.specs), self.kind, *map(str, paths))
        return self.cache / "lint" / hashlib.sha256(repr(words).encode("utf-8", "surrogateescape")).hexdigest()[:32]

    # ── specs ─────────────────────────────────────────────────────────────
    def read(self, only: Sequence[Path] = ()) -> tuple[tuple[Spec, ...], tuple[Diagnostic, ...], int]:
        """Read all specs in version order.

        Args:
            only: files or folders in place of the specs folder (lint).

        Returns:
            The specs that could be built, all findings, and the number of files.

        Raises:
            EngineError: the folder is missing or can't be read.
        """
        from engine.spec.build import build

        folders: Sequence[Path] = only or ([self.specs] if self.specs is not None else [])
        specs: list[Spec] = []
        found: list[Diagnostic] = []
        count = 0
        quoting = dialects.Quoting(self.kind)
        variables, wanted = {**self.config.vars, **self.variables}, self.config.dialects
        for name, text in self.texts:
            source = Source(name, text)
            spec, problems = build(source, variables, self.kind, quoting, files.version_of(Path(name).name), wanted)
            found += problems
            specs += [spec] if spec is not None else []
            count += 1
        for folder in folders:
            listing = files.find(folder)
            found += listing.diagnostics
            for file in listing.files:
                count += 1
                found += file.diagnostics
                if file.source is None:
                    continue
                spec, problems = build(file.source, variables, self.kind, quoting, file.version, wanted)
                found += problems
                if spec is not None:
                    specs.append(spec)
        specs.sort(key=lambda spec: files.version_key(spec.version))
        found += requirements(specs)
        return tuple(specs), tuple(found), count

    # ── database ──────────────────────────────────────────────────────────
    @contextmanager
    def connect(self, *, read_only: bool = False) -> Iterator[tuple[Driver, Ledger]]:
        """Open the database; closed at the end unless `keep_open`.

        Raises:
            EngineError: it can't be opened.
        """
        if self._open is not None:
            yield self._open
            return
        pair = self._connect(read_only)
        if self.keep_open:
            self._open = pair
            yield pair
            return
        try:
            yield pair
        finally:
            pair[0].close()

    def _connect(self, read_only: bool) -> tuple[Driver, Ledger]:
        url = self.require_url()
        return dialects.connect(
            url.dialect, url.path, url.reveal(), read_only=read_only, lock_timeout=self.config.lock_timeout
        )

    def close(self) -> None:
        """Close the connection that `keep_open` kept."""
        if self._open is not None:
            self._open[0].close()
            self._open = None


def requirements(specs: Sequence[Spec]) -> list[Diagnostic]:
    """Return what is wrong with `requires`: circles, unknown and later versions."""
    found: list[Diagnostic] = []
    place = {spec.version: n for n, spec in enumerate(specs)}
    for n, spec in enumerate(specs):
        for version in spec.requires or ():
            if version in place and place[version] < n:
                continue
            span = spec.span(("requires",))
            if version in place and _circle(spec, version, specs):
                words = f"`requires` goes in a circle: {spec.version} → {version} → {spec.version}"
                found.append(Diagnostic("VC107", "error", words, span, "take one of them out", version=spec.version))
            elif version in place:
                words = f"{spec.version} requires {version}, which comes later"
                found.append(Diagnostic("VC108", "error", words, span, "renumber one of them", version=spec.version))
            else:
                words = f"{spec.version} requires {version}, and there is no such version"
                found.append(Diagnostic("VC108", "error", words, span, "correct the version", version=spec.version))
    return found


def gaps(specs: Sequence[Spec]) -> list[Diagnostic]:
    """Return VC103 where versions that are counted one by one leave a number out; other schemes have no gaps."""
    numbered = [s for s in specs if s.version.isascii() and s.version.isdigit()]
    steps = [(a, b, int(b.version) - int(a.version)) for a, b in pairwise(numbered)]
    by_one = sum(1 for *_, step in steps if step == 1)
    if len(numbered) != len(specs) or 3 * by_one < 2 * len(steps):
        return []
    return [
        Diagnostic(
            "VC103",
            "info",
            f"{after.version} comes behind {before.version}: {_between(before, after)}",
            after.span(("version",)),
            "was a file forgotten? If not, ignore VC103 in this spec, with the reason",
            version=after.version,
        )
        for before, after, step in steps
        if step > 1
    ]


def _between(before: Spec, after: Spec) -> str:
    first, last = int(before.version) + 1, int(after.version) - 1
    width = len(before.version)
    return f"there is no {first:0{width}}" if first == last else f"there are no {first:0{width}} to {last:0{width}}"


def _circle(spec: Spec, version: str, specs: Sequence[Spec]) -> bool:
    """Tell whether `version` needs `spec` in turn, directly or by way of others."""
    needs = {s.version: s.requires or () for s in specs}
    seen: set[str] = set()
    todo = [version]
    while todo:
        now = todo.pop()
        if now == spec.version:
            return True
        if now not in seen:
            seen.add(now)
            todo += needs.get(now, ())
    return False
