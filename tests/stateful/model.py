"""What must be true of a database at any moment of its life: a simple model, and a tally of what was met.

The model holds moments: the database as it was before each migration that is applied. What others change is changed in
every moment that it must survive to; so after a rollback the database must equal the moment, to the byte.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from tests.stateful import kinds
from tests.stateful.place import WAYS, Moment, Place

SEEDS = st.integers(0, 10_000)
DISTURBED = st.tuples(st.sampled_from(WAYS), SEEDS)
KILLED = st.tuples(st.just("killed"), SEEDS)
OTHERS = st.tuples(st.just("others write"), SEEDS)
POLICIES = st.sampled_from(("abort", "skip", "force"))
LAST = 14  # versions

MET: Counter[str] = Counter()
"""How often each outcome was met: `command, how it was disturbed: state before → exit code, state after`."""


@dataclass
class Done:
    """A migration that is applied.

    Attributes:
        before: what a rollback must give back.
        edited: rows of `t` whose mark others changed since: a conflict.
    """

    version: str
    kind: str
    before: Moment
    finalized: bool = False
    edited: set[int] = field(default_factory=set)

    @property
    def stays(self) -> bool:
        """True where there is no way back."""
        return self.finalized or self.kind == "one way"


@dataclass
class Half:
    """A migration that was interrupted."""

    done: Done
    direction: str
    after: Moment


class Model(RuleBasedStateMachine):
    """What is known of one database."""

    def __init__(self) -> None:
        super().__init__()
        self.place: Place | None = None
        self.kinds: dict[str, str] = {}  # of the specs, by version
        self.edited: set[str] = set()  # specs that are not as they were written
        self.gone: set[str] = set()
        self.done: list[Done] = []
        self.half: Half | None = None
        self.moment = Moment(b"")
        self.fence = 0
        self.outside = 0

    @property
    def _place(self) -> Place:
        assert self.place is not None
        return self.place

    def _applied(self) -> list[str]:
        return [d.version for d in self.done]

    def _begun(self) -> list[str]:
        half = [self.half.done.version] if self.half is not None else []
        return sorted({*self._applied(), *half} & set(self.kinds))

    def _pending(self) -> list[str]:
        return [v for v in sorted(self.kinds) if v not in self._applied() and v not in self.gone]

    def _refused(self) -> int | None:
        """Return the code with which `apply` refuses, None where it goes on."""
        if not set(self.kinds) - self.gone:
            return 1  # an empty folder
        if self.half is not None and self.half.direction == "rollback":
            return 6
        if self.half is not None and self.half.done.version in self.edited | self.gone:
            return 4
        if self.edited & set(self._applied()):
            return 4
        return None

    def _failing_later(self) -> bool:
        return any(self.kinds[v] in ("fails", "stops") for v in self._pending())

    def _pick(self, versions: list[str], seed: int) -> str:
        return versions[seed % len(versions)]

    def _story(self, status: Any = None) -> str:
        done = ", ".join(f"{d.version} {d.kind}" for d in self.done)
        half = f"; half: {self.half.done.version} {self.half.done.kind} {self.half.direction}" if self.half else ""
        return f"model: {done}{half}; status: {status}"

    def _add(self, kind: str) -> None:
        last = max([0, *map(int, self.kinds), *(int(d.version) for d in self.done)])
        version = f"{last + 1:03}"
        assume(last < LAST)
        self.kinds[version] = kind
        kinds.path(version).write_text(kinds.text(version, kind), encoding="utf-8")

    def _put_back(self, version: str) -> None:
        kinds.path(version).write_text(kinds.text(version, self.kinds[version]), encoding="utf-8")
        self.edited.discard(version)
        self.gone.discard(version)

    def _state(self) -> str:
        return f"half {self.half.direction}" if self.half is not None else "whole"

    def _told(self, command: str, way: str, was: str, code: int | None) -> None:
        """Count an outcome."""
        end = "killed" if code is None else code
        MET[f"{command}{way and ', '}{way}: {was} → {end}, {self._state()}"] += 1

    def _seen_by_all(self, sql: str, *path: tuple[Done, Moment, int]) -> list[tuple[Done, Moment, int]]:
        """Others changed what every moment holds, also those of `path`, which is returned as it is then."""
        self.moment = self.moment.changed(sql)
        if self.half is not None:
            self.half.after = self.half.after.changed(sql)
        half = [self.half.done] if self.half is not None else []
        for done in {id(done): done for done in (*self.done, *half, *(done for done, *_ in path))}.values():
            done.before = done.before.changed(sql)
        return [(done, after.changed(sql), code) for done, after, code in path]

    def _meets(self, id_: int, sql: str, params: tuple[Any, ...] = ()) -> None:
        """What others wrote survives the undo of all but a mark, for which it is a conflict."""
        for done in reversed([d for d in self.done if self.half is None or d is not self.half.done]):
            if done.kind in kinds.MARKS:
                done.edited.add(id_)
                break
            done.before = done.before.changed(sql, params)
