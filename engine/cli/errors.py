"""The one place where an end is shown: what, where, what is true now, the next command.

No traceback reaches a person; `--debug` writes it to a file and names the file.
"""

from __future__ import annotations

import os
import shlex
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from engine.cli import screen
from engine.errors import EngineError, FindingsError, Unwritable, UsageError, of_the_machine
from engine.model.state import nearest
from engine.source import caret, visible

BUG = 1
INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Shown:
    """How an error is to be shown.

    Attributes:
        json: as a document on stdout.
        debug: write the traceback to a file.
        base: what the command's document has beside the error.
        options: what a next command must repeat (`specs --db app.db`).
    """

    json: bool = False
    debug: bool = False
    base: tuple[tuple[str, Any], ...] = ()
    options: str = ""


def guarded(body: Callable[[], int | None], shown: Shown) -> int:
    """Run `body` and return the exit code, whatever happens in it."""
    try:
        return body() or 0
    except (EngineError, click.ClickException) as error:
        return show(error, shown)
    except (KeyboardInterrupt, click.Abort):
        return _end("interrupted at once; `engine status` shows where the database stands", INTERRUPTED, shown)
    except OSError as error:  # the machine's no, where nobody nearer had words for it: a name too long, a full disk
        what = str(error.filename or "a file")[:200]
        return show(EngineError(f"{what} can't be used: {error.strerror or error}", "look at the path"), shown)
    except Exception as error:
        known = of_the_machine(error)
        return _bug(error, shown) if known is None else show(known, shown, error)


def show(error: EngineError | click.ClickException, shown: Shown, cause: Exception | None = None) -> int:
    """Show `error` and return its exit code; `cause` is what `--debug` writes of, where that is another."""
    known = error if isinstance(error, EngineError) else _usage(error)
    trace = _trace(cause or error) if shown.debug else ""
    if shown.json and not isinstance(known, Unwritable):
        _document({**dict(shown.base), **findings(known), "error": document(known, shown)})
    else:
        screen.say("\n".join(lines(known, shown)))
    if trace:
        screen.say(f"the traceback is in {trace}")
    return known.exit_code


def lines(error: EngineError, shown: Shown = Shown()) -> list[str]:
    """Return what a person reads of `error`."""
    found = []
    if isinstance(error, FindingsError):
        from engine.lint.report import finding

        for diagnostic in error.diagnostics:
            found += [*finding(diagnostic), ""]
    found.append(f"error: {visible(error.message)}")
    if error.span:
        found += [f"  {visible(str(error.span))}", *caret(error.span).split("\n")]
    found += _conflicts(error.details.get("conflicts"))
    for title, text in (("hint", error.hint), ("now", error.kept), ("next", next_command(error, shown))):
        found += _titled(title, text)
    return found


def document(error: EngineError, shown: Shown = Shown()) -> dict[str, Any]:
    """Return the `error` object of a JSON document."""
    span = error.span
    return {
        **error.details,
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "file": span.source.name if span else None,
        "line": span.line if span else None,
        "column": span.column if span else None,
        "kept": error.kept,
        "next": next_command(error, shown),
    }


def findings(error: EngineError | None) -> dict[str, Any]:
    """Return `findings` and `summary` for an error that carries some."""
    if not isinstance(error, FindingsError):
        return {}
    from engine.lint import machine
    from engine.lint.base import registry

    files = {d.span.source.name for d in error.diagnostics if d.span}
    return machine.document(error.diagnostics, len(files), {rule.id: rule.name for rule in registry()})


def next_command(error: EngineError, shown: Shown) -> str:
    """Return the command that goes on from here, with the options that this one was given."""
    complete = any(word in error.next for word in ("--db", "--help"))
    if complete or not error.next.startswith("engine ") or not shown.options:
        return error.next
    return f"{error.next} {shown.options}"


def _titled(title: str, text: str) -> list[str]:
    if not text:
        return []
    first, *rest = text.split("\n")
    return [f"{title}: {visible(first)}", *(f"      {visible(line)}" for line in rest)]


