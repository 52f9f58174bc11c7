"""Lint without a database, spec by spec: what did not change since the last time is not asked again.

Each spec has two keys. What was found in reading it goes by its own text; what was found in folding it also by
the chain of all that earlier specs did to the schema. A spec that changes without doing anything else to the
schema leaves the keys of the later ones as they were. The keys hold the engine, SQLite, the config and the
baseline too, so that an entry is right or is not found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.edition import entry_key
from engine.errors import Diagnostic
from engine.memo import Lost, Memo, Reader, Writer
from engine.source import Source
from engine.spec import files

if TYPE_CHECKING:
    from engine.model.expression import PerDialect
    from engine.plan.compile import Compiler
    from engine.project import Project
    from engine.spec.model import Spec

Objects = list[tuple[str, str, str, str]]
_KINDS = {"table": 0, "index": 1, "view": 2, "trigger": 3}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a lint found: specs in order (those out of the memo are outlines), findings, number of files."""

    specs: tuple[Spec, ...]
    diagnostics: tuple[Diagnostic, ...]
    files: int


def run(project: Project, paths: Sequence[Path], memo: Memo) -> Outcome:
    """Return what is found in the specs at `paths`, or in the project's.

    Raises:
        EngineError: the specs can't be read at all.
    """
    from engine.project import requirements

    found: list[Diagnostic] = []
    read: list[files.SpecFile] = []
    for folder in paths or ([project.specs] if project.specs is not None else []):
        listing = files.find(folder)
        found += listing.diagnostics
        read += listing.files
    for file in read:
        found += file.diagnostics
    walk = _Walk(project, memo)
    units = [unit for unit in (walk.built(file) for file in read if file.source is not None) if unit]
    for unit in units:
        found += unit.found
    good = sorted((u for u in units if u.spec is not None), key=lambda u: files.version_key(u.version))
    specs = tuple(u.spec for u in good if u.spec is not None)
    found += requirements(specs)
    for unit in good:
        found += walk.folded(unit)
    return Outcome(specs, tuple(found), len(read))


@dataclass
class _Unit:
    """One file on its way."""

    source: Source
    key: str
    version: str
    found: tuple[Diagnostic, ...] = ()
    spec: Spec | None = None
    whole: bool = False  # the spec has its steps' bodies


