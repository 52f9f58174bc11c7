"""What the reader makes of YAML: values by the 1.2 rules, exact places, nothing hidden."""

from __future__ import annotations

from decimal import Decimal

import pytest
import yaml

from engine.errors import Diagnostic
from engine.source import Source
from engine.spec import reader
from engine.spec.nodes import List, Map, Node, Scalar


def read(text: str) -> tuple[Map | None, tuple[Diagnostic, ...]]:
    return reader.read(Source("001_a.yaml", text))


def good(text: str) -> Map:
    tree, found = read(text)
    assert found == ()
    assert tree is not None
    return tree


def value(text: str, key: str = "a") -> Scalar:
    node = good(text).get(key)
    assert isinstance(node, Scalar)
    return node


def only(text: str) -> Diagnostic:
    _, found = read(text)
    assert len(found) == 1, [f.message for f in found]
    return found[0]


def place(found: Diagnostic) -> str:
    assert found.span is not None
    return f"{found.span.line}:{found.span.column}"


def plain(node: Node | None) -> object:
    if isinstance(node, Map):
        return {k.text: plain(v) for k, v in node.entries}
    if isinstance(node, List):
        return [plain(i) for i in node.items]
    return node.value if node else None


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("0", 0),
        ("-7", -7),
        ("+7", 7),
        ("0.00", Decimal("0.00")),
        (".5", Decimal("0.5")),
        ("1e3", Decimal("1e3")),
        ("-1.5E-2", Decimal("-0.015")),
        ("word", "word"),
        ('"true"', "true"),
        ("'12'", "12"),
        ("|\n  12\n", "12\n"),
        ("y", "y"),
    ],
)
def test_only_true_false_null_and_decimal_numbers_are_no_text(written: str, meant: object) -> None:
    found = value(f"a: {written}\n")
    assert found.value == meant
    assert type(found.value) is type(meant)
    assert found.surprise == ""


@pytest.mark.parametrize(
    ("written", "taken_for"),
    [
        ("yes", "the boolean true"),
        ("On", "the boolean true"),
        ("True", "the boolean true"),
        ("no", "the boolean false"),
        ("OFF", "the boolean false"),
        ("NULL", "null"),
        ("~", "null"),
        ("010", "the number 8"),
        ("-010", "the number -8"),
        ("0o17", "the number 15"),
        ("089", "a number without its leading zeros"),
        ("01.5", "a number without its leading zeros"),
        ("0x1F", "a hexadecimal number"),
        ("0b11", "a binary number"),
        ("1_000", "the number 1000"),
        ("12:30", "the number 750, counted in sixties"),
        ("12:30:45", "the number 45045, counted in sixties"),
        ("2024-01-31", "a date"),
        ("2024-01-31 10:00:00", "a date with a time"),
        ("2024-01-31T10:00:00Z", "a date with a time"),
        (".inf", "a number that is none (infinity, not a number)"),
        ("-.INF", "a number that is none (infinity, not a number)"),
        (".nan", "a number that is none (infinity, not a number)"),
    ],
)
def test_what_yaml_1_1_reads_otherwise_stays_text_and_says_so(written: str, taken_for: str) -> None:
    found = value(f"a: {written}\n")
    assert (found.value, found.text, found.surprise) == (written, written, taken_for)


@pytest.mark.parametrize("written", ["yesterday", "nothing", "1.2.3", "12:99", "v1_0", "2024-1", "_", "+", "-x", "."])
def test_innocent_words_surprise_nobody(written: str) -> None:
    assert value(f"a: {written}\n").surprise == ""


def test_a_quoted_word_surprises_nobody() -> None:
    assert value('a: "no"\n').surprise == ""


def test_a_key_may_surprise_too() -> None:
    assert good("no: text\n").entries[0][0].surprise == "the boolean false"


def test_nothing_after_a_colon_is_empty_and_not_null() -> None:
    found = value("a:\nb: null\n")
    assert found.empty
    assert not value("a:\nb: null\n", "b").empty
    assert not value('a: ""\n').empty


def test_columns_count_characters_also_behind_emoji() -> None:
    tree = good('a: {"😀é": "x", b: y}\n')
    inner = tree.get("a")
    assert isinstance(inner, Map)
    assert [str(k.span) for k, _ in inner.entries] == ["001_a.yaml:1:5", "001_a.yaml:1:16"]


def test_spans_of_quoted_text_include_the_quotes() -> None:
    span = value('a: "x y"\n').span
    assert (span.line, span.column, span.end_column) == (1, 4, 9)


def test_spans_of_blocks_end_with_their_last_character() -> None:
    tree = good("a: |\n  one\n  two\n\n\nb:\n  c: d\n  e: [f,\n    g]\n\n# end\n")
    spans = [(v.span.line, v.span.column, v.span.end_line, v.span.end_column) for _, v in tree.entries]
    assert spans == [(1, 4, 3, 6), (7, 3, 9, 7)]
    assert isinstance(tree.entries[0][1], Scalar)
    assert tree.entries[0][1].block == "|"


