"""`engine`: the group of commands and the entry point.

Nothing heavy is imported before a command needs it, so that `--help` and
`status` stay quick.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NoReturn

import click

from engine import __version__
from engine.cli import screen
from engine.cli.errors import Shown, guarded

_HOMES = {
    "lint": "checking",
    "plan": "planning",
    "apply": "change",
    "migrate": "change",
    "rollback": "change",
    "status": "look",
    "list": "look",
    "history": "look",
    "verify": "look",
    "finalize": "change",
    "snapshot": "setup",
    "schema": "setup",
}
"""Each command's module, in the order in which people meet them; imported when it is asked for."""


class Engine(click.Group):
    """The group; every end of every command becomes an exit code here."""

    def main(  # type: ignore[override]  # it never returns
        self, args: Sequence[str] | None = None, prog_name: str | None = "engine", **extra: Any
    ) -> NoReturn:
        """Run the command that `args` name and exit with its code."""
        screen.prepare()
        words = list(sys.argv[1:] if args is None else args)
        shown = Shown(json="--format=json" in words or ("--format", "json") in pairwise(words))
        run = partial(super().main, words, prog_name, **{**extra, "standalone_mode": False})
        sys.exit(guarded(lambda: _code(run()), shown))

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which people meet them."""
        del ctx
        return list(_HOMES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; None where there is none of this name."""
        del ctx
        if cmd_name not in self.commands and cmd_name in _HOMES:
            module = importlib.import_module(f"engine.cli.commands.{_HOMES[cmd_name]}")
            self.add_command(getattr(module, "list_" if cmd_name == "list" else cmd_name))
        return self.commands.get(cmd_name)


def _code(returned: object) -> int:
    return returned if isinstance(returned, int) else 0


@click.group(
    "engine",
    cls=Engine,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="engine", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> int:
    """Migrations as YAML: linted, planned, applied in resumable batches, taken back exactly.

    Exit codes: 0 done; 1 error or findings; 2 wrong use (plan --detailed-exitcode: changes pending); 3 an
    assertion failed; 4 drift or conflict; 5 locked by somebody else; 6 stopped, resumable; 130 interrupted.
    """
    if ctx.invoked_subcommand is None:
        screen.out(ctx.get_help() + "\n\nStart with:\n  engine lint specs\n  engine plan specs --db app.db\n")
    return 0


def main() -> NoReturn:
    """Run the command line and exit."""
    cli.main()


if __name__ == "__main__":
    main()
