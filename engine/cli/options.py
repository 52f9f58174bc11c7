"""Options that mean the same everywhere, and the command class that shows every end in our words."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from engine.cli.errors import Shown, guarded

Function = TypeVar("Function", bound=Callable[..., Any])

LINT_FORMATS = ("text", "concise", "json", "github", "gitlab", "sarif", "junit")
PLAN_FORMATS = ("text", "json", "sql", "markdown", "html")
_SECRET = re.compile(r"pass|pwd|secret|token|key|credential", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Given:
    """What every command is told.

    Attributes:
        specs: folder of the specs, None for the config's.
        db: the database as written, None for the environment's or the config's.
        variables: `--var` values.
        repeat: the same options as text, for a next command.
    """

    specs: Path | None = None
    db: str | None = None
    format: str = "text"
    variables: tuple[tuple[str, str], ...] = ()
    env: str | None = None
    yes: bool = False
    config: Path | None = None
    no_cache: bool = False
    debug: bool = False
    repeat: str = ""
    explicit: frozenset[str] = field(default=frozenset())

    @property
    def json(self) -> bool:
        """True where the result is one JSON document."""
        return self.format == "json"


class Command(click.Command):
    """A command whose examples end its help and whose errors are shown by `cli.errors`."""

    def __init__(self, *args: Any, examples: tuple[str, ...] = (), base: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples
        self.base: tuple[tuple[str, Any], ...] = tuple((name, []) for name in base)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples below the options, ready to copy."""
        if self.examples:
            formatter.write_paragraph()
            formatter.write("Examples:\n")
            formatter.write("".join(f"  {example}\n" for example in self.examples))

    def invoke(self, ctx: click.Context) -> int:
        """Run the command and return its exit code."""
        params = ctx.params
        shown = Shown(params.get("format") == "json", bool(params.get("debug")), self.base, _repeat(ctx))
        return guarded(lambda: super(Command, self).invoke(ctx), shown)


def common(formats: tuple[str, ...] = ("text", "json"), *, specs: bool = True) -> Callable[[Function], Function]:
    """Add the options that mean the same everywhere, and hand them over as `given`."""

    def add(function: Function) -> Function:
        def body(**params: Any) -> Any:
            ctx = click.get_current_context()
            own = {name: params.pop(name) for name in _COMMON if name in params}
            return function(_given(ctx, own), **params)

        body.__doc__ = function.__doc__
        body.__name__ = function.__name__
        decorated: Any = body
        for option in reversed(_options(formats)):
            decorated = option(decorated)
        if specs:
            folder = click.Path(path_type=Path)
            decorated = click.argument("specs", required=False, type=folder)(decorated)
        return decorated  # type: ignore[no-any-return]

    return add


_COMMON = ("specs", "db", "format", "variables", "env", "yes", "config", "no_cache", "debug")


def _options(formats: tuple[str, ...]) -> list[Callable[[Any], Any]]:
    file = click.Path(path_type=Path, dir_okay=False)
    pairs: dict[str, Any] = {"multiple": True, "metavar": "NAME=VALUE", "callback": _pairs}
    return [
        click.option("--db", metavar="URL", help="A path or sqlite:///app.db; else ENGINE_DB, DATABASE_URL."),
        click.option("--format", type=click.Choice(formats), default="text", help="How to write the result."),
        click.option("--var", "variables", help="A variable of the specs; repeatable.", **pairs),
        click.option("-e", "--env", metavar="NAME", help="An environment of the config."),
        click.option("--yes", is_flag=True, help="Answer every question with yes."),
        click.option("--config", type=file, metavar="FILE", help="engine.yaml or pyproject.toml."),
        click.option("--no-cache", is_flag=True, help="Do without caches."),
        click.option("--debug", is_flag=True, help="Write the traceback of an error to a file."),
    ]


def _pairs(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    del ctx
    found = []
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(f"`{value}` is not NAME=VALUE", param=param)
        found.append((name.strip(), text))
    return tuple(found)


def _given(ctx: click.Context, own: dict[str, Any]) -> Given:
    explicit = frozenset(name for name in ctx.params if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE)
    return Given(**own, repeat=_repeat(ctx), explicit=explicit)


def _repeat(ctx: click.Context) -> str:
    """Return the options that a next command needs too, without what may be a secret."""
    words = []
    params = ctx.params
    if params.get("specs"):
        words.append(shlex.quote(str(params["specs"])))
    db = params.get("db")
    if db and ("://" not in db or db.startswith("sqlite")):
        words.append(f"--db {shlex.quote(db)}")
    if params.get("env"):
        words.append(f"-e {shlex.quote(params['env'])}")
    if params.get("config"):
        words.append(f"--config {shlex.quote(str(params['config']))}")
    for name, value in params.get("variables") or ():
        shown = "…" if _SECRET.search(name) else value
        words.append(f"--var {shlex.quote(f'{name}={shown}')}")
    return " ".join(words)


def duration(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Read an option such as `30s` or `1h30m` as seconds; a number alone is seconds."""
    del ctx
    if value is None:
        return None
    from engine.config import seconds

    try:
        return seconds(value)
    except ValueError as error:
        raise click.BadParameter(str(error), param=param) from None
