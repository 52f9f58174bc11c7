"""Database URLs: what they name, and that no secret is ever shown."""

from __future__ import annotations

import copy
import pickle

import pytest

from engine.errors import UsageError
from engine.url import DatabaseUrl


@pytest.mark.parametrize(
    ("text", "dialect", "path"),
    [
        ("sqlite:///rel.db", "sqlite", "rel.db"),
        ("sqlite:////var/lib/abs.db", "sqlite", "/var/lib/abs.db"),
        ("sqlite+pysqlite:///rel.db", "sqlite", "rel.db"),
        ("SQLite:///a%20b.db", "sqlite", "a b.db"),
        ("sqlite://", "sqlite", ":memory:"),
        ("sqlite:///:memory:", "sqlite", ":memory:"),
        (":memory:", "sqlite", ":memory:"),
        ("app.db", "sqlite", "app.db"),
        ("  ./data/app.db ", "sqlite", "./data/app.db"),
        ("/var/lib/app.db", "sqlite", "/var/lib/app.db"),
        ("C:\\data\\app.db", "sqlite", "C:\\data\\app.db"),
        ("postgresql://u@h:5432/shop", "postgresql", "shop"),
        ("postgres://h/shop", "postgresql", "shop"),
        ("postgresql+psycopg://h/shop", "postgresql", "shop"),
        ("mysql+pymysql://u:p@h/my%20shop", "mysql", "my shop"),
        ("mariadb://[::1]:3306/shop", "mariadb", "shop"),
        ("postgresql:///shop", "postgresql", "shop"),
    ],
)
def test_what_a_url_names(text: str, dialect: str, path: str) -> None:
    url = DatabaseUrl.parse(text)
    assert (url.dialect, url.path) == (dialect, path)
    assert url.reveal() == text.strip()


@pytest.mark.parametrize(
    ("text", "display"),
    [
        ("postgresql://u:hunter2@h/db", "postgresql://u:***@h/db"),
        ("mysql://u:hunter2@ab@h:3306/db?charset=utf8mb4", "mysql://u:***@h:3306/db?charset=utf8mb4"),
        ("postgresql://:hunter2@h/db", "postgresql://:***@h/db"),
        ("postgresql://h/db?user=u&password=hunter2", "postgresql://h/db?user=u&password=***"),
        ("postgresql://h/db?sslpassword=hunter2&sslmode=on", "postgresql://h/db?sslpassword=***&sslmode=on"),
        ("postgresql://h/db?p%61ssword=hunter2", "postgresql://h/db?p%61ssword=***"),
        ("mysql://h/db?api_key=hunter2&token=hunter2", "mysql://h/db?api_key=***&token=***"),
        ("sqlite:///app.db", "app.db"),
    ],
)
def test_secrets_are_masked_wherever_a_url_is_shown(text: str, display: str) -> None:
    url = DatabaseUrl.parse(text)
    assert url.display == display
    for shown in (str(url), repr(url), f"{url}", f"{url!r}", str([url])):
        assert "hunter2" not in shown
        assert display in shown


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("oracle://u:hunter2@h/db", "no database is known as `oracle://`"),
        ("sqlite://rel.db", "three slashes"),
        ("sqlite:/rel.db", "`sqlite:` is not the beginning"),
        ("sqlite:rel.db", "`sqlite:` is not the beginning"),
        ("file:rel.db?mode=ro", "`file:` is not the beginning"),
        ("postgresql:hunter2", "`postgresql:` is not the beginning"),
        ("sqlite:///a.db?mode=ro", "takes no parameters"),
        ("sqlite:///a%00b", "control character"),
        ("a\x00b", "control character"),
        ("postgresql://u:hunter2@h:port/db", "malformed"),
        ("postgresql://u:hunter2@[h/db", "malformed"),
        ("mysql://", "no host and no database"),
    ],
)
def test_what_is_no_url_is_refused_without_its_secrets(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        DatabaseUrl.parse(text)
    assert message in caught.value.message
    assert "hunter2" not in f"{caught.value.message}{caught.value.hint}{caught.value!r}"
    assert caught.value.exit_code == 2


def test_urls_are_values() -> None:
    url = DatabaseUrl.parse("mysql://u:p@h/db")
    assert url == DatabaseUrl.parse("mysql://u:p@h/db")
    assert url != DatabaseUrl.parse("mysql://u:q@h/db")
    assert copy.copy(url) == pickle.loads(pickle.dumps(url)) == url
    assert hash(url) == hash(copy.copy(url))
