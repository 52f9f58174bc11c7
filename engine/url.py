"""Where a database is: parsed once, shown without its secrets."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from engine.errors import UsageError

_DIALECTS = {
    "sqlite": "sqlite",
    "sqlite3": "sqlite",
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mariadb",
}
_PATTERN = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9]*)(?:\+[A-Za-z0-9_]+)?:(?P<rest>//.*)\Z", re.DOTALL)
_SECRET_NAME = re.compile(r"pass|pwd|secret|token|key|credential", re.IGNORECASE)
_EXAMPLE = "sqlite:///app.db, a path, postgresql://user@host/name, mysql://user@host/name"
_MASK = "***"


@dataclass(frozen=True, slots=True, repr=False)
class DatabaseUrl:
    """One database.

    Attributes:
        dialect: `sqlite`, `postgresql`, `mysql` or `mariadb`.
        path: SQLite's file (`:memory:` for none); else the database's name.
        display: the URL with passwords masked; so are `str` and `repr`.
    """

    dialect: str
    path: str
    display: str
    _raw: str = field(compare=True)

    @classmethod
    def parse(cls, text: str) -> DatabaseUrl:
        """Return the database that `text` names.

        Args:
            text: `sqlite:///rel.db`, `sqlite:////abs.db`, `:memory:`, a bare
                path (SQLite), or a URL of another database; a `+driver` is ignored.

        Raises:
            UsageError: it names none; the message holds no secret.
        """
        text = text.strip()
        if not text:
            raise UsageError("the database's URL is empty", f"write one of: {_EXAMPLE}")
        if "\x00" in text or "\n" in text:
            raise UsageError("the database's URL holds a control character", f"write one of: {_EXAMPLE}")
        match = _PATTERN.match(text)
        if match is None:
            return cls._file(text)
        scheme = match["scheme"].lower()
        dialect = _DIALECTS.get(scheme)
        if dialect is None:
            raise UsageError(f"no database is known as `{scheme}://`", f"write one of: {_EXAMPLE}")
        if dialect == "sqlite":
            return cls._sqlite(text, match["rest"])
        return cls._server(text, dialect, scheme, match["rest"])

    @classmethod
    def _file(cls, text: str) -> DatabaseUrl:
        """Return a bare path; a colon in its first part is most likely a mistyped URL."""
        looks = re.match(r"([A-Za-z][A-Za-z0-9+]+):", text)
        if looks and looks.group(1).lower().split("+")[0] in (*_DIALECTS, "file"):
            raise UsageError(
                f"`{looks.group(1)}:` is not the beginning of a database's URL", f"write one of: {_EXAMPLE}"
            )
        if re.search(r"[^/\s:]+:[^/\s@]+@[^/\s]", text):  # shown as a path it would show the password too
            words = "a path with `user:password@` in it looks like a URL that is mistyped"
            raise UsageError(words, f"write one of: {_EXAMPLE}")
        return cls("sqlite", text, text, text)

    @classmethod
    def _sqlite(cls, text: str, rest: str) -> DatabaseUrl:
        if not rest.startswith("///"):
            if rest == "//":
                return cls("sqlite", ":memory:", ":memory:", text)
            raise UsageError(
                "a SQLite URL has three slashes before a relative path and four before an absolute one",
                "write sqlite:///app.db or sqlite:////var/lib/app.db",
            )
        path, _, query = rest[3:].partition("?")
        if query:
            raise UsageError(
                "a SQLite URL takes no parameters after `?`", "leave them out; settings are in engine.yaml"
            )
        path = unquote(path)
        if "\x00" in path:
            raise UsageError("the database's URL holds a control character", f"write one of: {_EXAMPLE}")
        if path in ("", ":memory:"):
            return cls("sqlite", ":memory:", ":memory:", text)
        return cls("sqlite", path, path, text)

    @classmethod
    def _server(cls, text: str, dialect: str, scheme: str, rest: str) -> DatabaseUrl:
        try:
            parts = urlsplit(f"x:{rest}")
            port = parts.port
        except ValueError:
            raise UsageError(
                "the database's URL can't be read: host or port are malformed",
                "in user and password write @ as %40, : as %3A, / as %2F",
            ) from None
        user, colon, _ = parts.netloc.rpartition("@")[0].partition(":")
        host = parts.netloc.rpartition("@")[2]
        if not host and port is None and not parts.path.strip("/"):
            raise UsageError("the database's URL names no host and no database", f"write one of: {_EXAMPLE}")
        who = (f"{user}:{_MASK}@" if colon else f"{user}@") if user or colon else ""
        query = "&".join(_masked(pair) for pair in parts.query.split("&")) if parts.query else ""
        display = f"{scheme}://{who}{host}{parts.path}{'?' + query if query else ''}"
        return cls(dialect, unquote(parts.path.lstrip("/")), display, text)

    def reveal(self) -> str:
        """Return the URL as it was given, with its secrets: for connecting only."""
        return self._raw

    def __str__(self) -> str:
        return self.display

    def __repr__(self) -> str:
        return f"DatabaseUrl({self.display!r})"


def _masked(pair: str) -> str:
    name, equals, _ = pair.partition("=")
    return f"{name}={_MASK}" if equals and _SECRET_NAME.search(unquote(name)) else pair