def test_windows_line_ends_and_lines_are_as_the_editor_counts() -> None:
    tree = good("a: 1\r\nb: two\r\n")
    assert str(tree.entries[1][0].span) == "001_a.yaml:2:1"
    assert plain(tree) == {"a": 1, "b": "two"}


def test_small_references_are_read() -> None:
    tree = good("a: &x {b: [1, 2]}\nc: *x\nd: &y text\ne: [*y, *y]\n")
    assert plain(tree.get("c")) == {"b": [1, 2]}
    assert plain(tree.get("e")) == ["text", "text"]


def test_a_key_twice_is_reported_at_the_second_with_the_first() -> None:
    found = only("a:\n  b: 1\n  c: 2\n  b: 3\n")
    assert (found.rule, place(found)) == ("SP103", "4:3")
    assert [str(r.span) for r in found.related] == ["001_a.yaml:2:3"]
    tree, _ = read("a: 1\na: 2\n")
    assert plain(tree) == {"a": 1}


@pytest.mark.parametrize("text", ['1: a\n"1": b\n', "1: a\n1.0: b\n", "'a': 1\na: 2\n"])
def test_keys_that_mean_the_same_are_the_same_key(text: str) -> None:
    assert only(text).rule == "SP103"


def test_all_mistakes_of_a_file_are_told_at_once() -> None:
    _, found = read("a: 1\na: 2\nb: {t: decimal(10,2)}\nc: {{ d }}\ne: !x f\n")
    assert [(d.rule, place(d)) for d in found] == [
        ("SP103", "2:1"),
        ("SP101", "3:8"),
        ("SP101", "4:4"),
        ("SP101", "5:4"),
    ]


def test_what_a_comma_cut_is_whole_again_in_the_tree() -> None:
    tree, found = read("a: {x: coalesce(a, 0), y: [f(b, g(c, d)), e]}\n")
    assert len(found) == 2
    assert plain(tree) == {"a": {"x": "coalesce(a, 0)", "y": ["f(b, g(c, d))", "e"]}}


def test_a_lone_parenthesis_is_just_a_character() -> None:
    assert plain(good("a: [sad :(, glad]\nb: {c: x(, d: y}\n")) == {
        "a": ["sad :(", "glad"],
        "b": {"c": "x(", "d": "y"},
    }


def test_a_template_without_quotes_is_a_text_again_in_the_tree() -> None:
    tree, found = read("a: {{ t | default('x, y') }}\nb: [{{ u }}]\n")
    assert plain(tree) == {"a": "{{ t | default('x, y') }}", "b": ["{{ u }}"]}
    assert [d.hint for d in found] == ["""write `a: "{{ t | default('x, y') }}"`""", 'write `b: ["{{ u }}"]`']


@pytest.mark.parametrize(
    ("text", "trap"),
    [
        ("a: b #c\n", '` #c` is cut off as a comment: write "b #c"'),
        ("a: x = 'b   # c\n", '` # c` is cut off as a comment: write "x = \'b   # c"'),
        ("a: f(b   # c\n", '` # c` is cut off as a comment: write "f(b   # c"'),
        ("a: #fff\n", '`#fff` is a comment in YAML: write "#fff"'),
        ("a: b  # c\n", ""),
        ("a:  # c\n", ""),
        ('a: "b" # c\n', ""),
        ("a: b\n", ""),
    ],
)
def test_a_comment_that_cuts_a_text_is_told_apart_from_a_comment(text: str, trap: str) -> None:
    assert value(text).trap == trap


@pytest.mark.parametrize("text", ["a: >\n  b = 1 -- first\n  and c = 2\n", 'a: "b -- c\n  d"\n', "a: b -- c\n  d\n"])
def test_dashes_in_folded_lines_hide_the_rest(text: str) -> None:
    assert "`--` hides all that follows" in value(text).trap


@pytest.mark.parametrize("text", ["a: |\n  b -- c\n  d\n", "a: >\n  b '--' c\n  d\n", "a: >\n  b\n  c -- d\n"])
def test_dashes_that_hide_nothing_are_no_trap(text: str) -> None:
    assert value(text).trap == ""


