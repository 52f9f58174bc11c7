"""The lock: one at a time, gone with its owner, and no trace of it afterwards (I5)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from run_samples import Database, plan

from engine.dialects.ledger import Holder
from engine.dialects.sqlite.driver import connect
from engine.dialects.sqlite.ledger import Ledger
from engine.dialects.sqlite.lock import FileLock
from engine.errors import DatabaseError, LockHeld, Stopped
from engine.run.executor import apply
from engine.run.rollback import rollback

HOLD = """
import sys
from engine.dialects.sqlite.driver import connect
from engine.dialects.sqlite.ledger import Ledger
driver = connect(sys.argv[1])
ledger = Ledger(driver, sys.argv[1])
with ledger.lock("apply"):
    ledger.start()
    print("held", flush=True)
    sys.stdin.read()
"""


def held_elsewhere(path: Path) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdin=pipe, stdout=pipe)
    assert other.stdout is not None and other.stdout.readline() == b"held\n"
    return other


def end(other: subprocess.Popen[bytes]) -> None:
    other.communicate()


def test_a_held_lock_is_refused_at_once_and_says_who(db: Database) -> None:
    other = held_elsewhere(db.path)
    begin = time.monotonic()
    with pytest.raises(LockHeld) as caught, db.ledger.lock("apply"):
        pass
    assert time.monotonic() - begin < 1
    assert f"process {other.pid}" in caught.value.message and "(engine apply), since 2" in caught.value.message
    assert caught.value.exit_code == 5 and "--lock-wait" in caught.value.hint
    holder = db.ledger.holder()
    assert holder is not None and holder.pid == other.pid
    end(other)
    assert db.ledger.holder() is None
    with db.ledger.lock("apply"):
        pass


def test_it_says_how_far_the_other_is(db: Database) -> None:
    with db.ledger.lock("apply"):
        apply(db.driver, db.ledger, plan())
    db.driver.execute("UPDATE migration_history SET state = 'rolling_back'")
    lock = FileLock(str(db.path))
    assert lock.acquire("rollback", 0)
    with pytest.raises(LockHeld) as caught, db.ledger.lock("apply"):
        pass
    assert caught.value.kept == "001: 0 of 0 parts are done, 0 rows"
    lock.release()


def test_a_killed_owner_leaves_the_lock_free(db: Database) -> None:
    other = held_elsewhere(db.path)
    other.send_signal(signal.SIGKILL)
    other.wait()
    end(other)
    assert Path(f"{db.path}.engine-lock").exists()  # only a name
    assert db.ledger.holder() is None
    with db.ledger.lock("apply"):
        pass
    assert not Path(f"{db.path}.engine-lock").exists()


def test_waiting_gets_the_lock_when_it_is_free(db: Database) -> None:
    other = held_elsewhere(db.path)
    with pytest.raises(LockHeld) as caught, db.ledger.lock("apply", wait=0.1):
        pass
    assert "waited for 0.1 s" in caught.value.hint
    waiting = FileLock(str(db.path), sleep=lambda _: end(other))
    assert waiting.acquire("apply", 10)
    waiting.release()


def test_nothing_stays_beside_the_database(db: Database) -> None:
    with db.ledger.lock("apply"):
        assert apply(db.driver, db.ledger, plan()).state == "applied"
    with db.ledger.lock("rollback"):
        assert rollback(db.driver, db.ledger, None, version="001").state == "rolled_back"
    db.driver.close()
    assert [f.name for f in db.path.parent.iterdir()] == ["app.db"]


def test_two_names_of_one_file_have_one_lock(db: Database, tmp_path: Path) -> None:
    name = tmp_path / "link.db"
    name.symlink_to(db.path)
    other = connect(name)
    with db.ledger.lock("apply"), pytest.raises(LockHeld), Ledger(other, name).lock("apply"):
        pass
    other.close()


def test_one_ledger_does_not_lock_twice(db: Database) -> None:
    with db.ledger.lock("apply"), pytest.raises(LockHeld, match="this process"), db.ledger.lock("apply"):
        pass


def test_a_lock_file_taken_away_is_noticed(db: Database) -> None:
    lock = FileLock(str(db.path))
    assert lock.acquire("apply", 0) and lock.intact()
    os.unlink(lock.path)
    assert not lock.intact()
    second = FileLock(str(db.path))
    assert second.acquire("apply", 0)
    lock.release()  # must not take away the file of the other
    assert second.intact()
    second.release()
    second.release()


def test_losing_the_lock_file_stops_the_work(db: Database) -> None:
    with db.ledger.lock("apply"):
        os.unlink(f"{db.path}.engine-lock")
        result = apply(db.driver, db.ledger, plan())
    assert isinstance(result.error, LockHeld) and result.state == "interrupted"
    assert db.ledger.record("001") is None


def test_a_folder_that_takes_no_lock_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "app.db.engine-lock").mkdir()
    with pytest.raises(DatabaseError, match=r"the lock file .* can't be made"):
        FileLock(str(tmp_path / "app.db")).acquire("apply", 0)


def test_a_lock_file_with_other_content_names_nobody(tmp_path: Path) -> None:
    path = str(tmp_path / "app.db")
    lock = FileLock(path)
    assert lock.acquire("apply", 0)
    Path(lock.path).write_bytes(b"[1]")
    assert FileLock(path).holder() == Holder()
    assert str(Holder()) == "another process"
    lock.release()


def test_a_database_in_memory_needs_no_lock_file() -> None:
    driver = connect(":memory:")
    ledger = Ledger(driver)
    assert ledger.holder() is None
    with ledger.lock("apply"):
        ledger.start()
    assert ledger.events() == ()
    driver.close()


def test_only_one_of_many_processes_works_at_a_time(db: Database) -> None:
    """Each appends its own number while it holds the lock: no number stands between those of another."""
    script = """
import sys, time
from engine.dialects.sqlite.lock import FileLock
lock = FileLock(sys.argv[1])
for n in range(5):
    assert lock.acquire("apply", 30)
    for _ in range(3):
        with open(sys.argv[2], "a") as out:
            out.write(sys.argv[3])
        time.sleep(0.002)
    lock.release()
"""
    out = db.path.with_name("out.txt")
    started = [subprocess.Popen([sys.executable, "-c", script, str(db.path), str(out), who]) for who in "abc"]
    assert [one.wait() for one in started] == [0, 0, 0]
    text = out.read_text()
    assert len(text) == 45
    assert {text[n : n + 3] for n in range(0, 45, 3)} == {"aaa", "bbb", "ccc"}


def test_a_wish_to_stop_ends_the_waiting(db: Database) -> None:
    other = held_elsewhere(db.path)
    with pytest.raises(Stopped) as caught, db.ledger.lock("apply", wait=60, give_up=lambda: True):
        pass
    assert caught.value.exit_code == 6
    end(other)