@dataclass
class _Walk:
    """The fold over all specs; a compiler is there only while specs that are not remembered are met."""

    project: Project
    memo: Memo
    chain: str = ""
    complete: bool = False
    objects: Objects = field(default_factory=list)
    context: dict[str, Any] = field(default_factory=dict)
    compiler: Compiler | None = None

    def __post_init__(self) -> None:
        taken: tuple[str, ...] = ()
        if self.project.config.schema is not None:
            from engine.checking import baseline

            start = baseline(self.project)
            self.complete, taken = start.complete, start.taken
            self.objects = [(o.type, o.name, o.table, o.sql) for o in start.objects]
            self.objects.sort(key=_rank)
        config = self.project.config
        self.world = entry_key(
            self.project.kind,
            sorted((name, repr(value)) for name, value in {**config.vars, **self.project.variables}.items()),
            (config.lint.large_table_rows, config.zero_downtime, config.require_reversible, config.dialects),
            self.objects,
            (self.complete, taken),
        )
        self.chain = self.world

    # ── reading ───────────────────────────────────────────────────────────
    def built(self, file: files.SpecFile) -> _Unit:
        """Return what reading a file gives."""
        assert file.source is not None
        key = entry_key(self.world, file.source.name, file.version, file.source.text)
        unit = _Unit(file.source, key, file.version)
        kept = self.memo.get(f"built {key}")
        if kept is not None:
            try:
                reader = Reader(file.source)
                unit.found = reader.diagnostics(kept["found"], {})
                unit.spec = reader.outline(kept["spec"]) if kept["spec"] else None
                unit.version = unit.spec.version if unit.spec else unit.version
                return unit
            except Lost:
                unit = _Unit(file.source, key, file.version)
        self._build(unit)
        writer = Writer(file.source.name)
        spec = writer.outline(unit.spec) if unit.spec is not None else None
        self.memo.put(f"built {key}", {"found": writer.diagnostics(unit.found, {}), "spec": spec})
        return unit

    def _build(self, unit: _Unit) -> None:
        from engine import dialects
        from engine.spec.build import build

        project = self.project
        quoting = dialects.Quoting(project.kind)
        values = {**project.config.vars, **project.variables}
        name_version = files.version_of(Path(unit.source.name).name)
        unit.spec, unit.found = build(unit.source, values, project.kind, quoting, name_version, project.config.dialects)
        unit.version = unit.spec.version if unit.spec else unit.version
        unit.whole = True

    # ── folding ───────────────────────────────────────────────────────────
    def folded(self, unit: _Unit) -> tuple[Diagnostic, ...]:
        """Return what folding a spec gives, and go on behind it."""
        key = f"folded {entry_key(unit.key, self.chain)}"
        kept = self.memo.get(key)
        if kept is not None:
            try:
                reader = Reader(unit.source)
                context = self._context_after(kept, reader)
                found = reader.diagnostics(kept["found"], context["gone"])
            except Lost:
                pass
            else:
                start, removed, added = kept["objects"]
                self.objects[start : start + removed] = [tuple(o) for o in added]
                self.context, self.chain, self.compiler = context, kept["chain"], None
                return found
        return self._fold(unit, key)

    def _context_after(self, kept: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
        """Return the compiler's context behind a spec that is remembered."""
        gone = self.context.get("gone", {})
        if kept["gone"]["taken"] or kept["gone"]["put"]:
            gone = dict(gone)
            for name in kept["gone"]["taken"]:
                gone.pop(tuple(name), None)
            for table, column, words, place in kept["gone"]["put"]:
                gone[table, column] = (words, reader.span(place))
        declared = self.context.get("declared", {})
        if kept["declared"]["taken"] or kept["declared"]["put"]:
            declared = dict(declared)
            for name in kept["declared"]["taken"]:
                declared.pop(tuple(name), None)
            from engine.model.expression import PerDialect

            for table, column, text, texts in kept["declared"]["put"]:
                declared[table, column] = PerDialect(text, _pairs(texts))
        same = {name: kept[name] for name in ("broken", "sizes", "types")}
        return {"gone": gone, "declared": declared, **same}

    def _fold(self, unit: _Unit, key: str) -> tuple[Diagnostic, ...]:
        from engine.checking import findings, world_of
        from engine.dialects.base import Catalogue, CatalogueObject
        from engine.lint.declared import after as after_types
        from engine.plan.compile import Compiler

        if not unit.whole:
            self._build(unit)
        assert unit.spec is not None
        compiler = self.compiler
        if compiler is None:
            dialect = self.project.dialect
            objects = tuple(CatalogueObject(*o) for o in self.objects)
            types = tuple((name, tuple(values)) for name, values in self.context.get("types", ()))
            start = dialect.open(Catalogue(objects, (), self.complete, types))
            compiler = Compiler(start, dialect, names_must_exist=False)
            compiler.restore(self.context)
            self.compiler = compiler
        before = self.context
        compiler.diagnostics.clear()
        compiler.facts.clear()
        compiler.migration(unit.spec)
        known: dict[tuple[str, str], PerDialect] = before.get("declared", {})
        found = findings(compiler, world_of(self.project), known)
        catalogue = compiler.session.catalogue()
        after = [(o.type, o.name, o.table, o.sql) for o in catalogue.objects]
        # As a session that begins here would have them.
        after.sort(key=_rank)
        declared = after_types(known, compiler.facts)
        self.context = {**compiler.context(), "declared": declared, "types": catalogue.types}
        self._remember(unit, key, found, after, {**before, "declared": known})
        self.objects = after
        return found

    def _remember(
        self, unit: _Unit, key: str, found: Sequence[Diagnostic], after: Objects, before: Mapping[str, Any]
    ) -> None:
        """Put down what a spec did, and move the chain behind it; findings without a place to find again are not."""
        writer = Writer(unit.source.name)
        start, removed, added = _difference(self.objects, after)
        gone = self.context["gone"]
        taken, put = _changed(before.get("gone", {}), gone)
        declared = self.context["declared"]
        untyped, typed = _changed(before.get("declared", {}), declared)
        types = [[*name, *_plain(declared[name])] for name in typed]
        words = [(*name, gone[name][0]) for name in put]
        sizes, made = self.context["sizes"], self.context["types"]
        broken = sorted(self.context["broken"])
        self.chain = entry_key(self.chain, start, removed, added, taken, words, broken, sizes, untyped, types, made)
        try:
            self.memo.put(
                key,
                {
                    "found": writer.diagnostics(found, gone),
                    "objects": [start, removed, added],
                    "gone": {
                        "taken": taken,
                        "put": [[*w, writer.span(gone[n][1])] for w, n in zip(words, put, strict=True)],
                    },
                    "declared": {"taken": untyped, "put": types},
                    "types": made,
                    "broken": broken,
                    "sizes": sizes,
                    "chain": self.chain,
                },
            )
        except Lost:
            pass


def _rank(o: tuple[str, str, str, str]) -> int:
    return _KINDS.get(o[0], len(_KINDS))


def _changed(
    before: Mapping[tuple[str, str], Any], after: Mapping[tuple[str, str], Any]
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the names that go, and those that come or have another value."""
    put = [name for name, value in after.items() if (had := before.get(name)) is not value and had != value]
    return sorted(before.keys() - after.keys()), sorted(put)


def _plain(type: PerDialect) -> list[Any]:
    return [type.text, [list(pair) for pair in type.texts]]


def _pairs(texts: Sequence[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((dialect, text) for dialect, text in texts)


def _difference(before: Objects, after: Objects) -> tuple[int, int, Objects]:
    """Return where two lists begin to differ, how many entries go there, and which come."""
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    return start, len(before) - start - end, after[start : len(after) - end]
