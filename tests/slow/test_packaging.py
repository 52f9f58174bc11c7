"""What a user installs: the wheel has all that the engine needs at run time, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


def test_the_wheel_works_away_from_the_repository(tmp_path: Path) -> None:
    wheels, away = tmp_path / "wheels", tmp_path / "away"
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", str(wheels), str(ROOT)], check=True)
    wheel = next(wheels.glob("migration_engine-*.whl"))
    names = zipfile.ZipFile(wheel).namelist()
    assert "engine/schema.json" in names and "engine/py.typed" in names
    assert not [n for n in names if not n.startswith(("engine/", "migration_engine-"))]
    subprocess.run([*pip, "install", "--no-deps", "--target", str(away), str(wheel)], check=True)
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); from engine.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, str(away), "lint", str(ROOT / "specs")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
