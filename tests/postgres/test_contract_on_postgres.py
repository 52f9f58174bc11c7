"""The examples of the contract live a whole life on a server."""

from __future__ import annotations

import pytest

from tests.support.command import document, run
from tests.support.database import same
from tests.support.postgres import Place
from tests.test_contract import EXAMPLES

ROWS = 2000
SHORTS = f"""
CREATE TABLE youtube_shorts (
  id BIGINT PRIMARY KEY, video_id TEXT, title TEXT, description TEXT, url TEXT, channel_id TEXT, channel_name TEXT,
  channel_url TEXT, view_count BIGINT, like_count BIGINT, comment_count BIGINT, published_at TEXT, created_at TIMESTAMP
);
INSERT INTO youtube_shorts
SELECT n, 'v' || (n % 1900), CASE n % 3 WHEN 0 THEN ' title ' || n WHEN 1 THEN 'title ' || n END, 'd' || n, 'u' || n,
  'c' || (n % 7), 'channel', NULL, n * 1001, n, NULL, '2024-01-01', timestamp '2024-01-01' + n * interval '1 minute'
FROM generate_series(1, {ROWS}) AS n;
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
    kept = "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'engine_undo%' OR tablename LIKE 'engine_aside%'"
    assert place.ask(kept)[0][0] > 0
    for version in ("001", "002", "003", "004"):
        assert run("finalize", *db, "--yes", version).code == 0
    assert place.ask(kept) == [[0]]
    assert run("rollback", *db, "--yes", EXAMPLES).code == 1


def test_a_plan_without_a_server_is_the_plan_with_an_empty_one(place: Place) -> None:
    with_server = document("plan", "--db", place.url, EXAMPLES)
    without = document("plan", "--dialect", "postgresql", EXAMPLES)

    def changes(plan: dict[str, list[dict[str, list[dict[str, str]]]]]) -> list[str]:
        return [s["sql"] for m in plan["migrations"] for s in m["statements"] if s["purpose"] == "change"]

    assert changes(with_server)[:5] == changes(without)[:5]


def test_the_password_is_never_shown(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = "postgresql://nobody:s3cr3t@127.0.0.1:1/none"
    ran = run("status", "--db", wrong, EXAMPLES)
    assert ran.code == 1
    assert "no connection to the database" in ran.output and "s3cr3t" not in ran.output
