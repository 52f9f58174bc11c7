"""`vars`: the named values that templates read, after the command line and the config had their say."""

from __future__ import annotations

from collections.abc import Mapping

from engine.model.expression import PerDialect
from engine.spec.convert import Converter, Refused
from engine.spec.nodes import Map, Node, Scalar
from engine.spec.template import has_template
from engine.steps.shapes import DIALECTS


def variables(
    to: Converter,
    node: Node | None,
    overrides: Mapping[str, object],
    dialect: str,
    *,
    meant: bool,
) -> dict[str, object]:
    """Return name → value for templates.

    Args:
        to: where findings go.
        node: the value of `vars`, None where the file has none.
        overrides: values of the command line and the config; they win, and may
            give names that the file does not.
        dialect: the database's kind, for values given per database.
        meant: False where the file is not for this database: then any of
            several values will do, since nothing is run.
    """
    found: dict[str, object] = {}
    for name, given in overrides.items():
        found[name] = _of_dialect(given, dialect)
    if not isinstance(node, Map):
        return found
    for key, child in node.entries:
        try:
            name = to.name(key)
            if not name.isidentifier():
                words = f"`{name}` can't be read by a template"
                raise to.refuse("SP102", words, key.span, "letters, digits and `_`, no digit first")
            own = _value(to, child, dialect, meant)
        except Refused:
            # Something that is a name, a number and SQL, so that no template is found wrong for it.
            found.setdefault(key.text, "1")
            continue
        found.setdefault(name, own)
    return found


def _value(to: Converter, node: Node, dialect: str, meant: bool) -> object:
    to.trust(node)
    if not isinstance(node, Map):
        return scalar_value(to, node)
    texts = {key.text: scalar_value(to, child) for key, child in node.entries}
    names = PerDialect(None, tuple((name, name) for name in texts))
    chosen = names.given_for(dialect)
    if chosen is None:
        if meant:
            hint = f"add `{dialect}: …`, or `other: …` for all the rest"
            raise to.refuse("SP111", f"there is no value for {dialect} among those given", node.span, hint)
        chosen = next(iter(texts))
    return texts[chosen]


def scalar_value(to: Converter, node: Node) -> object:
    """Return a value as templates read it: text, a number, true, false or None."""
    scalar: Scalar = to.scalar(node)
    if has_template(scalar.text):
        raise to.refuse("SP105", "a variable's own value takes no template", scalar.span, "write the value")
    return to.literal(scalar).value


def _of_dialect(given: object, dialect: str) -> object:
    """Return a value of the config for this database."""
    if isinstance(given, Mapping) and given and all(name in DIALECTS for name in given):
        names = PerDialect(None, tuple((str(name), str(name)) for name in given))
        return given.get(names.given_for(dialect))
    return given