# ── what is refused ───────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("", "1:1", "the file is empty"),
        ("# only a comment\n", "1:1", "the file is empty"),
        ("---\n", "1:1", "the file is empty"),
        ("- a\n", "1:1", "the file must be a mapping of keys to values; this is a list"),
        ("word\n", "1:1", "the file must be a mapping of keys to values; this is a text"),
        ("a: 1\n---\nb: 2\n", "2:1", "a second document begins here; one file is one migration"),
        ("%YAML 1.1\n---\na: 1\n", "1:1", "directives (`%YAML`, `%TAG`) have no place in a spec"),
        ("a: !!str 5\n", "1:4", "the tag `!!str` has no place in a spec"),
        (
            "a: !!python/object/apply:os.system [x]\n",
            "1:4",
            "the tag `!!python/object/apply:os.system` has no",
        ),
        ("a: !x {b: c}\n", "1:4", "the tag `!x` has no place"),
        ("a: {<<: {b: c}}\n", "1:5", "`<<` merges mappings in YAML 1.1"),
        ("? [a]\n: b\n", "1:3", "a key must be a name"),
        ("{a: b}: c\n", "1:1", "a key must be a name"),
        ("?\n: b\n", "1:2", "a `:` without a key"),
        ("a: &x [*x]\n", "1:8", "`*x` stands inside what it refers to"),
        ("a: " + "[" * 70 + "]" * 70 + "\n", "1:67", "more than 64 levels of nesting"),
        ("a: " + "9" * 5000 + "\n", "1:4", "a number of 5,000 characters"),
        ('a: "\\0"\n', "1:4", "the control character U+0000 (NUL) may not stand in a value"),
        ('"\\x1b[1m": b\n', "1:1", "the control character U+001B (escape) may not stand in a name"),
        ("a: b\x00c\n", "1:5", "the control character U+0000 (NUL) may not stand in a spec"),
        ("a: \x1b[31m\n", "1:4", "the control character U+001B (escape) may not stand in a spec"),
        ("a: 'b\u202ec'\n", "1:6", "the character U+202E (right-to-left override) may not stand in a spec"),
        ("a: b\rc: d\n", "1:5", "the control character U+000D (carriage return) may not stand in a spec"),
        ("a: b\ud800\n", "1:5", "the lone surrogate U+D800 may not stand in a spec"),
        ("a: b # c\u2028d: e\n", "1:9", "the character U+2028 (line separator) may not stand outside quotes"),
        ("a: b\x85c\n", "1:5", "the control character U+0085 may not stand outside quotes"),
    ],
)
def test_what_could_hide_or_explode_is_refused_at_its_place(text: str, where: str, message: str) -> None:
    found = only(text)
    assert (found.rule, place(found)) == ("SP101", where)
    assert message in found.message
    assert found.hint


def test_line_separators_inside_quotes_are_kept_and_end_no_line() -> None:
    tree = good("a: 'b\u2028c'\nd: \"e\x85f\"\ng: h\n")
    assert [str(k.span) for k, _ in tree.entries][2] == "001_a.yaml:3:1"
    assert "\u2028" in str(plain(tree.get("a")))


def test_lone_surrogates_as_escapes_are_refused() -> None:
    assert only('a: "\\ud800"\n').rule == "SP101"


def test_references_that_explode_are_counted_before_anything_is_built() -> None:
    text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    for n in range(1, 9):
        text += f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n"
    found = only(text)
    assert "more than 10,000 values" in found.message


def test_many_values_without_references_are_fine() -> None:
    rows = "\n".join(f"  - {{id: {n}, name: n{n}}}" for n in range(6000))
    node = good(f"a:\n{rows}\n").get("a")
    assert isinstance(node, List)
    assert len(node.items) == 6000


def test_a_file_over_one_mebibyte_is_refused() -> None:
    assert "a spec may have 1,048,576" in only("a: " + "é" * 600_000).message


def test_a_file_has_a_limit_of_values() -> None:
    assert "more than 200,000 keys and values" in only("a: [" + "x," * 250_000 + "]\n").message


def test_long_texts_are_shortened_in_messages() -> None:
    for text in (
        "a: {b: f(" + "x" * 5000 + ", y)}\n",
        "a: {{ " + "x" * 5000 + " }}\n",
        "a: !" + "x" * 5000 + " {}\n",
    ):
        found = only(text)
        assert len(found.message) + len(found.hint) < 400
    assert len(value("a: b #" + "c" * 5000 + "\n").trap) < 400


def test_after_a_hundred_mistakes_the_rest_is_not_told() -> None:
    tree, found = read("".join(f"a: {n}\n" for n in range(2000)))
    assert tree is None
    assert len(found) == 101


def test_the_parser_in_pure_python_gives_the_same_diagnostics(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [
        "a: 'b' = c\n",
        "a:\n\tb: 1\n",
        "a: Note: b\n",
        "a: @b\n",
        "a: {b: 'x' || y}\n",
        "a: [1\nb: 2\n",
        'a: "\\d"\n',
    ]
    fast = [read(text)[1] for text in texts]
    monkeypatch.delattr(yaml, "CSafeLoader")
    slow = [read(text)[1] for text in texts]
    assert fast == slow
    assert plain(good("a: {b: [1, 'x']}\n")) == {"a": {"b": [1, "x"]}}
