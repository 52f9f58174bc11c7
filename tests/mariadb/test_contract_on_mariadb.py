"""The examples of the contract live a whole life on a server."""

from __future__ import annotations

from tests.support.command import document, run
from tests.support.database import same
from tests.support.mariadb import Place
from tests.test_contract import EXAMPLES

ROWS = 2000
SHORTS = f"""
CREATE TABLE youtube_shorts (
  id BIGINT PRIMARY KEY, video_id VARCHAR(64), title TEXT, description TEXT, url TEXT, channel_id VARCHAR(64),
  channel_name TEXT, channel_url TEXT, view_count BIGINT, like_count BIGINT, comment_count BIGINT, published_at TEXT,
  created_at DATETIME
);
INSERT INTO youtube_shorts
SELECT seq, 'v' || (seq % 1900), CASE seq % 3 WHEN 0 THEN ' title ' || seq WHEN 1 THEN 'title' || seq || '  ' END,
  'd' || seq, 'u' || seq, 'c' || (seq % 7), 'channel', NULL, seq * 1001, seq, NULL, '2024-01-01',
  timestamp '2024-01-01 00:00:00' + INTERVAL seq MINUTE
FROM seq_1_to_{ROWS};
"""


def test_the_examples_move_every_row_go_back_and_run_again(place: Place) -> None:
    place.script(SHORTS)
    before = place.snapshot()
    db = ("--db", place.url)
    planned = document("plan", *db, EXAMPLES)
    assert all(m["reversible"] for m in planned["migrations"])
    same(before, place.snapshot())
    done = document("apply", *db, "--yes", EXAMPLES)["migrations"]
    assert [(m["version"], m["state"]) for m in done] == [(f"00{n}", "applied") for n in (1, 2, 3, 4)]
    transfer = next(s for s in done[2]["steps"] if s["step"] == "transfer")
    assert (transfer["rows_selected"], transfer["rows_written"], transfer["rows_skipped"]) == (ROWS, 1900, 100)
    assert place.ask("SELECT count(*) FROM youtube_results WHERE title <> trim(title)") == [[0]]
    assert place.ask("SELECT count(*) FROM youtube_results WHERE is_popular") == [[1900 - 999]]
    first = place.snapshot()
    back = document("rollback", *db, "--yes", "--to", "0", EXAMPLES)["migrations"]
    assert [m["state"] for m in back] == ["rolled_back"] * 4
    same(before, place.snapshot())
    assert place.ask("SHOW TABLES LIKE 'engine_undo%'") == []
    document("apply", *db, "--yes", EXAMPLES)
    again = place.snapshot()
    assert again.objects == first.objects
    assert {name: len(rows) for name, rows in again.rows.items()} == {
        name: len(rows) for name, rows in first.rows.items()
    }


def test_what_is_finalized_frees_its_journals_and_has_no_way_back(place: Place) -> None:
    place.script(SHORTS)
    db = ("--db", place.url)
    document("apply", *db, "--yes", EXAMPLES)
    kept = (
        "SELECT count(*) FROM information_schema.tables WHERE table_schema = database()"
        " AND (table_name LIKE 'engine_undo%' OR table_name LIKE 'engine_aside%')"
    )
    assert place.ask(kept)[0][0] > 0
    for version in ("001", "002", "003", "004"):
        assert run("finalize", *db, "--yes", version).code == 0
    assert place.ask(kept) == [[0]]
    assert run("rollback", *db, "--yes", EXAMPLES).code == 1


def test_the_password_is_never_shown(place: Place) -> None:
    wrong = "mariadb://nobody:s3cr3t@127.0.0.1:1/none"
    ran = run("status", "--db", wrong, EXAMPLES)
    assert ran.code == 1
    assert "no connection to the database" in ran.output and "s3cr3t" not in ran.output
