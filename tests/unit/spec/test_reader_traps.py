"""Each trap of YAML has words of its own, and the line that says it right."""

from __future__ import annotations

import pytest

from engine.source import Source
from engine.spec import reader


@pytest.mark.parametrize(
    ("text", "where", "message", "hint"),
    [
        ("a:\n\tb: 1\n", "2:1", "a tab may not indent", "indent with spaces"),
        ("a:\n  b: 1\n \tc: 2\n", "3:2", "a tab may not indent", "indent with spaces"),
        ("a: Note: b\n", "1:4", "`: ` inside a text", 'write `a: "Note: b"`'),
        (
            "- a: UPDATE t SET b = 'x: y'\n",
            "1:6",
            "`: ` inside a text",
            "write `- a: \"UPDATE t SET b = 'x: y'\"`",
        ),
        ("a: {b: c: d, e: f}\n", "1:8", "`: ` inside a text", 'write `a: {b: "c: d", e: f}`'),
        ("a: 'x' = y\n", "1:4", "begins with a quote", "write `a: \"'x' = y\"`"),
        ('a: "x" = y\nb: c\n', "1:4", "begins with a quote", "write `a: '\"x\" = y'`"),
        ("a: {b: 'x' || y, c: d}\n", "1:8", "begins with a quote", "write `a: {b: \"'x' || y\", c: d}`"),
        ("a: *b\n", "1:4", "begins with `*`", 'write `a: "*b"`'),
        ("a: *b = 1\n", "1:4", "begins with `*`", 'write `a: "*b = 1"`'),
        ("a: * 2\n", "1:4", "begins with `*`", 'write `a: "* 2"`'),
        ("a: &b = 1\n", "1:4", "begins with `&`", 'write `a: "&b = 1"`'),
        ("a: & b\n", "1:4", "begins with `&`", 'write `a: "& b"`'),
        ("a: %b\n", "1:4", "begins with `%`", 'write `a: "%b"`'),
        ("%a: b\n", "1:1", "begins with `%`", 'write `"%a: b"`'),
        ("a: @b\n", "1:4", "begins with `@`", 'write `a: "@b"`'),
        ("a: `b`\n", "1:4", "begins with a backtick", 'write `a: "`b`"`'),
        ("a: !b c\n", "1:4", "begins with `!`", 'write `a: "!b c"`'),
        ("a: !b\n", "1:4", "begins with `!`", 'write `a: "!b"`'),
        ("a: > 5\n", "1:4", "begins with `>`", 'write `a: "> 5"`'),
        ("a: || b\n", "1:4", "begins with `|`", 'write `a: "|| b"`'),
        ("a: [key] = 1\n", "1:4", "begins with `[`", 'write `a: "[key] = 1"`'),
        ("a: {b: coalesce(a, 0)}\n", "1:8", "the comma ends a text", 'write `a: {b: "coalesce(a, 0)"}`'),
        ("a: {b: coalesce(a, '')}\n", "1:8", "the comma ends a text", "write `a: {b: \"coalesce(a, '')\"}`"),
        ("a: {type: decimal(10,2)}\n", "1:11", "the comma ends a text", 'write `a: {type: "decimal(10,2)"}`'),
        ("a: [f(b, c), d]\n", "1:5", "the comma ends a text", 'write `a: ["f(b, c)", d]`'),
        ("a: {{ b }}\n", "1:4", "is a mapping in YAML, not a template", 'write `a: "{{ b }}"`'),
        ("a: {{ b }}_c\n", "1:4", "is a mapping in YAML, not a template", 'write `a: "{{ b }}_c"`'),
        ("a: {b: x = {{ c }}}\n", "1:8", "a text can't hold `{`", 'write `a: {b: "x = {{ c }}"}`'),
        ("a: - 5\n", "1:4", "a list can't begin behind a colon", 'write `a: "- 5"`'),
        ('a: "\\d+"\n', "1:5", "`\\d` is no escape", "write the text in single quotes"),
        ("a: 'b\nc: d\n", "1:4", "the quote that opens here is never closed", "close it"),
        ("a: [1\nb: 2\n", "1:4", "the `[` that opens here is not closed", "close it with `]`"),
        ("a: {b: c\n", "1:4", "the `{` that opens here is not closed", "close it with `}`"),
        ("a: [\n", "1:4", "the `[` that opens here is not closed", "close it with `]`"),
        ("a: [b] c]\n", "1:4", "begins with `[`", 'write `a: "[b] c]"`'),
        ("a: [{b} c]\n", "1:5", "begins with `{`", 'write `a: ["{b} c"]`'),
        (
            "a: {b: c #d}\n",
            "1:10",
            "`#d}` is a comment in YAML, and the text goes on",
            "put the text in quotes",
        ),
        (
            "a: b #c\n  d\n",
            "1:6",
            "`#c` is a comment in YAML, and the text goes on",
            "put the text in quotes",
        ),
        ("a: b\nc\n", "2:1", "expected `:` and a value after this key", "put the text in quotes"),
        ("a: 1\n b: 2\n", "2:2", "no key can stand here", "same indentation"),
        ("a:\n  b: c\n d: e\n", "3:2", "expected a key here", "same indentation"),
        ("a:\n  - b\n  c: d\n", "3:3", "does not belong to the list above", "begin each item"),
        ("a: b\n...\nc: d\n...\n", "3:1", "expected a key of the spec here", "one file is one spec"),
        ("a: {b: c}}\n", "1:4", "begins with `{`", 'write `a: "{b: c}}"`'),
        ("a: {b: [c, }\n", "1:12", "expected `,` or `]` here", "needs quotes"),
    ],
)
def test_trap(text: str, where: str, message: str, hint: str) -> None:
    _, found = reader.read(Source("001_a.yaml", text))
    assert len(found) == 1, [f.message for f in found]
    span = found[0].span
    assert span is not None
    assert (found[0].rule, f"{span.line}:{span.column}") == ("SP101", where)
    assert message in found[0].message
    assert hint in found[0].hint


def test_a_hint_shows_a_line_that_can_be_read() -> None:
    for text in ("a: 'x' = \"y\"\n", "a: it's: \\d\n", "a: {b: f(c, 'd \"e\"')}\n"):
        _, found = reader.read(Source("001_a.yaml", text))
        line = found[0].hint.removeprefix("write `").removesuffix("`")
        tree, problems = reader.read(Source("001_a.yaml", line))
        assert tree is not None
        assert problems == ()
