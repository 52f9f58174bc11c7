"""The config: found by walking up, every key with a default, each mistake with its line."""

from __future__ import annotations

import importlib
from decimal import Decimal
from pathlib import Path

import pytest

from engine.config import BatchConfig, Config, IgnoreConfig, LintConfig, load, seconds
from engine.errors import EngineError, UsageError

ALL = """\
db: sqlite:///app.db
specs: specs
dialects: [sqlite, postgresql]
schema: schema.snapshot.json
vars: {tenant: acme, rate: 1.10}
environments: {prod: {db: "${PROD_DB}", require_reversible: true, zero_downtime: true, vars: {tenant: big}}}
batch: {target_seconds: 0.5, max_rows: 1000}
lock_timeout: 5s
statement_timeout: 1m30s
lock_wait: 0s
lint:
  fail_on: warning
  severity: {DD103: error, NM101: "off"}
  ignore: [{rule: NM101, reason: old names, paths: ["specs/00*"]}, {rule: DL101, reason: r, until: "010"}]
  large_table_rows: 20000
"""


def written(folder: Path, text: str, name: str = "engine.yaml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def refused(folder: Path, text: str, name: str = "engine.yaml") -> EngineError:
    written(folder, text, name)
    with pytest.raises(EngineError) as caught:
        load(folder, environ={})
    return caught.value


def test_without_a_file_every_key_has_a_default(tmp_path: Path) -> None:
    config = load(tmp_path)
    assert config == Config()
    assert (config.db, config.specs, config.lock_timeout, config.lock_wait) == (None, Path("specs"), 5.0, 0.0)
    assert config.batch == BatchConfig(0.5, 250_000)
    assert config.lint.fail_on == "error"


def test_every_key_is_read(tmp_path: Path) -> None:
    config = load(written(tmp_path, ALL))
    assert config == Config(
        db="sqlite:///app.db",
        specs=Path("specs"),
        dialects=("sqlite", "postgresql"),
        schema=Path("schema.snapshot.json"),
        vars={"tenant": "acme", "rate": Decimal("1.10")},
        batch=BatchConfig(0.5, 1000),
        lock_timeout=5.0,
        statement_timeout=90.0,
        lint=LintConfig(
            "warning",
            (("DD103", "error"), ("NM101", "off")),
            (IgnoreConfig("NM101", "old names", ("specs/00*",)), IgnoreConfig("DL101", "r", until="010")),
            20000,
        ),
        environments=("prod",),
        path=tmp_path / "engine.yaml",
    )


def test_an_environment_wins_key_by_key(tmp_path: Path) -> None:
    config = load(written(tmp_path, ALL), None, {"PROD_DB": "mysql://u:hunter2@h/db"}, "prod")
    assert config.db == "mysql://u:hunter2@h/db"
    assert config.vars == {"tenant": "big", "rate": Decimal("1.10")}
    assert (config.require_reversible, config.zero_downtime, config.environment) == (True, True, "prod")
    assert config.batch.max_rows == 1000
    assert "hunter2" not in repr(config)


def test_a_name_of_the_environment_is_looked_up_only_where_it_is_in_force(tmp_path: Path) -> None:
    written(tmp_path, ALL)
    assert load(tmp_path, environ={}).db == "sqlite:///app.db"
    with pytest.raises(EngineError, match=r"`\$\{PROD_DB\}` is not set") as caught:
        load(tmp_path, environ={}, environment="prod")
    assert caught.value.span is not None
    assert caught.value.span.line == 6


def test_an_unknown_environment_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no config"):
        load(tmp_path, environment="prod")
    written(tmp_path, ALL)
    with pytest.raises(UsageError) as caught:
        load(tmp_path, environment="prd")
    assert caught.value.hint == "did you mean `prod`?"


def test_the_nearest_file_counts_and_paths_are_relative_to_it(tmp_path: Path) -> None:
    written(tmp_path, "specs: ../all\ndb: data/app.db\n")
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    config = load(deep)
    assert config.specs == tmp_path.parent / "all"
    assert config.db == f"sqlite:///{tmp_path}/data/app.db"
    written(tmp_path / "a", "[tool.engine]\nspecs = 'mine'\n", "pyproject.toml")
    assert load(deep).specs == tmp_path / "a" / "mine"
    assert load(tmp_path / "a").specs == Path("mine")
    assert load(deep, tmp_path / "engine.yaml").specs == tmp_path.parent / "all"


@pytest.mark.parametrize("db", ["/abs/app.db", ":memory:", "sqlite:////abs/app.db", "mysql://u@h/db"])
def test_what_is_no_relative_file_stays_as_it_is(tmp_path: Path, db: str) -> None:
    assert load(written(tmp_path, f'db: "{db}"\n')).db == db


def test_pyproject_has_the_same_keys(tmp_path: Path) -> None:
    text = '[project]\nname = "x"\n[tool.engine]\nlock_timeout = 0.5\ndialects = "sqlite"\n'
    text += '[tool.engine.vars]\nrate = 1.10\n[tool.engine.environments.prod]\nlock_wait = "30s"\n'
    config = load(written(tmp_path, text, "pyproject.toml"), environment="prod")
    assert (config.lock_timeout, config.lock_wait, config.dialects) == (0.5, 30.0, ("sqlite",))
    assert config.vars == {"rate": Decimal("1.10")}


def test_a_pyproject_without_our_table_is_passed_by(tmp_path: Path) -> None:
    written(tmp_path, "specs: up\n")
    deep = written(tmp_path / "a", "[project]\nname = 'x'\n", "pyproject.toml")
    assert load(deep).specs == tmp_path / "up"
    written(tmp_path / "a", "[project\n", "pyproject.toml")
    assert load(deep).specs == tmp_path / "up"


def test_an_empty_config_is_one(tmp_path: Path) -> None:
    assert load(written(tmp_path, "# nothing yet\n")).path == tmp_path / "engine.yaml"


@pytest.mark.parametrize(
    ("text", "where", "message", "hint"),
    [
        ("spec: a\n", "1:1", "no key `spec`", "did you mean `specs`?"),
        ("zzz: a\n", "1:1", "no key `zzz`", "there are db, specs"),
        ("batch: {max_row: 1}\n", "1:9", "no key `batch.max_row`", "did you mean `max_rows`?"),
        ("lint:\n  failon: error\n", "2:3", "no key `lint.failon`", "did you mean `fail_on`?"),
        ("lint: {ignore: [{rule: A, why: b}]}\n", "1:27", "no key `lint.ignore.0.why`", "there are rule"),
        ("environments:\n  prod: {dbs: a}\n", "2:10", "no key `environments.prod.dbs`", "did you mean `db`?"),
        ("environments: {prod: 1}\n", "1:22", "`prod` is a mapping", ""),
        ("environments: [a]\n", "1:1", "`environments` is a mapping", ""),
        ("specs: 5\n", "1:8", "`specs` is a text", "quotes"),
        ('specs: ""\n', "1:8", "`specs` is a text", "quotes"),
        ("dialects: [oracle]\n", "1:12", "is one of sqlite", ""),
        ("dialects: [sqlit]\n", "1:12", "is one of sqlite", "did you mean `sqlite`?"),
        ("lock_timeout: soon\n", "1:15", "`lock_timeout` is a duration", "write 30s"),
        ("lock_timeout: true\n", "1:15", "`lock_timeout` is a duration", "write 30s"),
        ("lock_timeout: -1\n", "1:15", "`lock_timeout` is a duration", "write 30s"),
        ("batch: {max_rows: 0}\n", "1:19", "`max_rows` is a whole number from 1", ""),
        ("batch: {target_seconds: 0}\n", "1:25", "`target_seconds` is more than nothing", ""),
        ("batch: 5\n", "1:8", "`batch` is a mapping", ""),
        ("require_reversible: 1\n", "1:21", "is true or false", ""),
        ("lint: {fail_on: off}\n", "1:17", "YAML 1.1 reads `off` as the boolean false", 'write "off"'),
        ("lint: {fail_on: never}\n", "1:17", "is one of error, warning, info", ""),
        ("lint: {severity: {DD103: fatal}}\n", "1:26", "is one of error", ""),
        ("lint: {ignore: {rule: A}}\n", "1:8", "`ignore` is a list", ""),
        ("lint: {ignore: [{rule: A}]}\n", "1:17", "needs `reason`", ""),
        ("vars: a\n", "1:7", "`vars` is a mapping", ""),
        ("no: a\n", "1:1", "`no` is no name", 'write "no"'),
        ("db:\n", "1:4", "`db` has no value", ""),
        ("db: oracle://x/y\n", "1:5", "no database is known as `oracle://`", ""),
        ("db: a\ndb: b\n", "2:1", "the key `db` stands here twice", ""),
        ("- a\n", "1:1", "must be a mapping", ""),
        ("db: ${NOPE}\n", "1:5", "`${NOPE}` is not set", "export NOPE"),
        ("vars: {a: [x, '${NOPE}']}\n", "1:15", "`${NOPE}` is not set", "export NOPE"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, where: str, message: str, hint: str) -> None:
    error = refused(tmp_path, text)
    assert message in error.message
    assert hint in error.hint
    assert error.span is not None
    assert f"{error.span.line}:{error.span.column}" == where
    assert error.span.source.name == str(tmp_path / "engine.yaml")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("[tool.engine]\n\nspec = 'a'\n", 3, "no key `spec`"),
        ("[tool.engine.batch]\nmax_rows = 0\n", 2, "`max_rows` is a whole number"),
        ("[tool.engine]\nbatch.max_rows = 0\n", 2, "`max_rows` is a whole number"),
        ("[tool.engine.batsh]\nmax_rows = 0\n", 1, "no key `batsh`"),
        ("[tool.engine]\nspecs = \n", 2, "the config is no TOML"),
    ],
)
def test_a_mistake_in_pyproject_has_its_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    error = refused(tmp_path, text, "pyproject.toml")
    assert message in error.message
    assert error.span is not None
    assert error.span.line == line


def test_a_config_that_is_named_must_be_there_and_be_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no config file"):
        load(tmp_path, tmp_path / "x.yaml")
    written(tmp_path, "[project]\n", "pyproject.toml")
    with pytest.raises(EngineError, match=r"has no table \[tool.engine\]"):
        load(tmp_path, tmp_path / "pyproject.toml")


def test_a_config_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "engine.yaml").write_bytes(b"db: \xff\n")
    with pytest.raises(EngineError, match="is not UTF-8: byte offset 4"):
        load(tmp_path)


def test_on_python_3_10_without_tomli_the_way_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    written(tmp_path, "[project]\n", "pyproject.toml")
    assert load(tmp_path) == Config()
    error = refused(tmp_path, "[tool.engine]\n", "pyproject.toml")
    assert "needs the package `tomli`" in error.message


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("5s", 5.0),
        ("250ms", 0.25),
        ("30m", 1800.0),
        ("1h30m", 5400.0),
        ("0.5", 0.5),
        ("2", 2.0),
        ("1d", 86400.0),
    ],
)
def test_durations(text: str, result: float) -> None:
    assert seconds(text) == result


@pytest.mark.parametrize("text", ["", "s", "5x", "-1", "1e9", "5 s", "inf", "m5", "1" * 99])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        seconds(text)
