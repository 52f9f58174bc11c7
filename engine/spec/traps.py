"""Text that YAML reads otherwise than it looks: what happened, and the line that says it right."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from engine.spec.scalars import quoted

OPENERS = {
    "'": "a quote",
    '"': "a quote",
    "*": "`*`, which is a reference in YAML,",
    "&": "`&`, which is an anchor in YAML,",
    "%": "`%`, which is a directive in YAML,",
    "@": "`@`, which YAML keeps for itself,",
    "`": "a backtick, which YAML keeps for itself,",
    "!": "`!`, which is a tag in YAML,",
    "|": "`|`, which begins a block of lines in YAML,",
    ">": "`>`, which begins a block of lines in YAML,",
    "[": "`[`, which begins a list in YAML,",
    "{": "`{`, which begins a mapping in YAML,",
    "?": "`?`, which marks a key in YAML,",
}
BELOW = "put the text in quotes, or write `|` after the colon and the text on the lines below"

_LONGEST_HINT = 300
AS_LINES = "write `|` after the colon and the SQL on the lines below"

_BEFORE_VALUE = re.compile(r"""[ \t]*(?:- +)*(?:(?:"[^"\n]*"|'[^'\n]*'|[^\s'"{\[#][^\n:]*):[ \t]+)?""")


@dataclass(frozen=True, slots=True)
class Trap:
    """What is wrong with a stretch of text.

    Attributes:
        start, end: offsets of the stretch.
    """

    start: int
    end: int
    message: str
    hint: str


def line_with_quotes(text: str, start: int, end: int) -> str:
    """Return the hint that shows the line with `text[start:end]` in quotes."""
    begin = text.rfind("\n", 0, start) + 1
    stop = text.find("\n", end)
    rest = text[end : len(text) if stop < 0 else stop].rstrip()
    line = f"{(text[begin:start] + quoted(text[start:end])).lstrip()}{rest}"
    return f"write `{line}`" if len(line) <= _LONGEST_HINT else BELOW


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"


def _write(text: str) -> str:
    return f"write {quoted(text)}" if len(text) <= _LONGEST_HINT else "write all of it in quotes"


def end_of_text(text: str, start: int, flow: bool) -> int:
    """Return where a text that begins at `start` ends in the eyes of the one who wrote it.

    In a flow mapping or list that is the comma or bracket which is not inside
    parentheses, braces or SQL quotes; else it is the end of the line.
    """
    stop = text.find("\n", start)
    stop = len(text) if stop < 0 else stop
    if not flow:
        return start + len(text[start:stop].rstrip())
    depth = 0
    at = start
    while at < stop:
        character = text[at]
        if character in "'\"":
            closing = text.find(character, at + 1, stop)
            at = closing if closing > 0 else stop
        elif character in "([{":
            depth += 1
        elif character in ")]}" and depth:
            depth -= 1
        elif character in ",]}" and not depth:
            break
        at += 1
    return start + len(text[start : min(at, stop)].rstrip())


def split_at_comma(text: str, start: int, end: int) -> Trap:
    """Return the trap of a text with parentheses that a flow mapping or list cut at its comma."""
    name = text[start:end]
    message = f"inside braces and brackets the comma ends a text: `{_short(name)}` is cut in pieces"
    return Trap(start, end, message, line_with_quotes(text, start, end))


def template_without_quotes(text: str, start: int, end: int) -> Trap:
    """Return the trap of `{{ name }}` without quotes, which YAML takes for a mapping."""
    message = f"without quotes `{_short(text[start:end])}` is a mapping in YAML, not a template"
    return Trap(start, end, message, line_with_quotes(text, start, end))


def opening(text: str, start: int, end: int) -> Trap:
    """Return the trap of a text whose first character means something to YAML."""
    words = OPENERS.get(text[start : start + 1], "a character that YAML keeps for itself")
    message = f"a text that begins with {words} needs quotes around all of it"
    return Trap(start, end, message, line_with_quotes(text, start, end))


def comment(text: str, end: int, *, empty: bool) -> str:
    """Return what a ` #` after an unquoted scalar did to it, or "".

    Two blanks before the `#`, as comments are commonly written, are taken for
    a comment, unless the scalar ends amid quotes or parentheses.

    Args:
        text: the whole file.
        end: offset just after the scalar.
        empty: True where nothing stands between the colon and the `#`.
    """
    match = re.compile(r"([ \t]+)(#[^\n]*)").match(text, end)
    if match is None:
        return ""
    begin = text.rfind("\n", 0, end) + 1
    start = value_start(text, begin, end)
    gap, rest = match.group(1), match.group(2).rstrip()
    if empty:
        if len(gap) > 1 or rest[1:2] in ("", " "):
            return ""
        return f"`{_short(rest)}` is a comment in YAML: {_write(rest)}"
    if len(gap) > 1 and balanced(text[start:end]):
        return ""
    return f"` {_short(rest)}` is cut off as a comment: {_write(text[start:end] + gap + rest)}"


def value_start(text: str, begin: int, end: int) -> int:
    """Return where the value on the line that begins at `begin` starts: after `- ` and `key: `."""
    match = _BEFORE_VALUE.match(text, begin)
    return min(match.end(), end) if match else begin


def folded_comment(raw: str) -> str:
    """Return what a `--` comment does in text whose lines are folded into one, or ""."""
    lines = raw.splitlines()
    for line, following in pairwise(lines):
        dashes = line.find("--")
        if dashes >= 0 and line.count("'", 0, dashes) % 2 == 0 and following.strip(" \t\"'"):
            return f"these lines are read as one, so that `--` hides all that follows: {AS_LINES}"
    return ""


def balanced(text: str) -> bool:
    """Tell whether quotes and parentheses in `text` are closed, as SQL counts them."""
    bare = re.sub(r"'[^']*'|\"[^\"]*\"", "", text)
    return not set(bare) & set("'\"") and bare.count("(") <= bare.count(")")


def explain(text: str, problem: str, at: int, context: int | None, last: int | None, opened: int | None) -> Trap:
    """Return in our own words why YAML could not be read on.

    Args:
        text: the whole file.
        problem: the parser's words.
        at: offset of the place where it stopped.
        context: offset of what it was in the middle of, if it says so.
        last: offset of the last value that began before.
        opened: offset of the `{` or `[` that it is inside of, if any.
    """
    here = text[at : at + 1]
    if "tab" in problem or here == "\t" or "\t" in _indentation(text, at):
        tab = at if here == "\t" else text.rfind("\n", 0, at) + 1 + max(_indentation(text, at).find("\t"), 0)
        return Trap(tab, tab + 1, "a tab may not indent a line in YAML", "indent with spaces")
    if "escape" in problem:
        start = at if here == "\\" else max(text.rfind("\\", 0, at + 1), 0)
        message = f"`{text[start : start + 2]}` is no escape that double quotes know"
        return Trap(start, start + 2, message, "write the text in single quotes, or double the backslash")
    if "end of stream" in problem and context is not None and text[context : context + 1] in ("'", '"'):
        stop = end_of_text(text, context, False)
        return Trap(context, stop, "the quote that opens here is never closed", f"close it, or {BELOW}")
    if "document" in problem or (here == "%" and _column(text, at) == 0):
        return Trap(at, at + 1, "expected a key of the spec here", "one file is one spec; quote a text that begins so")
    for begun in (last, context if "scanning" in problem else None, at):
        trap = _misread(text, begun, at, opened is not None) if begun is not None else None
        if trap:
            return trap
    return _structure(text, problem, at, context, opened)


def _misread(text: str, start: int, at: int, flow: bool) -> Trap | None:
    """Return the trap that a text from `start` stepped into before YAML stopped at `at`."""
    end = end_of_text(text, start, flow)
    value = text[start:end]
    line_end = text.find("\n", start)
    if at > (line_end if line_end >= 0 else len(text)):
        hidden = re.compile(r"[^\n#]*[ \t](#[^\n]*)").match(text, start)
        if hidden is None:
            return None
        message = f"`{_short(hidden.group(1).rstrip())}` is a comment in YAML, and the text goes on after it"
        return Trap(hidden.start(1), hidden.end(1), message, BELOW)
    if not value or value.endswith(":"):
        return None
    if value.startswith("{{"):
        return template_without_quotes(text, start, end)
    if value[0] in OPENERS and value not in "|>":
        return opening(text, start, end)
    if value[0] == "-" and value[1:2] in ("", " ") and text[text.rfind("\n", 0, start) + 1 : start].strip(" -"):
        message = "a list can't begin behind a colon; a text that begins with `- ` needs quotes"
        return Trap(start, end, message, "begin the list on the line below, or " + line_with_quotes(text, start, end))
    if flow and "(" in text[start:at] and "," in text[start:at]:
        return split_at_comma(text, start, end)
    if text[at : at + 1] == ":" and start < at:
        message = "`: ` inside a text without quotes begins a value in YAML"
        return Trap(start, end, message, line_with_quotes(text, start, end))
    if flow and text[at : at + 1] in "{[" and start < at < end:
        message = "inside braces and brackets a text can't hold `{` or `[` without quotes"
        return Trap(start, end, message, line_with_quotes(text, start, end))
    return None


def _structure(text: str, problem: str, at: int, context: int | None, opened: int | None) -> Trap:
    """Return words for what is wrong with the shape of the file."""
    at = min(at, len(text))
    if opened is not None:
        closing = "}" if text[opened] == "{" else "]"
        if at >= len(text.rstrip()) or text.count("\n", opened, at):
            message = f"the `{text[opened]}` that opens here is not closed: expected `,` or `{closing}`"
            return Trap(opened, opened + 1, message, f"close it with `{closing}`")
        return Trap(at, at + 1, f"expected `,` or `{closing}` here", "a text with commas or brackets needs quotes")
    if "find expected ':'" in problem and context is not None:
        stop = end_of_text(text, context, False)
        return Trap(context, stop, "expected `:` and a value after this key", BELOW)
    if "mapping values" in problem:
        begin = text.rfind("\n", 0, at) + 1
        begin += len(text[begin:at]) - len(text[begin:at].lstrip())
        hint = f"give all keys of one mapping the same indentation; {BELOW}"
        return Trap(begin, at, "a text without quotes goes on over this line, so that no key can stand here", hint)
    if "entr" in problem or "'-'" in problem or "'?'" in problem or "collection" in problem:
        words = "this line does not belong to the list above it"
        return Trap(at, at + 1, words, "begin each item of a list with `- `, all in one column")
    if "expected key" in problem or "block end" in problem:
        return Trap(at, at + 1, "expected a key here", "give all keys of one mapping the same indentation")
    return Trap(at, at + 1, f"this is no YAML: {problem}", BELOW)


def _indentation(text: str, at: int) -> str:
    begin = text.rfind("\n", 0, at) + 1
    match = re.compile(r"[ \t]*").match(text, begin)
    return match.group() if match and match.end() >= at else ""


def _column(text: str, at: int) -> int:
    return at - (text.rfind("\n", 0, at) + 1)
