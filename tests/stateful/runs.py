"""Runs of `apply` and `rollback`, foreseen, disturbed and judged."""

from __future__ import annotations

from typing import Any

from hypothesis import note

from tests.stateful.model import Done, Half, Model
from tests.stateful.place import Moment
from tests.support.command import Ran

Path = list[tuple[Done, Moment, int]]
"""Migrations in the order of a run: what is done, the database after it, and the exit code of a run up to there."""


class Runs(Model):
    """What a run must come to."""

    def forth(self, disturbed: tuple[str, int] | None, everything: bool) -> None:
        """Apply all, or up to the next version, and see to it that the end is that of an undisturbed run."""
        place = self._place
        expected = self._refused()
        if expected is not None:
            users = place.users()
            ran = place.engine("apply")
            assert ran.code == expected, f"expected {expected}: {ran.output}"
            if self.half is None:
                assert not users.differences(place.users())
            else:
                self._settled("apply", [(self.half.done, self.half.after, 0)], ran.code, disturbed=True)
            self._told("apply", "", self._state(), ran.code)
            return
        todo = self._pending()
        if not todo:
            assert place.engine("apply").code == 0
            self._told("apply", "nothing to do", self._state(), 0)
            return
        args = () if everything else ("--to", todo[0])
        path, code = self._foreseen(todo if everything else todo[:1])
        was = self._state()
        way, ended, path = self._run(disturbed, path, "apply", *args)
        whole = way in ("", "others write")
        assert not whole or (ended is not None and ended.code == code), f"not {code}: {ended}"
        self._settled("apply", path, code, disturbed=not whole)
        self._told("apply", way, was, ended and ended.code)

    def _run(
        self, disturbed: tuple[str, int] | None, path: Path, command: str, *args: str
    ) -> tuple[str, Ran | None, Path]:
        """Run a command; return how it was disturbed, its end (None where it was killed), and its way as it is now."""
        place = self._place
        if disturbed is None:
            return "", place.engine(command, *args), path
        way, seed = disturbed
        number = self._where(seed, place.statements(command, *args))
        note(f"{command} {args} {way} at {number}")
        if way != "others write":
            return way, place.disturbed(way, number, command, *args), path
        sql = f"UPDATE t SET note = 'meanwhile {seed}' WHERE id = {seed % 6 + 1}"
        changed, ran = place.met(sql, number, command, *args)
        return way, ran, self._seen_by_all(sql, *path) if changed else path

    def _where(self, seed: int, sent: list[str]) -> int:
        """Return the number of a statement: of three in four runs one of those between the first and last commit."""
        commits = [number for number, sql in enumerate(sent, 1) if sql == "COMMIT"]
        if seed % 4 and len(commits) > 1:
            return commits[0] + seed // 4 % (commits[-1] - commits[0])
        return seed // 4 % len(sent) + 1

    def _foreseen(self, todo: list[str]) -> tuple[Path, int]:
        """Apply one by one, aside: what is before and after each, and the code of the last one."""
        place = self._place
        path: Path = []
        code = 0
        with place.aside():
            for version in todo:
                half = self.half.done if self.half is not None and self.half.done.version == version else None
                before = half.before if half is not None else Moment.now()
                ran = place.engine("apply", "--to", version)
                code = ran.code
                done = half or Done(version, self.kinds[version], before)
                path.append((done, Moment.now(), code))
                if code:
                    assert code == 3 and self.kinds[version] in ("fails", "stops"), ran.output
                    if self.kinds[version] == "fails":
                        assert not before.users().differences(place.users()), "a failed migration is not undone"
                    break
        return path, code

    def back(self, disturbed: tuple[str, int] | None, steps: int, policy: str, to: str = "") -> None:
        """Roll back, and see to it that what was before is there again."""
        place = self._place
        todo = [self.half.done] if self.half is not None else []
        todo = [*todo, *reversed([d for d in self.done if d not in todo])][:steps]
        if disturbed is not None and any(done.edited for done in todo):
            policy = "abort"  # what an interrupted skip or force has done already can't be told from outside
        users = place.users()
        args = ("--to", to) if to else ("--steps", str(steps))
        args = (*args, "--on-conflict", policy)
        path: Path = []
        code, now = 0, self.moment
        kept: dict[int, str | None] = {}  # what others wrote, over which `skip` goes
        for done in todo:
            code = 1 if done.stays else 4 if done.edited and policy == "abort" else 0
            if code:
                break
            kept |= {id_: now.value(id_) for id_ in (done.edited if policy == "skip" else ())}
            after = done.before
            for id_, value in kept.items():
                after = after.changed("UPDATE t SET v = ? WHERE id = ?", (value, id_))
            path.append((done, after, 0))
            now = after
        was = self._state()
        way, ended, path = self._run(disturbed, path, "rollback", *args)
        whole = way in ("", "others write")
        assert not whole or (ended is not None and ended.code == code), f"not {code}: {ended}"
        if not way and code and not path:
            assert not users.differences(place.users()), "refused, and something changed"
        self._settled("rollback", path, code, disturbed=not whole)
        told = f"{policy} a conflict" if any(done.edited for done in todo) else ""
        self._told("rollback", " ".join(filter(None, (way, told))), was, ended and ended.code)
        for id_, value in kept.items():
            self._meets(id_, "UPDATE t SET v = ? WHERE id = ?", (value, id_))

    # ── after a run ───────────────────────────────────────────────────────
    def _settled(self, direction: str, path: Path, code: int, *, disturbed: bool) -> None:
        """Judge how a run ended; a spec that is pending again is put back as it was."""
        self._judge(direction, path, code, disturbed=disturbed)
        for version in sorted((self.edited | self.gone) - set(self._begun())):
            self._put_back(version)  # else later ones go before it

    def _judge(self, direction: str, path: Path, code: int, *, disturbed: bool) -> None:
        """Compare with what was foreseen, and take in how far it came."""
        place = self._place
        place.settle()
        status = place.status()
        now = status["in_progress"]
        came = self._came(direction, path, status["applied"], now, self._story(status))
        if not disturbed and direction == "apply":
            whole = len([1 for *_, one in path if one == 0])
            assert came == whole, self._story(status)
            assert (now is not None) == (code == 3 and path[-1][0].kind == "stops"), self._story(status)
        if not disturbed and direction == "rollback":
            assert came == len(path) and now is None, self._story(status)
        reached = self.moment if self.half is None else self.half.done.before
        for done, after, _ in path[:came]:
            if direction == "apply":
                self.done.append(done) if done not in self.done else None
            elif done in self.done:
                self.done.remove(done)
            reached = after
        if now is None:
            if came == 0 and self.half is not None and now is None:
                # a failed or undone half: it is where it began
                reached = self.half.done.before if self.half.direction == "apply" else self.half.after
            self.half = None
            differences = reached.users().differences(place.users())
            assert not differences, "\n".join([self._story(status), *differences])
            self.moment = reached
            return
        done, after, _ = path[came] if came < len(path) else (self._half_done(), self.moment, 0)
        assert (now["version"], now["direction"]) in {(done.version, "apply"), (done.version, "rollback")}
        if direction == "rollback" and now["direction"] == "apply" and self.half is not None:
            after = self.half.after  # the way back had not begun
        self.half = Half(done, now["direction"], done.before if now["direction"] == "rollback" else after)
        if done in self.done and now["direction"] == "apply":
            self.done.remove(done)

    def _half_done(self) -> Done:
        assert self.half is not None, self._story()
        return self.half.done

    def _came(self, direction: str, path: Path, applied: list[str], now: Any, story: str) -> int:
        """Return how many of `path` are over; the history must be one of those that lie on it."""
        versions = [d.version for d in self.done]
        for came in range(len(path) + 1):
            expected = list(versions)
            for done, *_ in path[:came]:
                if direction == "apply":
                    expected += [done.version] if done.version not in expected else []
                elif done.version in expected:
                    expected.remove(done.version)
            if now is not None and now["direction"] == "apply":
                expected = [v for v in expected if v != now["version"]]
            after = path[came][0].version if came < len(path) else None
            if expected == applied and (now is None or now["version"] in (after, self._half_version())):
                if came == 0 and now is None and self.half is not None:
                    continue  # the half one is over, one way or the other
                return came
        if now is None and self.half is not None and applied == versions:
            return 0
        raise AssertionError(f"the history lies on no way that leads there: {story}")

    def _half_version(self) -> str | None:
        return self.half.done.version if self.half is not None else None
