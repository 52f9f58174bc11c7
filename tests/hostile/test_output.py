"""What people read and keep: no secret of a URL, nothing that a terminal, a page or a CI server would act on."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.command import run

SECRET = "hunter2-S3cret"
NASTY = "<img src=x onerror=alert(1)>|`x`![a](b)::error::x"
SPEC = f"""version: "001"
description: "{NASTY}\\e[31mred\\u202e"
steps:
  - create: {{table: "{NASTY}", columns: {{id: {{type: integer, primary_key: true}}}}}}
  - sql: "UPDATE t SET v = '\\e]0;x\\a\\u202e'"
    irreversible: "{NASTY}\\e[2J"
"""
IGNORES = 'lint: {severity: {NM102: "off", NM103: "off", NM104: "off"}}\n'  # here names are meant to be odd
ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a database, and a spec whose words and names would like to act."""
    monkeypatch.chdir(tmp_path)
    Path("specs").mkdir()
    Path("specs/001_case.yaml").write_text(SPEC, encoding="utf-8")
    Path("engine.yaml").write_text(IGNORES, encoding="utf-8")
    with closing(sqlite3.connect("app.db")) as database:
        database.executescript("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, '\x1b[31m')")


@pytest.mark.parametrize("form", ["text", "markdown", "html", "json"])
def test_nothing_in_a_plan_acts_on_who_reads_it(form: str) -> None:
    ran = run("plan", "specs", "--db", "app.db", "--format", form)
    assert ran.code == 0, ran.output
    assert not ACTS.search(ran.output)
    if form == "html":
        assert "<img" not in ran.output and "<script" not in ran.output
    if form == "markdown":
        outside = re.sub(r"(`{3,})sql\n.*?\n\1", "", ran.output, flags=re.DOTALL)
        assert "<img" not in outside.replace("\\<", "") and "![" not in outside.replace("!\\[", "")


def test_nothing_on_the_screens_acts_on_who_reads_them() -> None:
    for command in ("apply", "status", "list", "history", "verify", "rollback"):
        more = ["--yes"] if command in ("apply", "rollback") else []
        ran = run(command, "specs", "--db", "app.db", *more)
        assert not ACTS.search(ran.output), f"{command}: {ran.output!r}"


@pytest.mark.parametrize("form", ["text", "concise", "github", "gitlab", "sarif", "junit", "json"])
def test_nothing_in_a_finding_acts_on_who_reads_it(form: str) -> None:
    nasty = "x\\n::error file=a::b\\e[31m%0A<b>\\u202e"
    text = (
        f'version: "001"\ndescription: d\nsteps:\n  - drop: {{"{nasty}": a}}\n  - copy: {{from: "{nasty}", into: a}}\n'
    )
    Path("specs/001_case.yaml").write_text(text, encoding="utf-8")
    ran = run("lint", "specs", "--format", form)
    assert ran.code == 1, ran.output
    assert not ACTS.search(ran.output)
    commands = [line for line in ran.output.splitlines() if line.startswith("::")]
    assert all(
        re.match(r"::(error|warning|notice) title=[^,]*,file=specs/001_case\.yaml,", line) for line in commands
    ), commands
    assert "<b>" not in ran.output or form not in ("junit",)


URLS = [
    f"postgresql://me:{SECRET}@localhost:1/x",
    f"mysql://me:{SECRET}@localhost:1/x?ssl_key=a",
    f"mariadb+pymysql://me:{SECRET}@localhost/x",
    f"postgresql://localhost/x?user=me&password={SECRET}",
    f"postgresql://me:{SECRET}@local host:notaport/x",
    f"postgresql://me:{SECRET}@/",
    f"oracle://me:{SECRET}@localhost/x",
    f"postgres:me:{SECRET}@localhost/x",
    f"postgresql://me:{SECRET}%40a%3Ab@localhost/x",
    f"mysql//me:{SECRET}@h:1/x?token={SECRET}",
]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("by", ["option", "environment", "config", "variable in the config"])
def test_the_secret_of_a_url_is_nowhere(url: str, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    args: list[str] = []
    if by == "option":
        args = ["--db", url]
    elif by == "environment":
        monkeypatch.setenv("DATABASE_URL", url)
    elif by == "config":
        Path("engine.yaml").write_text(f'db: "{url}"\n', encoding="utf-8")
    else:
        monkeypatch.setenv("PROD_DB", url)
        Path("engine.yaml").write_text('db: "${PROD_DB}"\n', encoding="utf-8")
    for command in ("plan", "apply", "status", "rollback"):
        more = ["--yes"] if command in ("apply", "rollback") else ["--format", "json"]
        ran = run(command, "specs", *args, *more)
        assert ran.code != 0
        assert SECRET not in ran.output, f"{command}: {ran.output}"
    config = Path("engine.yaml")
    config.unlink(missing_ok=True)
    for file in Path().rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes(), file


def test_the_secret_of_a_url_is_in_no_trace() -> None:
    import glob
    import tempfile

    before = set(glob.glob(f"{tempfile.gettempdir()}/engine-debug-*"))
    ran = run("status", "specs", "--db", URLS[0], "--debug")
    assert SECRET not in ran.output
    for name in set(glob.glob(f"{tempfile.gettempdir()}/engine-debug-*")) - before:
        assert SECRET not in Path(name).read_text(encoding="utf-8")
        Path(name).unlink()


def test_a_folder_that_is_called_like_a_spec_is_no_spec_and_a_device_is_refused() -> None:
    Path("specs/002_folder.yaml").mkdir()
    assert run("lint", "specs").code == 0
    Path("specs/003_device.yaml").symlink_to("/dev/zero")
    ran = run("lint", "specs")
    assert ran.code == 1 and "leads out of the folder" in ran.output, ran.output


def test_names_of_63_and_70_bytes_are_made_and_taken_back() -> None:
    for size in (63, 70):
        name = "é" * (size // 2) + "x" * (size % 2)
        columns = "{id: {type: integer, primary_key: true}, v: text}"
        steps = f"  - create: {{table: {name}, columns: {columns}}}\n  - index: {{table: {name}, columns: [v]}}\n"
        Path("specs/001_case.yaml").write_text(f'version: "001"\ndescription: d\nsteps:\n{steps}', encoding="utf-8")
        assert run("apply", "specs", "--db", "app.db", "--yes").code == 0
        assert run("rollback", "specs", "--db", "app.db", "--yes").code == 0


def test_unseen_characters_in_names_that_are_there_already_may_be_taken_out() -> None:
    with closing(sqlite3.connect("app.db")) as database:
        database.execute('CREATE TABLE "odd\u200b" (id INTEGER PRIMARY KEY, "x\u202e" TEXT)')
    steps = '  - alter: {table: "odd\\u200b", rename: {"x\\u202e": x}}\n  - rename: {table: "odd\\u200b", to: fine}\n'
    Path("specs/001_case.yaml").write_text(f'version: "001"\ndescription: d\nsteps:\n{steps}', encoding="utf-8")
    ran = run("apply", "specs", "--db", "app.db", "--yes")
    assert ran.code == 0 and not ACTS.search(ran.output), ran.output
    assert run("rollback", "specs", "--db", "app.db", "--yes").code == 0


def test_a_plan_has_an_end_where_a_condition_has_none() -> None:
    endless = "(WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c) > 0"
    steps = f'  - delete: {{from: t, where: "{endless}"}}\n'
    Path("specs/001_case.yaml").write_text(f'version: "001"\ndescription: d\nsteps:\n{steps}', encoding="utf-8")
    assert run("plan", "specs", "--db", "app.db").code == 0
