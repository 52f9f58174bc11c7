"""What people read before they say yes."""

from __future__ import annotations

from dataclasses import replace

from engine.model.plan import Loop, Plan
from engine.plan import pages, script
from engine.plan.sequence import irreversible, main_statement, sent
from engine.plan.text import Heading, render, rows_in_words, summary
from tests.unit.plan.sample_plan import CHECK, COPY, CREATE, FREE, PLAN, only

HEADING = Heading("app.db", None)


def test_a_created_table_shows_its_sql_and_the_sql_of_its_undo() -> None:
    assert (
        render(only(CREATE), HEADING)
        == """\
Database: app.db (sqlite)
Version:  empty → 001

001  first things  (specs/001_first.yaml)
  one transaction: small

  + 1-create  create table albums
      new table
      CREATE TABLE albums (
        id INTEGER PRIMARY KEY
      );
      way back: derived
        DROP TABLE albums

Plan: 1 to add, 0 to change, 0 to remove; 0 rows; way back: the one step
"""
    )


def test_a_copy_says_rows_batches_condition_and_marks_what_runs_per_batch() -> None:
    text = render(only(COPY), HEADING)
    assert (
        """\
  > 2-copy  copy old_albums into albums   1,200 rows
      batches of old_albums by id: as many rows as fit the time target
      only if old_albums has rows
      -- once, when the step starts: old_albums has rows
        SELECT 1;
      -- must hold: albums: id is unique
        SELECT 0;
      -- only if that fails: rows that show it
        SELECT id;
      -- once, when the step starts: rows expected: all
        SELECT count(*) FROM old_albums;
      -- once, when the step starts
        SELECT max(id) FROM old_albums;
      CREATE TABLE engine_undo_1 (seq INTEGER PRIMARY KEY);
      -- once: first and last key
        SELECT min(id), max(id) FROM old_albums;
      -- per batch
        SELECT id FROM old_albums WHERE id >= :lo1 LIMIT 1 OFFSET :skip;
        INSERT INTO albums SELECT id FROM old_albums WHERE id BETWEEN :lo1 AND :hi1;
        SELECT id FROM old_albums WHERE id > :hi1 LIMIT 1;
      -- at the end
        UPDATE sqlite_sequence SET seq = 1;
      way back: from the journal (engine_undo_1)
        DELETE FROM albums
"""
        in text
    )


def test_a_step_without_a_way_back_says_so_with_its_reason_there_and_at_the_end() -> None:
    text = render(only(CREATE, FREE), HEADING)
    assert "way back: none: calls a billing system" in text
    assert "-- only with --on-conflict force\n      SELECT 5;\n" in text
    assert text.endswith("way back: 1 of 2 steps, not 001 3-sql\n")


def test_every_statement_of_the_plan_is_in_the_text_the_protocol_once() -> None:
    text = render(PLAN, HEADING)
    for migration in PLAN.migrations:
        for unit in migration.units:
            for entry in sent(unit):
                assert entry.statement.sql.split("\n")[0] in text
    assert text.count("UPDATE engine_step SET batch_no = :batch;") == 1


def test_the_last_line_adds_up_rows_and_admits_what_it_does_not_know() -> None:
    assert summary(PLAN) == (
        "Plan: 1 to add, 1 to change, 0 to remove; 1,200 rows; way back: 3 of 4 steps, not 001 3-sql"
    )
    assert "; over 50,000 rows; way back: all 2 steps" in summary(only(CREATE, replace(COPY, rows=50_001)))
    assert "; rows not known;" in summary(only(replace(COPY, rows=None)))
    twice = only(COPY, replace(COPY, id="b", rows=None))
    assert "; at least 1,200 rows;" in summary(twice)


def test_row_counts_are_written_for_people() -> None:
    assert [rows_in_words(n) for n in (None, 0, 1, 50_000, 50_001)] == [
        "rows not known", "0 rows", "1 row", "50,000 rows", "over 50,000 rows",
    ]  # fmt: skip


def test_nothing_to_do_is_one_line_more_than_the_heading() -> None:
    text = render(Plan("sqlite", ()), Heading("app.db", "003"))
    assert text == "Database: app.db (sqlite)\nVersion:  003\n\nPlan: nothing to do\n"


def test_without_a_database_the_heading_says_so_and_notes_are_shown() -> None:
    text = render(replace(only(CHECK), notes=("from a snapshot",)), Heading())
    assert text.startswith("Database: sqlite, no database\nVersion:  empty → 001\nNote:     from a snapshot\n")
    assert "way back: nothing to undo" in text


def test_a_skipped_migration_and_one_in_python_say_why_there_is_no_sql() -> None:
    skipped = render(only(skipped="meant for postgresql, and this is sqlite"), HEADING)
    assert "001  first things  (specs/001_first.yaml)\n  passed over: meant for postgresql" in skipped
    code = render(only(code=True, single=False, mode_reason=""), HEADING)
    assert "  stepwise, resumable\n  written in Python: what it does can't be shown\n" in code


