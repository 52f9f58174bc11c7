"""Small cuts in SQL text: take a stretch out or put one in, without joining words or losing comments."""

from __future__ import annotations

from engine.dialects.sqlite.tokens import all_tokens, edit, tokens


def cut(sql: str, start: int, end: int) -> str:
    """Return `sql` without the stretch and the blanks before it; words around it stay apart."""
    start = _blanks_before(sql, start)
    apart = " " if _would_join(sql[:start], sql[end:]) else ""
    return edit(sql, [(start, end, apart)])


def put(sql: str, at: int, text: str) -> str:
    """Return `sql` with `text` at an offset, a blank before it, and one after it where words would join."""
    after = " " if _would_join(text, sql[at:]) else ""
    return edit(sql, [(at, at, f" {text}{after}")])


def cut_item(sql: str, start: int, end: int) -> str:
    """Return `sql` without an item of a list and the comma that goes with it; comments stay."""
    found = tokens(sql)
    before = next((t for t in reversed(found) if t.end <= start), None)
    after = next((t for t in found if t.start >= end), None)
    if after is not None and after.text == ",":
        blanks = _blanks_after(sql, after.end)
        return edit(sql, [(start, end, ""), (after.start, blanks, "")])
    if before is not None and before.text == "," and after is not None and after.text == ")":
        return edit(sql, [(before.start, before.end, ""), (_blanks_before(sql, start), end, "")])
    return cut(sql, start, end)


def add_item(sql: str, last_end: int, closing: int, text: str) -> str:
    """Return `sql` with one more item behind the last of a list, laid out as the last one is.

    Args:
        last_end: where the last item ends.
        closing: offset of the closing parenthesis.
    """
    lead = layout(sql, last_end)
    at = _end_of_comments(sql, last_end, closing)
    if sql[at - 1] == "\n":  # behind a comment that its line ends
        lead = lead.lstrip("\n") if lead.startswith("\n") else ""
    if at == last_end:
        return edit(sql, [(at, at, f",{lead}{text}")])
    return edit(sql, [(last_end, last_end, ","), (at, at, lead + text)])


def layout(sql: str, at: int) -> str:
    """Return what stands between items of a list: a line break with the line's indent, or a blank."""
    line = sql[sql.rfind("\n", 0, at) + 1 : at]
    indent = line[: len(line) - len(line.lstrip(" \t"))]
    return f"\n{indent}" if "\n" in sql[:at] and indent else " "


def _end_of_comments(sql: str, start: int, end: int) -> int:
    """Return the end of the last comment between two offsets, `start` for none."""
    ends = [t.end for t in all_tokens(sql) if t.kind == "comment" and start <= t.start and t.end <= end]
    return ends[-1] if ends else start


def _blanks_before(sql: str, at: int) -> int:
    """Return where the blanks before `at` begin; the line break that ends a comment is none."""
    return next((t.start for t in all_tokens(sql) if t.kind == "space" and t.end == at), at)


def _blanks_after(sql: str, at: int) -> int:
    return next((t.end for t in all_tokens(sql) if t.kind == "space" and t.start == at), at)


def _would_join(left: str, right: str) -> bool:
    """Tell whether the last token of `left` and the first of `right` would run into one another."""
    if not left or not right or left[-1].isspace() or right[0].isspace():
        return False
    return not (left[-1] in "(),;" or right[0] in "(),;")
