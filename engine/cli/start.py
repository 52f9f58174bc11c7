"""The command `engine`. What is answered already needs no more than this."""

from __future__ import annotations

import gc
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and exit."""
    gc.set_threshold(100_000)  # what imports make stays: looking through it takes a fifth of a short run
    words = sys.argv[1:]
    if words[:1] == ["lint"]:
        from engine.cli import again

        known = again.answer(words)
        if known is not None:
            from engine.cli import screen

            screen.prepare()
            refused = screen.put(known.text)
            if refused is None:
                sys.exit(known.code)
            from engine.cli.errors import Shown, guarded

            sys.exit(guarded(lambda: screen.refuse(refused), Shown()))
    from engine.cli.main import cli

    cli.main(obj=words)