def test_a_migration_of_which_nothing_runs_here_says_so() -> None:
    assert "  nothing runs: what its steps ask for (`when`) is not so on this database\n" in render(only(), HEADING)


def test_each_kind_of_conflict_is_said_in_words() -> None:
    (back,) = CREATE.undo
    (guard,) = back.guards
    kinds = ("changed", "taken", "schema", "other")
    guards = tuple(replace(guard, kind=kind, sample=None) for kind in kinds)
    plan = only(replace(back, guards=guards))
    text = render(replace(plan, migrations=(replace(plan.migrations[0], direction="rollback"),)), HEADING)
    for words in (
        "rows of albums that were changed since",
        "keys of albums that were taken since",
        "a changed definition of albums",
        "other in albums",
    ):
        assert f"-- before it is undone, none may be found: {words}\n" in text


def test_a_rollback_names_the_versions_it_undoes_and_no_way_back() -> None:
    text = render(only(*CREATE.undo, direction="rollback"), Heading("app.db", "001"))
    assert "Version:  001, to be undone: 001\n" in text
    assert "\nundo 001  first things" in text
    assert "way back" not in text
    assert text.endswith("Rollback: 0 to add, 0 to change, 1 to remove; 0 rows\n")


def test_escape_sequences_in_names_and_sql_do_not_reach_the_terminal() -> None:
    evil = replace(CREATE, title="\x1b[2J", before=(replace(CREATE.before[0], sql="SELECT '\x1b[2J'\t--\n"),))
    text = render(only(evil), Heading("a\x1bb.db"))
    assert "\x1b" not in text and "\\x1b[2J" in text
    assert "\t--" in text


def test_a_fixed_batch_size_and_a_given_way_back_are_said() -> None:
    loop = COPY.loop
    assert isinstance(loop, Loop)
    unit = replace(COPY, loop=replace(loop, size=500), reversible="given", reason="as the spec's `undo` says")
    text = render(only(unit), HEADING)
    assert "batches of old_albums by id: 500 rows each\n" in text
    assert "way back: given by the spec: as the spec's `undo` says\n" in text


# ── the other forms ───────────────────────────────────────────────────────
def test_the_script_keeps_statements_as_they_are_sent_and_comments_the_rest() -> None:
    text = script.render(PLAN, HEADING)
    assert "CREATE TABLE albums (\n  id INTEGER PRIMARY KEY\n);\n" in text
    assert "-- way back: none: calls a billing system\n" in text
    assert "--   DROP TABLE albums\n" in text
    assert text.startswith("-- app.db (sqlite), version empty\n-- To read, not to run")
    assert "-- only with --on-conflict force\nSELECT 5;\n" in text
    assert text.endswith(f"-- {summary(PLAN)}\n")


def test_markdown_fences_outgrow_backticks_and_names_are_no_markup() -> None:
    unit = replace(CREATE, title="<img> *x*", before=(replace(CREATE.before[0], sql="SELECT '````'"),))
    text = pages.markdown(only(unit), HEADING)
    assert "\n`````sql\nSELECT '````';\n`````\n" in text
    assert "\\<img\\> \\*x\\*" in text
    assert "<details><summary>SQL of the way back</summary>" in text
    assert "**Plan: 1 to add" in text


def test_html_is_one_page_without_scripts_and_escapes_everything() -> None:
    unit = replace(CREATE, title="<script>alert(1)</script>", why="</pre>")
    text = pages.html(replace(only(unit, FREE), protocol=PLAN.protocol, notes=("<b>",)), HEADING)
    assert "<script" not in text and "&lt;script&gt;" in text and "&lt;b&gt;" in text
    assert "&lt;/pre&gt;" in text and "src=" not in text and "href=" not in text
    assert '<summary class="none">way back: none: calls a billing system</summary>' in text
    skipped = pages.html(only(skipped="meant for x"), HEADING)
    assert "passed over: meant for x" in skipped
    assert "With every transaction" in pages.markdown(PLAN, HEADING)


def test_what_must_be_agreed_to_is_told_once_per_step_and_checks_never_are() -> None:
    second = replace(FREE, id="3-sql.2")
    check = replace(CHECK, reversible="no", reason="x")
    plan = only(FREE, second, check)
    assert [(m.version, u.id) for m, u in irreversible(plan)] == [("001", "3-sql")]


def test_the_main_statement_is_the_change_and_never_a_setting() -> None:
    assert sent(FREE)[main_statement(sent(FREE))].statement.sql == "UPDATE albums SET id = id"
    assert sent(COPY)[main_statement(sent(COPY))].statement.sql.startswith("INSERT INTO albums")
    assert main_statement(()) == 0
    assert main_statement(sent(CHECK)) == 0
