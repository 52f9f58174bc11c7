"""What happens to a database over its life, in any order: rules of users and of others, and what must hold after each."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import initialize

from tests.crash.crashing import watched
from tests.stateful import kinds
from tests.stateful.always import Always
from tests.stateful.model import SEEDS
from tests.stateful.others import Others
from tests.stateful.place import Moment, Place
from tests.stateful.users import Users


class Life(Users, Others, Always):
    """The life of one database."""

    def __init__(self) -> None:
        super().__init__()
        self.quick = watched()  # nothing waits for the disk
        self.quick.__enter__()

    @initialize(
        wal=st.booleans(),
        first=st.lists(st.sampled_from(kinds.OFTEN), min_size=1, max_size=4),
        second=st.lists(st.sampled_from(kinds.OFTEN), min_size=1, max_size=2),
        age=st.sampled_from(("new", "old", "half apply", "half rollback")),
        seed=SEEDS,
    )
    def begin(self, wal: bool, first: list[str], second: list[str], age: str, seed: int) -> None:
        """A database of others; the engine knows nothing of it, or has been there before and may have been killed."""
        self.place = Place(wal=wal)
        self.moment = Moment.now()
        for kind in first:
            self._add(kind)
        if age != "new":
            self.forth(None, True)
        if age == "half rollback":
            self.back(("killed", seed), 1, "abort")
        for kind in second:
            self._add(kind)
        if age == "half apply":
            self.forth(("killed", seed), True)

    def teardown(self) -> None:
        """Drive it to the end and back, whatever its state is: all is applied, all is taken back."""
        self.quick.__exit__(None, None, None)
        if self.place is None:
            return
        try:
            with watched():
                self._to_the_end()
        finally:
            self.place.leave()

    def _to_the_end(self) -> None:
        for version in list(self.edited | self.gone):
            self._put_back(version)
        for version in [v for v, kind in self.kinds.items() if kind in ("fails", "stops")]:
            if self.half is not None and self.half.done.version == version:
                self.back(None, 1, "abort")
            if version not in self._applied():
                kinds.path(version).unlink()
                del self.kinds[version]
        if self.half is not None and self.half.direction == "rollback":
            self.back(None, 1, "abort")
            while self.half is not None:  # a conflict stopped it in the middle
                self.back(None, 1, "skip")
        self.forth(None, True)
        assert self.half is None and set(self._applied()) == set(self.kinds), self._story()
        users = self._place.users()
        self.forth(None, True)
        assert not users.differences(self._place.users()), "what is applied was applied again"
        self.back(None, 100, "skip")
        assert all(done.stays for done in self.done[-1:]), self._story()
        assert self.done or not self.journals(), "journals are left of what is taken back"
