"""Templates in string scalars: Jinja's grammar, a small part of it, nothing that can run away.

Jinja parses in its sandbox; the tree is then walked here, node by node, by an
allow-list. No Python object is ever reached: names are looked up in the
variables, dots in their mappings, and the length of the text is watched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from jinja2 import nodes

LONGEST = 64 * 1024
"""Characters of a template, and of what it gives."""


class Quoting(Protocol):
    """How a database writes values and names."""

    def literal(self, value: str | float | bool | None) -> str:
        """Return `value` as a SQL literal."""
        ...

    def ident(self, name: str) -> str:
        """Return `name` as a quoted identifier."""
        ...


class TemplateError(Exception):
    """A template that can't be rendered.

    Attributes:
        message: what is wrong; no full stop at its end.
        hint: the way out.
        offset, length: the place within the scalar's text.
    """

    def __init__(self, message: str, hint: str = "", offset: int = 0, length: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.offset = offset
        self.length = length


def has_template(text: str) -> bool:
    """Tell whether `text` holds `{{ … }}` or `{% … %}`."""
    return "{{" in text or "{%" in text


def variables_used(text: str) -> frozenset[str]:
    """Return the names of the variables that a template reads.

    Raises:
        TemplateError: it is no template.
    """
    if not has_template(text):
        return frozenset()
    from jinja2 import nodes

    return frozenset(node.name for node in _parse(text).find_all(nodes.Name))


def render(text: str, variables: Mapping[str, object], dialect: Quoting) -> str:
    """Return `text` with its templates replaced.

    Args:
        text: a scalar's text; without a template it comes back as it is.
        variables: name → text, number, true/false, null, mapping or list of these.
        dialect: how `| literal` and `| ident` quote.

    Returns:
        The text: `true`, `false` and `null` as YAML writes them, numbers as they were spelled.

    Raises:
        TemplateError: bad grammar, something that templates may not do, an
            unknown name (also in a branch that is not taken), or too long a text.
    """
    if not has_template(text):
        return text
    from engine.spec.template_walk import Walk

    tree = _parse(text)
    try:
        return Walk(text, variables, dialect).render(tree)
    except RecursionError:
        raise TemplateError("the template is nested too deeply", "split it up", 0, len(text)) from None


@lru_cache(maxsize=512)
def _parse(text: str) -> nodes.Template:
    """Return the syntax tree; kept, because `for_each` renders one text many times."""
    from jinja2 import StrictUndefined, TemplateSyntaxError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    if len(text) > LONGEST:
        raise TemplateError(f"a template may have {LONGEST:,} characters; this has {len(text):,}", "shorten it")
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
    try:
        return environment.parse(text)
    except TemplateSyntaxError as error:
        raise _syntax(text, str(error.message or error), error.lineno) from None
    except ValueError:  # Python makes no number of so many digits
        hint = "write it as text in SQL, or give it in `vars`"
        raise TemplateError("a number in the template has too many digits", hint, 0, len(text)) from None
    except RecursionError:
        raise TemplateError("the template is nested too deeply", "split it up", 0, len(text)) from None


def _syntax(text: str, problem: str, line: int) -> TemplateError:
    """Return the error for what Jinja's parser refused."""
    start = sum(len(part) for part in text.splitlines(keepends=True)[: line - 1])
    found = re.compile(r"\{[{%]").search(text, start)
    offset = found.start() if found else start
    end = text.find("\n", offset)
    tag = re.search(r"unknown tag '(\w+)'", problem)
    if tag:
        return TemplateError(f"templates have no `{{% {tag.group(1)} %}}`", "only `{% if %}` is there", offset, 2)
    hint = "write `{{ name }}`; for braces that are no template write `{{ '{{' }}`"
    message = f"the template can't be read: {problem.rstrip('.')}"
    return TemplateError(message, hint, offset, (end if end > 0 else len(text)) - offset)
