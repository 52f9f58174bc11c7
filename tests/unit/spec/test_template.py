"""Templates: values into text, quoted for the database, and nothing that can run away."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal

import pytest

from engine.spec.template import LONGEST, TemplateError, has_template, render, variables_used


class Quotes:
    """Quotes as SQLite does."""

    def literal(self, value: str | float | bool | None) -> str:
        if value is None:
            return "NULL"
        if isinstance(value, bool):
            return str(int(value))
        return "'" + str(value).replace("'", "''") + "'"

    def ident(self, name: str) -> str:
        return '"' + name.replace('"', '""') + '"'


VALUES: dict[str, object] = {
    "tenant": "acme",
    "quote": "it's",
    "n": 3,
    "price": Decimal("1.10"),
    "on": True,
    "nothing": None,
    "m": {"from": "a", "items": "things", "values": 5},
    "names": ["x", "y z"],
    "empty": "",
}


def shown(text: str) -> str:
    return render(text, VALUES, Quotes())


def refused(text: str, values: dict[str, object] | None = None) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        render(text, VALUES if values is None else values, Quotes())
    return caught.value


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain", "plain"),
        ("{{ tenant }}", "acme"),
        ("a {{ tenant }} b {{ n }}\n", "a acme b 3\n"),
        ("{{ price }} {{ on }} {{ nothing }}", "1.10 true null"),
        ("{{ quote | literal }}", "'it''s'"),
        (
            "{{ n | literal }}, {{ price | literal }}, {{ on | literal }}, {{ nothing | literal }}",
            "3, 1.10, 1, NULL",
        ),
        ("{{ 'a\"b' | ident }}", '"a""b"'),
        ("in ({{ names | literal }})", "in ('x', 'y z')"),
        ("{{ names | ident }}", '"x", "y z"'),
        ("{{ m.from }}.{{ m.items }}.{{ m.values }}", "a.things.5"),
        ("{{ unknown | default('x') }}{{ tenant | default('x') }}", "xacme"),
        ("{{ unknown | default(tenant) | upper }}{{ unknown | d }}", "ACME"),
        ("{{ empty | default('x', true) }}{{ empty | default('x') }}", "x"),
        ("{{ ' A ' | trim | lower }}{{ tenant | replace('c', 'k') }}", "aakme"),
        ("{{ names | join('+') }}{{ '12' | int }}", "x+y z12"),
        ("{{ tenant ~ '_' ~ n }}", "acme_3"),
        ("{{ 'many' if n > 2 else 'few' }}", "many"),
        ("{% if n == 3 and not empty %}a{% elif on %}b{% else %}c{% endif %}", "a"),
        ("{% if n != 3 or nothing %}a{% elif 'x' in names %}b{% else %}c{% endif %}", "b"),
        ("{% if 1 < n <= 2 %}a{% elif n >= 4 %}b{% elif 'q' not in names %}c{% endif %}", "c"),
        ("{% if empty %}a{% else %}b{% endif %}", "b"),
        ("{{ '{{' }} {# gone #}x", "{{ x"),
        ("{% raw %}{{ a }}{% endraw %}", "{{ a }}"),
        ("say {# this #}", "say {# this #}"),
    ],
)
def test_a_template_gives(text: str, result: str) -> None:
    assert shown(text) == result


def test_a_value_is_never_read_as_a_template_again() -> None:
    assert render("{{ a }}", {"a": "{{ b }}"}, Quotes()) == "{{ b }}"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("{{ tennant }}", "the template names `tennant`, which nobody set", "did you mean `tenant`?"),
        (
            "{{ zzz }}",
            "the template names `zzz`, which nobody set",
            "set it in `vars`, or give `--var zzz=VALUE`",
        ),
        ("{% if false %}{{ tennant }}{% endif %}", "`tennant`, which nobody set", "did you mean `tenant`?"),
        ("{{ m.form }}", "the template takes `.form`, which is not there", "did you mean `from`?"),
        ("{{ m.q }}", "the template takes `.q`, which is not there", "there are from, items, values"),
        ("{{ tenant.x }}", "takes `.x` of a value that has no parts", "leave the dot out"),
        ("{{ tenant | uper }}", "templates have no filter `uper`", "did you mean `upper`?"),
        ("{{ tenant | qqq }}", "templates have no filter `qqq`", "there are d, default"),
        ("{{ m }}", "a mapping can't stand in a text", "name a part of it"),
        ("{{ names }}", "a list can't stand in a text", "join"),
        ("{{ 'a' if empty }}", "without `else` gives nothing here", "add `else`"),
        ("{{ n < 'a' }}", "compares values of different kinds", "compare text with text"),
        ("{{ 'x' | int }}", "the filter `int` can't be used so", ""),
        ("{{ n | ident }}", "the filter `ident` can't be used so", ""),
        ("{{ m | literal }}", "the filter `literal` can't be used so", ""),
        ("{{ n | join }}", "the filter `join` can't be used so", ""),
        ("{{ tenant | upper('x') }}", "the filter `upper` can't be used so", ""),
        ("{{ tenant | default(default_value='x') }}", "the filter `default` takes plain values", ""),
        ("{{ tenant", "the template can't be read", "write `{{ name }}`"),
        ("{{ a b }}", "the template can't be read", "write `{{ name }}`"),
        ("{{ }}", "the template can't be read", "write `{{ name }}`"),
        ("{% foo %}", "templates have no `{% foo %}`", "only `{% if %}` is there"),
        ("{% if on %}", "the template can't be read", ""),
        ("{% for x in names %}{{ x }}{% endfor %}", "`{% for %}` is not for templates", "for_each"),
        ("{% set x = 1 %}", "a template can't set variables", "vars"),
        ("{% include 'x' %}", "a template can't read files", "vars"),
        ("{% macro f() %}{% endmacro %}", "a template can't define macros", "write the text out"),
        ("{{ range(9) }}", "a template can't call anything", ""),
        ("{{ tenant.upper() }}", "a template can't call anything", "vars"),
        ("{{ 'x' * 1000000000 }}", "a template can't compute", "SQL"),
        ("{{ 2 ** 99999 }}", "a template can't compute", "SQL"),
        ("{{ '%99999999d' % 1 }}", "a template can't compute", "SQL"),
        ("{{ [0] }}", "a template can't compute", "SQL"),
        ("{{ m['from'] }}", "with a dot only", "{{ m.name }}"),
        ("{{ ''.__class__ }}", "takes `.__class__` of a value that has no parts", ""),
        ("{{ m.__class__ }}", "takes `.__class__`, which is not there", ""),
        ("{{ on is defined }}", "a template can't compute", ""),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "nested too deeply", "split it up"),
        ("{{ " + "not " * 30000 + "on }}", "a template may have 65,536 characters", "shorten it"),
        ("{{ " + "not " * 3000 + "on }}", "nested too deeply", "split it up"),
    ],
)
def test_a_template_is_refused_with_the_way_out(text: str, message: str, hint: str) -> None:
    error = refused(text)
    assert message in error.message
    assert hint in error.hint
    assert 0 <= error.offset <= len(text)


def test_the_place_of_an_unknown_name_is_inside_the_braces() -> None:
    error = refused("tennant = {{ tennant }}")
    assert (error.offset, error.length) == (13, 7)


@pytest.mark.parametrize(
    "text",
    [
        "{{ big }}{{ big }}",
        "{{ big ~ big }}",
        "{{ big | replace('x', 'yyyyyyyyyy') }}",
        "{{ big | replace('', big) }}",
        "{{ lots | join(big) }}",
        "{{ quotes | literal }}",
    ],
)
def test_the_text_is_never_longer_than_it_may_be(text: str) -> None:
    values: dict[str, object] = {"big": "x" * 40_000, "lots": ["a"] * 100_000, "quotes": "'" * 40_000}
    assert f"more than {LONGEST:,} characters" in refused(text, values).message


def test_what_a_template_reads_can_be_asked() -> None:
    assert variables_used("{{ a.b }} {% if c %}{{ d | default(e) }}{% endif %}") == {"a", "c", "d", "e"}
    assert variables_used("plain { a }") == frozenset()
    assert has_template("{{ a }}")
    assert has_template("{% if a %}")
    assert not has_template("{a} {# b #}")


def test_without_a_template_jinja_is_not_loaded() -> None:
    code = "import sys; from engine.spec.template import render; render('a', {}, None); "
    code += "print('jinja2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