def _conflicts(conflicts: object) -> list[str]:
    """Return a line per conflict of a rollback, with sample keys."""
    if not isinstance(conflicts, list | tuple):
        return []
    found = []
    for conflict in conflicts:
        sample = conflict.get("sample") or ()
        shown = f", such as {'; '.join(map(_key, sample))}" if sample else ""
        rows = conflict.get("rows")
        words = f"{conflict.get('table')}: {rows} row{'' if rows == 1 else 's'} {conflict.get('kind')}"
        found.append(f"  {visible(words)}{shown}")
    return found


def _key(sample: object) -> str:
    """Return a sampled key as people write it: `5`, or `5, b` for a key of two columns."""
    parts = sample if isinstance(sample, list | tuple) else [sample]
    return visible(", ".join(map(str, parts)))


def _usage(error: click.ClickException) -> UsageError:
    """Say in our words what click says in its own."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context else "engine"
    message = error.format_message().rstrip(".")
    if isinstance(error, click.NoSuchOption):
        message = f"there is no option `{error.option_name}`"
        possible = error.possibilities or ()  # near enough for an option: `--bach` for `--batch-size`
        near = nearest(error.option_name, possible) or next(iter(possible), "")
        hint = f"did you mean `{near}`?" if near else f"`{command} --help` shows what there is"
        return UsageError(message, hint)
    if message.startswith("No such command"):
        return _no_such_command(message, context)
    if isinstance(error, click.MissingParameter) and error.param is not None:
        message = f"{_name(error.param)} is missing"
    elif isinstance(error, click.BadParameter) and error.param is not None:
        message = f"{_name(error.param)}: {error.message.rstrip('.')}"
    else:
        message = message[:1].lower() + message[1:]
    return UsageError(message, f"`{command} --help` shows how it is used")


def _name(param: click.Parameter) -> str:
    """Return how people write a parameter: `--lock-wait`, `VERSION`."""
    longest = max(param.opts, key=len)
    return longest if longest.startswith("-") else longest.upper()


def _no_such_command(message: str, context: click.Context | None) -> UsageError:
    word = message.split("'")[1] if "'" in message else message
    names = (
        sorted(context.command.list_commands(context)) if context and isinstance(context.command, click.Group) else []
    )
    near = nearest(word, names)
    hint = f"did you mean `engine {near}`?" if near else f"there are {', '.join(names)}"
    return UsageError(f"there is no command `{word}`", hint)


def _bug(error: Exception, shown: Shown) -> int:
    what = f"this is a bug in engine: {type(error).__name__}: {str(error)[:300]}"
    hint = "please report it" if shown.debug else "please report it; --debug writes the details to a file"
    known = EngineError(what, hint, "what was committed is kept and can be resumed", "engine status")
    if shown.debug:
        screen.say(f"the traceback is in {_trace(error)}")
    if shown.json:
        _document({**dict(shown.base), "error": {**document(known, shown), "code": "bug"}})
    else:
        screen.say("\n".join(lines(known, shown)).removeprefix("error: "))
    return BUG


def _end(words: str, code: int, shown: Shown) -> int:
    if shown.json:
        known = EngineError(words, next="engine status")
        _document({**dict(shown.base), "error": {**document(known, shown), "code": "interrupted"}})
    else:
        screen.say(f"\n{words}; `engine status` shows where the database stands")
    return code


def _document(fields: dict[str, Any]) -> None:
    import json

    try:
        screen.out(json.dumps({"schema_version": 1, **fields}, indent=2, default=str) + "\n")
    except Unwritable as refused:
        screen.say("\n".join(lines(refused)))


def _trace(error: BaseException) -> str:
    """Write the traceback of `error` to a new file of the user's own and return its name."""
    try:
        handle, name = tempfile.mkstemp(prefix="engine-debug-", suffix=".txt")
    except OSError as refused:
        return f"no file: {refused.strerror}"
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write("".join(traceback.format_exception(error)))
    return shlex.quote(name)
