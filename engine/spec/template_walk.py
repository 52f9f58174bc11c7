"""What the nodes of a template mean, by an allow-list.

No Python object is ever reached: names are looked up in the variables, dots in
their mappings, and each text's length is judged before it is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from jinja2 import nodes

from engine.model.state import nearest
from engine.spec.template import LONGEST, Quoting, TemplateError

_FOREIGN = {
    "For": ("`{% for %}` is not for templates", "repeat a step with `for_each`"),
    "Call": ("a template can't call anything", "give the value in `vars`"),
    "Include": ("a template can't read files", "give the value in `vars`"),
    "Import": ("a template can't read files", "give the value in `vars`"),
    "FromImport": ("a template can't read files", "give the value in `vars`"),
    "Extends": ("a template can't read files", "give the value in `vars`"),
    "Macro": ("a template can't define macros", "write the text out"),
    "Assign": ("a template can't set variables", "set them in `vars`"),
    "AssignBlock": ("a template can't set variables", "set them in `vars`"),
    "Getitem": ("a template takes parts of a value with a dot only", "write `{{ m.name }}`"),
}


class Walk:
    """Evaluates one tree; a kind of node that it does not know, it refuses."""

    def __init__(self, text: str, variables: Mapping[str, object], dialect: Quoting) -> None:
        self._text = text
        self._variables = variables
        self._dialect = dialect

    def render(self, tree: nodes.Template) -> str:
        """Return the text of the whole template.

        Raises:
            TemplateError: something unknown, forbidden or too long.
        """
        self._check(tree, exempt=False)
        return self._joined(self._body(tree.body))

    # ── before anything is evaluated ──────────────────────────────────────
    def _check(self, node: nodes.Node, *, exempt: bool) -> None:
        """Refuse kinds of nodes, filters and names that are unknown, in all branches."""
        kind = type(node).__name__
        if isinstance(node, nodes.Name) and not exempt and node.name not in self._variables:
            self._unknown(node.name, self._variables, f"the template names `{node.name}`, which nobody set")
        if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
            self._unknown(node.name, _FILTERS, f"templates have no filter `{node.name}`")
        if kind not in _ALLOWED:
            message, hint = _FOREIGN.get(
                kind, ("a template can't compute", "write it in SQL, or give the value in `vars`")
            )
            raise TemplateError(message, hint, *self._first_tag())
        defaulted = isinstance(node, nodes.Filter) and node.name in ("default", "d")
        for child in node.iter_child_nodes():
            self._check(child, exempt=defaulted and child is node.node)  # type: ignore[attr-defined]

    def _unknown(self, name: str, known: Mapping[str, object], message: str) -> None:
        close = nearest(name, known)
        hint = f"did you mean `{close}`?" if close else ""
        if not hint and known is self._variables:
            hint = f"set it in `vars`, or give `--var {name}=VALUE`"
        raise TemplateError(message, hint or f"there are {', '.join(sorted(known))}", *self._place(name))

    def _place(self, name: str) -> tuple[int, int]:
        """Return offset and length of `name` inside the template's braces."""
        for tag in re.finditer(r"\{[{%].*?[}%]\}", self._text, re.DOTALL):
            found = re.compile(rf"\b{re.escape(name)}\b").search(self._text, tag.start(), tag.end())
            if found:
                return found.start(), len(name)
        return self._first_tag()

    def _first_tag(self) -> tuple[int, int]:
        found = re.search(r"\{[{%].*?[}%]\}", self._text, re.DOTALL)
        return (found.start(), found.end() - found.start()) if found else (0, len(self._text))

    # ── text ──────────────────────────────────────────────────────────────
    def _body(self, body: Sequence[nodes.Node]) -> Iterator[str]:
        for node in body:
            if isinstance(node, nodes.Output):
                for part in node.nodes:
                    yield (part.data if isinstance(part, nodes.TemplateData) else self._shown(self._value(part)))
            elif isinstance(node, nodes.If):
                yield from self._branch(node)

    def _branch(self, node: nodes.If) -> Iterator[str]:
        for case in (node, *node.elif_):
            if self._value(case.test):
                yield from self._body(case.body)
                return
        yield from self._body(node.else_)

    def _joined(self, parts: Iterator[str]) -> str:
        size = 0
        found = []
        for part in parts:
            size += len(part)
            if size > LONGEST:
                self._too_long()
            found.append(part)
        return "".join(found)

    def _too_long(self) -> None:
        raise TemplateError(f"the template gives more than {LONGEST:,} characters", "shorten it", *self._first_tag())

    def _shown(self, value: object) -> str:
        """Return a value as text, as YAML writes it."""
        if value is None or isinstance(value, bool):
            return {None: "null", True: "true", False: "false"}[value]
        if isinstance(value, (str, int, float, Decimal)):
            return str(value)
        kind = "a mapping" if isinstance(value, Mapping) else "a list"
        hint = "name a part of it, `{{ m.name }}`" if kind == "a mapping" else "write `{{ names | join(', ') }}`"
        raise TemplateError(f"{kind} can't stand in a text", hint, *self._first_tag())

    # ── values ────────────────────────────────────────────────────────────
    def _value(self, node: nodes.Node) -> Any:
        if isinstance(node, nodes.Const):
            return node.value
        if isinstance(node, nodes.Name):
            return self._variables[node.name]
        if isinstance(node, nodes.Getattr):
            return self._part(self._value(node.node), node.attr)
        if isinstance(node, nodes.CondExpr):
            if self._value(node.test):
                return self._value(node.expr1)
            if node.expr2 is None:
                raise TemplateError("`… if …` without `else` gives nothing here", "add `else`", *self._first_tag())
            return self._value(node.expr2)
        if isinstance(node, nodes.And):
            return self._value(node.left) and self._value(node.right)
        if isinstance(node, nodes.Or):
            return self._value(node.left) or self._value(node.right)
        if isinstance(node, nodes.Not):
            return not self._value(node.node)
        if isinstance(node, nodes.Concat):
            return self._joined(self._shown(self._value(part)) for part in node.nodes)
        if isinstance(node, nodes.Compare):
            return self._compare(node)
        if isinstance(node, nodes.Filter):
            return self._filter(node)
        raise TemplateError("a template can't compute", "write it in SQL", *self._first_tag())

    def _part(self, value: object, name: str) -> object:
        if not isinstance(value, Mapping):
            message = f"the template takes `.{name}` of a value that has no parts"
            raise TemplateError(message, "leave the dot out", *self._place(name))
        if name not in value:
            close = nearest(name, value)
            hint = f"did you mean `{close}`?" if close else f"there are {', '.join(map(str, value))}"
            raise TemplateError(f"the template takes `.{name}`, which is not there", hint, *self._place(name))
        return value[name]

    def _compare(self, node: nodes.Compare) -> bool:
        left = self._value(node.expr)
        for operand in node.ops:
            right = self._value(operand.expr)
            try:
                if not _COMPARE[operand.op](left, right):
                    return False
            except TypeError:
                message = f"the template compares values of different kinds ({left!r} and {right!r})"
                raise TemplateError(message, "compare text with text", *self._first_tag()) from None
            left = right
        return True

    def _filter(self, node: nodes.Filter) -> Any:
        if node.kwargs or node.dyn_args or node.dyn_kwargs or node.node is None:
            message = f"the filter `{node.name}` takes plain values in parentheses"
            raise TemplateError(message, "write `| default('x')`", *self._place(node.name))
        arguments = [self._value(argument) for argument in node.args]
        if node.name in ("default", "d"):
            return self._default(node.node, arguments)
        value = self._value(node.node)
        try:
            result = _FILTERS[node.name](self, value, *arguments)
        except (TypeError, ValueError):
            message = f"the filter `{node.name}` can't be used so on {value!r}"
            raise TemplateError(message[:200], "see its use in the documentation", *self._place(node.name)) from None
        if isinstance(result, str) and len(result) > LONGEST:
            self._too_long()
        return result

    def _default(self, node: nodes.Node, arguments: list[Any]) -> Any:
        """Return the value, or the argument where the name is unknown (or, if so asked, empty)."""
        instead = arguments[0] if arguments else ""
        if isinstance(node, nodes.Name) and node.name not in self._variables:
            return instead
        value = self._value(node)
        return instead if len(arguments) > 1 and arguments[1] and not value else value

    def literal(self, value: object) -> str:
        """Return `value` as a literal; numbers keep their spelling, a list is separated by commas."""
        if isinstance(value, (list, tuple)):
            return ", ".join(self.literal(item) for item in value)
        if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
            return str(value)
        if value is None or isinstance(value, (str, bool, float)):
            return self._dialect.literal(value)
        raise TypeError

    def ident(self, value: object) -> str:
        """Return `value` as a quoted name, or several separated by commas."""
        if isinstance(value, (list, tuple)):
            return ", ".join(self.ident(item) for item in value)
        if not isinstance(value, str):
            raise TypeError
        return self._dialect.ident(value)

    def replace(self, value: object, old: object, new: object) -> str:
        """Return `value` with each `old` replaced; the length is judged before it is made."""
        text, gone, put = self._shown(value), self._shown(old), self._shown(new)
        if len(text) + text.count(gone) * len(put) > LONGEST + text.count(gone) * len(gone):
            self._too_long()
        return text.replace(gone, put)

    def join(self, value: object, separator: object = "") -> str:
        """Return the items of a list as one text."""
        if not isinstance(value, (list, tuple)):
            raise TypeError
        between = self._shown(separator)
        return self._joined(part for n, item in enumerate(value) for part in (between if n else "", self._shown(item)))

    def text(self, value: object) -> str:
        """Return a value as text."""
        return self._shown(value)


_FILTERS: dict[str, Any] = {
    "literal": Walk.literal,
    "ident": Walk.ident,
    "default": None,
    "d": None,
    "lower": lambda renderer, value: renderer.text(value).lower(),
    "upper": lambda renderer, value: renderer.text(value).upper(),
    "trim": lambda renderer, value: renderer.text(value).strip(),
    "replace": Walk.replace,
    "join": Walk.join,
    "int": lambda renderer, value: int(renderer.text(value)),
}
_ALLOWED = frozenset(
    "Template Output TemplateData Name Getattr Const Filter Keyword CondExpr Compare Operand".split()
    + "And Or Not Concat If".split()
)
_COMPARE: dict[str, Any] = {
    "eq": lambda left, right: left == right,
    "ne": lambda left, right: left != right,
    "lt": lambda left, right: left < right,
    "lteq": lambda left, right: left <= right,
    "gt": lambda left, right: left > right,
    "gteq": lambda left, right: left >= right,
    "in": lambda left, right: left in right,
    "notin": lambda left, right: left not in right,
}
