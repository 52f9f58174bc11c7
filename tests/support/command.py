"""The command line in this process, with every statement that goes to the database recorded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from click.testing import CliRunner

from engine.cli.main import cli

# What is sent and is no part of a plan: a closed list. Everything else must be in it, byte for byte.
EXEMPT = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        r"(BEGIN( IMMEDIATE| ISOLATION LEVEL REPEATABLE READ READ ONLY)?|COMMIT|ROLLBACK)$",
        r"START TRANSACTION( WITH CONSISTENT SNAPSHOT)?(,? READ ONLY)?$",
        r"SELECT .*\bFROM (main\.)?\"?sqlite_(schema|master)\"?",  # reads of the catalogue
        r"SELECT .*\bpg_catalog\.(pg_(class|attribute|constraint|index|trigger|type|depend|namespace)|current_schema)\b",
        r"SELECT .*\bFROM information_schema\.(columns|statistics|key_column_usage|check_constraints|views|tables|triggers)\b",
        r"SHOW CREATE (TABLE|VIEW|TRIGGER)\b",
        r"PRAGMA (journal_mode|synchronous|busy_timeout|trusted_schema|cell_size_check|schema_version|"
        r"foreign_keys|query_only|page_count|freelist_count|page_size|data_version|cache_size|temp_store)\b",
        r"(SELECT|INSERT|UPDATE|DELETE|CREATE|REPLACE)\b.*\b(migration_history|engine_(run|step|meta|event))\b",
        # MariaDB's, which appear all at once
        r"(CREATE|DELETE|INSERT|DROP|RENAME)\b.*\bengine_new_(migration_history|engine_(run|step|meta|event))\b",
        r"SELECT count\(\*\) FROM \(SELECT 1 FROM .* LIMIT 50001\)( AS counted)?$",  # how large a plan is going to be
        r"DROP TABLE (IF EXISTS )?(\"\w+\"\.)?\"?engine_\w+\"?$",  # journals, when what they were for is over
        r"SELECT count\(\*\) FROM (\"\w+\"\.)?\"engine_\w+\"$",  # what journals hold, noted and checked
        r"(CREATE|DROP) TRIGGER (IF EXISTS )?\"engine_\w+_sealed_\w+\"( |$)",  # journals sealed, and opened again
        r"(CREATE|DROP) RULE (IF EXISTS )?engine_sealed\b|ALTER TABLE .*\bCONSTRAINT (IF EXISTS )?engine_sealed\b",
        r"CHECKSUM TABLE `?\"?engine_\w+",
        r"SELECT (database\(\)|(GET_LOCK|RELEASE_LOCK|IS_USED_LOCK)\(:name(, 0)?\))$",  # the lock of those who write
    )
)


@dataclass(frozen=True)
class Ran:
    """What a command did: exit code, what it printed on both streams, and what it sent."""

    code: int
    output: str
    sent: tuple[str, ...] = ()

    @property
    def planned_kind(self) -> list[str]:
        """The statements sent that are in no exempt class, each once, in the order of their first sending."""
        return list(dict.fromkeys(sql for sql in self.sent if not any(e.match(sql.strip()) for e in EXEMPT)))


def run(*args: str) -> Ran:
    """Run `engine ARGS` in this process."""
    with recorded() as sent:
        result = CliRunner().invoke(cli, list(args))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise AssertionError(f"a traceback reached the user: {result.exception!r}") from result.exception
    assert "Traceback (most recent call last)" not in result.output, result.output
    assert "this is a bug in engine" not in result.output, result.output
    return Ran(result.exit_code, result.output, tuple(sent))


def document(*args: str) -> Any:
    """Run `engine ARGS --format json` and return its document; it must end with 0."""
    result = CliRunner().invoke(cli, [*args, "--format", "json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@contextmanager
def recorded() -> Iterator[list[str]]:
    """Record the text of every statement at the driver's execute, before anything is bound."""
    from engine.dialects.mysql import driver as mysql
    from engine.dialects.postgres import driver as postgres
    from engine.dialects.sqlite import driver as sqlite

    sent: list[str] = []

    def recording(plain: Any) -> Any:
        def connect(*args: Any, **options: Any) -> Any:
            made = plain(*args, **options)
            made.listener = lambda sql, params: sent.append(sql)
            return made

        return connect

    with pytest.MonkeyPatch.context() as patch:
        for driver in (sqlite, postgres, mysql):
            patch.setattr(driver, "connect", recording(driver.connect))
        yield sent
