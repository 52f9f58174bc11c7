"""What users of the engine do: write specs, apply, roll back, finalize, look."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.stateful import kinds
from tests.stateful.model import DISTURBED, KILLED, LAST, OTHERS, POLICIES, SEEDS
from tests.stateful.runs import Runs


class Users(Runs):
    """Rules of users."""

    # ── specs ─────────────────────────────────────────────────────────────
    @precondition(lambda self: len(self.kinds) < LAST)
    @rule(kind=st.one_of(st.sampled_from(kinds.OFTEN), st.sampled_from(kinds.BAD)))
    def add(self, kind: str) -> None:
        """A new spec, after all others."""
        self._add(kind)

    @precondition(lambda self: bool(self._begun()))
    @rule(seed=SEEDS)
    def edit(self, seed: int) -> None:
        """The spec of what is applied, or half applied, is edited."""
        version = self._pick(self._begun(), seed)
        if version in self.gone:
            return
        changed = kinds.text(version, "index" if self.kinds[version] != "index" else "column")
        kinds.path(version).write_text(changed, encoding="utf-8")
        self.edited.add(version)

    @precondition(lambda self: bool(set(self._begun()) - self.gone))
    @rule(seed=SEEDS)
    def apply_over_what_was_edited(self, seed: int) -> None:
        """A spec that is applied, or half applied, is edited, `apply` refuses, and it is put back."""
        version = self._pick(sorted(set(self._begun()) - self.gone), seed)
        kinds.path(version).write_text(kinds.text(version, "one way"), encoding="utf-8")
        self.edited.add(version)
        self.forth(None, True)
        self._put_back(version)

    @precondition(lambda self: self._refused() is None and self.half is None and len(self.kinds) < LAST)
    @rule(kind=st.sampled_from(("fails", "stops")), way=st.one_of(st.none(), KILLED))
    def apply_one_that_fails(self, kind: str, way: tuple[str, int] | None) -> None:
        """A new spec whose last step fails; it is taken out where nothing is left of it."""
        self._add(kind)
        version = max(self.kinds)
        self.forth(way, True)
        if self.half is None and version not in self._applied():
            kinds.path(version).unlink()
            del self.kinds[version]

    @precondition(lambda self: bool(self._begun()))
    @rule(seed=SEEDS)
    def delete(self, seed: int) -> None:
        """The spec of what is applied, or half applied, is deleted."""
        version = self._pick(self._begun(), seed)
        kinds.path(version).unlink(missing_ok=True)
        self.edited.discard(version)
        self.gone.add(version)

    @precondition(lambda self: bool(self.edited or self.gone))
    @rule(seed=SEEDS)
    def restore(self, seed: int) -> None:
        """A spec is put back as it was."""
        self._put_back(self._pick(sorted(self.edited | self.gone), seed))

    @precondition(lambda self: bool(set(self.kinds) - set(self._begun())))
    @rule(seed=SEEDS)
    def withdraw(self, seed: int) -> None:
        """A spec that is pending is deleted."""
        version = self._pick(sorted(set(self.kinds) - set(self._begun())), seed)
        kinds.path(version).unlink(missing_ok=True)
        self.edited.discard(version)
        self.gone.discard(version)
        del self.kinds[version]

    # ── there ─────────────────────────────────────────────────────────────
    @rule(everything=st.booleans())
    def apply(self, everything: bool) -> None:
        """`apply`, whether there is something to do or not."""
        self.forth(None, everything)

    @precondition(lambda self: self._pending() and self._refused() is None)
    @rule(disturbed=st.one_of(KILLED, DISTURBED, OTHERS), everything=st.booleans())
    def apply_disturbed(self, disturbed: tuple[str, int], everything: bool) -> None:
        """`apply`, killed, met by an error or by a write of others on the way."""
        self.forth(disturbed, everything)

    @precondition(lambda self: self._pending() and self._refused() is None)
    @rule(disturbed=KILLED)
    def apply_killed(self, disturbed: tuple[str, int]) -> None:
        """`apply` of one migration, killed on the way."""
        self.forth(disturbed, False)

    # ── back ──────────────────────────────────────────────────────────────
    @precondition(lambda self: self.done or self.half is not None or not self.kinds)
    @rule(steps=st.integers(1, 3), policy=POLICIES)
    def rollback(self, steps: int, policy: str) -> None:
        """`rollback`."""
        self.back(None, steps, policy)

    @precondition(lambda self: self.done or self.half is not None)
    @rule(disturbed=st.one_of(KILLED, DISTURBED, OTHERS), steps=st.integers(1, 3), policy=POLICIES)
    def rollback_disturbed(self, disturbed: tuple[str, int], steps: int, policy: str) -> None:
        """`rollback`, killed, met by an error or by a write of others on the way."""
        self.back(disturbed, steps, policy)

    @precondition(lambda self: self.done and self.half is None and not self.done[-1].stays)
    @rule(seed=SEEDS, policy=POLICIES)
    def rollback_killed(self, seed: int, policy: str) -> None:
        """`rollback` of the last one, killed on the way."""
        self.back(("killed", seed), 1, policy)

    @precondition(lambda self: self.half is not None)
    @rule(disturbed=st.one_of(st.none(), KILLED, OTHERS), policy=POLICIES)
    def rollback_of_what_is_half(self, disturbed: tuple[str, int] | None, policy: str) -> None:
        """`rollback` of what is half applied or half rolled back."""
        self.back(disturbed, 1, policy)

    @precondition(lambda self: self.done and self.half is None)
    @rule(disturbed=st.one_of(st.none(), KILLED), seed=SEEDS)
    def rollback_to(self, disturbed: tuple[str, int] | None, seed: int) -> None:
        """`rollback --to` a version that is applied, or 0."""
        at = seed % len(self.done)
        self.back(disturbed, len(self.done) - at, "abort", to=self.done[at - 1].version if at else "0")

    # ── the rest of a life ────────────────────────────────────────────────
    @precondition(lambda self: self.done and self.half is None)
    @rule(disturbed=st.one_of(st.none(), DISTURBED), seed=SEEDS)
    def finalize(self, disturbed: tuple[str, int] | None, seed: int) -> None:
        """The way back of one is given up."""
        place = self._place
        # Most often the oldest: what is below it can't be rolled back any more.
        done = self.done[0 if seed % 4 else seed % len(self.done)]
        users = place.users()
        if disturbed is not None:
            number = self._where(disturbed[1], place.statements("finalize", done.version))
            ended = place.disturbed(disturbed[0], number, "finalize", done.version)
            self._told("finalize", disturbed[0], "whole", ended and ended.code)
            place.settle()
            state = place.rows(f"SELECT state FROM migration_history WHERE version = '{done.version}'")[0][0]
            told = [
                line for line in place.status()["drift"] if line.startswith(f"the finalize of {done.version} has not")
            ]
            done.finalized = state == "finalized" or bool(told)  # what has begun is gone on with below
        if disturbed is None or done.finalized:
            ran = place.engine("finalize", done.version)
            assert ran.code == 0, ran.output
            self._told("finalize", "", "whole", ran.code)
            done.finalized = True
        assert not users.differences(place.users())

    @rule()
    def look(self) -> None:
        """Commands that only look change no byte and leave no file."""
        place = self._place
        before = place.image()
        for command, *args in (("plan",), ("status",), ("list",), ("history",), ("lint",), ("rollback", "--dry-run")):
            ran = place.engine(command, *args)
            assert ran.code in (0, 1, 4), ran.output
            after = place.image()
            assert after == before, f"{command} changed {[k for k in after if after.get(k) != before.get(k)]}"
        listed = place.engine("list").output if set(self.kinds) - self.gone else ""
        assert not listed or all(f"✓  {d.version}" in listed for d in self.done)

    @rule()
    def do_what_status_says(self) -> None:
        """The command that `status` names works, or says what has to be done first."""
        place = self._place
        command = place.status()["next"].removeprefix("engine ")
        if not command:
            assert self.half is None
            return
        with place.aside():
            ran = place.engine(command, *(["--on-conflict", "skip"] if command == "rollback" else []))
            if command == "lint":
                assert ran.code == 1 or "warning" in ran.output, ran.output
            elif command == "plan":
                assert ran.code == 0, ran.output
            else:
                stops = self.half is not None and self.half.done.kind in ("stops", "fails")
                later = "went well before" in ran.output or self._failing_later()
                assert ran.code == 0 or stops or later, ran.output
