"""What others wrote into what goes is kept once under `force`, wherever the session ends."""

from __future__ import annotations

from pathlib import Path

from tests.mariadb.crashing import cutting
from tests.support.cuts import Cuts, run
from tests.support.mariadb import Place

SPEC = """version: "001"
description: What goes again
steps:
  - create: {table: made, columns: {id: {type: integer, primary_key: true}, v: text}}
  - alter: {table: old, add: {note: text, n: {type: integer, default: 7}}}
"""
FORCE = ("rollback", "--to", "0", "--on-conflict", "force")


def begun(place: Place, at: int = 0) -> Cuts:
    """Make the database, and apply the spec up to a statement."""
    place.clean()
    place.script("CREATE TABLE old (id INTEGER PRIMARY KEY); INSERT INTO old VALUES (1), (2)")
    Path("specs").mkdir(exist_ok=True)
    Path("specs/001_all.yaml").write_text(SPEC, encoding="utf-8")
    with cutting(place, at) as cuts:
        assert (run(place, "apply").code == 0) == (at == 0)
    return cuts


def written(place: Place) -> None:
    """Let others write into what the migration made."""
    place.script("INSERT INTO made VALUES (5, 'theirs'); UPDATE old SET n = 8 WHERE id = 2")


def test_what_force_takes_is_kept_once_wherever_the_session_ends(place: Place) -> None:
    begun(place)
    written(place)
    with cutting(place) as back:
        assert run(place, *FORCE).code == 0
    for at in sorted({number + after for number in back.schema for after in (0, 1)}):
        begun(place)
        written(place)
        with cutting(place, at):
            run(place, *FORCE)
        undone = run(place, *FORCE)
        assert undone.code == 0, f"cut at {at}: {undone.output}"
        assert place.ask("SELECT * FROM old") == [[1], [2]]
        kept = sorted(str(name) for (name,) in place.ask("SHOW TABLES LIKE 'engine_forced_new%'"))
        rows = [place.ask(f'SELECT * FROM "{name}"') for name in kept]
        assert sorted(rows, key=repr) == [[[2, None, 8]], [[5, "theirs"]]], f"cut at {at}"


def test_force_goes_past_what_was_never_made(place: Place) -> None:
    for at in begun(place).schema:
        begun(place, at)
        undone = run(place, *FORCE)
        assert undone.code == 0, f"cut at {at}: {undone.output}"
        assert place.ask("SHOW TABLES LIKE 'made'") == []
        assert place.ask("SELECT * FROM old") == [[1], [2]]
