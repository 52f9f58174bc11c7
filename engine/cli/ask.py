"""Questions: asked on a terminal, answered by --yes, an error where nobody can answer."""

from __future__ import annotations

import sys

from engine.cli import screen
from engine.errors import EngineError, UsageError


def agree(question: str, *, yes: bool) -> None:
    """Go on where the person agrees.

    Args:
        question: what is asked, with all that must be known; may have several lines.
        yes: `--yes` was given.

    Raises:
        UsageError: there is no terminal to ask on.
        EngineError: the answer was not yes.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(question, "there is no terminal to ask on: --yes agrees", kept="nothing was done")
    screen.say(question)
    screen.say("Go on? [y/N]", end=" ")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise EngineError("not agreed to", kept="nothing was done")
