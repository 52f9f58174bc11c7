"""What all tests share: no settings of the machine, and the folders of sample values."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

HERE = Path(__file__).parent

# A test may import a module of samples that stands beside it (`from sample_plan import PLAN`).
sys.path += sorted({str(file.parent) for file in HERE.glob("unit/**/*.py")} - set(sys.path))


# The same examples each time, so that a red run is about the change at hand; ENGINE_TEST_RANDOM=1 looks for new ones.
settings.register_profile("steady", derandomize=True, deadline=None, database=None)
settings.register_profile("random", deadline=None, database=None, print_blob=True)
settings.load_profile("random" if os.environ.get("ENGINE_TEST_RANDOM") else "steady")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden", action="store_true", help="write the expected screens again (make golden)")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: Any) -> Iterator[None]:
    """Say last what was left out for want of a server: a green run must not hide it."""
    yield
    skipped = [r.longrepr[2] for r in terminalreporter.stats.get("skipped", ()) if isinstance(r.longrepr, tuple)]
    reasons = sorted({reason.removeprefix("Skipped: ") for reason in skipped})
    for reason in reasons:
        if "its tests were left out" in reason:
            terminalreporter.write_line(f"LEFT OUT: {reason}", yellow=True)


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No database, colours or caches of whoever runs the tests have a say in them."""
    for name in ("ENGINE_DB", "DATABASE_URL", "GITHUB_ACTIONS", "FORCE_COLOR", "CI", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    yield
