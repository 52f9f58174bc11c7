"""The schema at work: a node tree against `schema.json`, each mistake one diagnostic at its place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path as File
from typing import Any

import engine
from engine.errors import Diagnostic, EngineError, Path
from engine.model.state import nearest
from engine.source import Span, shortened
from engine.spec.form import Form
from engine.spec.nodes import List, Map, Node, Scalar
from engine.spec.plain import descend, places, plain
from engine.spec.scalars import quoted
from engine.steps.base import LATER

_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "`true` or `false`",
    "null": "`null`",
    "array": "a list",
    "object": "a mapping",
}
_TEMPLATE = r"\{\{"


def load() -> dict[str, Any]:
    """Return the schema as it is shipped: in the package, or at the top of the repository.

    Raises:
        EngineError: there is none.
    """
    folder = File(engine.__file__ or "").resolve().parent
    for place in (folder / "schema.json", folder.parent / "schema.json"):
        if place.is_file():
            return _parsed(place.read_text(encoding="utf-8"))
    from importlib import resources  # in an archive; slow to import

    packed = resources.files("engine") / "schema.json"
    if packed.is_file():
        return _parsed(packed.read_text(encoding="utf-8"))
    raise EngineError("schema.json is missing from this installation", "install the engine again")


def _parsed(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


@lru_cache(maxsize=1)
def _validator() -> Any:
    from jsonschema import Draft202012Validator  # a tenth of a second to import

    return Draft202012Validator(_schema())


@lru_cache(maxsize=1)
def _schema() -> dict[str, Any]:
    return load()


@lru_cache(maxsize=1)
def _form() -> Form:
    return Form(_schema())


def validate(root: Map, version: str) -> tuple[tuple[Diagnostic, ...], frozenset[Span]]:
    """Return what is wrong with the form of a file, and the stretches of it that are not to be trusted.

    Args:
        root: the tree as it was read; templates in it are taken as they stand.
        version: as the file's name says, for the diagnostics.
    """
    found: list[Diagnostic] = []
    paths: set[Path] = set()
    data = plain(root)
    empty = list(_empty(root, ()))
    if not empty and _form().holds(data):
        return (), frozenset()
    spans = places(root, root.span)
    for path, key in empty:
        name = f"`{path[-1]}`" if path and isinstance(path[-1], str) else "this item"
        message = f"{name} has nothing after its {'colon' if isinstance(path[-1], str) else 'dash'}"
        hint = 'write its value, or take it out; null is written `null`, empty text `""`'
        found.append(Diagnostic("SP104", "error", message, key, hint, version=version))
        paths.add(path)
    errors = sorted(_validator().iter_errors(data), key=lambda e: (str(list(e.absolute_path)), str(e.validator)))
    renamed = _near_misses(errors)
    at_type = {tuple(e.absolute_path) for e in errors if e.validator == "type"}
    for error in errors:
        path = tuple(error.absolute_path)
        if path in paths or (path in at_type and error.validator != "type"):
            continue
        for diagnostic in _translate(error, path, root, spans, renamed):
            found.append(replace(diagnostic, version=version))
    paths |= {tuple(e.absolute_path) for e in errors}
    return tuple(dict.fromkeys(found)), frozenset(descend(root, path).span for path in paths)


def _empty(node: Node, path: Path) -> Iterator[tuple[Path, Span]]:
    """Yield path and place of every key and item with nothing in it."""
    if isinstance(node, Map):
        for key, value in node.entries:
            if isinstance(value, Scalar) and value.empty:
                yield (*path, key.text), key.span
            else:
                yield from _empty(value, (*path, key.text))
    elif isinstance(node, List):
        for number, item in enumerate(node.items):
            if isinstance(item, Scalar) and item.empty:
                yield (*path, number), item.span
            else:
                yield from _empty(item, (*path, number))


def _near_misses(errors: list[Any]) -> dict[tuple[Path, str], str]:
    """Return (path, unknown key) → the key that was meant, so that one mistake is one finding."""
    found: dict[tuple[Path, str], str] = {}
    for error in errors:
        if error.validator == "additionalProperties":
            known = [key for key in error.schema.get("properties", {}) if key not in error.instance]
            for key in _unknown(error):
                near = nearest(key, known)
                if near:
                    found[tuple(error.absolute_path), key] = near
    return found


def _unknown(error: Any) -> list[str]:
    return [key for key in error.instance if key not in error.schema.get("properties", {})]


def _translate(
    error: Any,
    path: Path,
    root: Map,
    spans: Mapping[Path, tuple[Span, Span]],
    renamed: Mapping[tuple[Path, str], str],
) -> Iterator[Diagnostic]:
    """Yield an error of the library in our words."""
    node = descend(root, path)
    name = _name(path)
    match error.validator:
        case "additionalProperties":
            for key in _unknown(error):
                at = (*path, key)
                yield _unknown_key(key, spans[at][0], renamed.get((path, key), ""), error.schema)
        case "required":
            meant = {near for (at, _), near in renamed.items() if at == path}
            for key in error.validator_value:
                if key not in error.instance and key not in meant and f"'{key}'" in error.message:
                    yield _found(f"`{key}` is missing in {name}", spans[path][0], f"add `{key}: …`")
        case "type":
            yield _wrong_type(error, node, name, path)
        case "enum" | "pattern":
            yield _wrong_word(error, node, name)
        case "minimum":
            least = error.validator_value
            yield _found(f"{name} is at least {least}", node.span, f"write {least} or more")
        case "minItems" | "minProperties" | "minLength":
            yield _found(f"{name} is empty", node.span, "write what belongs there, or take the key out")
        case "maxProperties":
            yield _found(f"{name} takes one name", node.span, "for pairs: {m: [{from: a, to: b}]}")
        case _:
            yield _found(f"{name} is not right: {error.message}", node.span)


def _found(message: str, span: Span, hint: str = "", rule: str = "SP102") -> Diagnostic:
    return Diagnostic(rule, "error", message, span, hint)


def _name(path: Path) -> str:
    """Return what to call the value at `path`."""
    if not path:
        return "the spec"
    if isinstance(path[-1], str):
        return f"`{path[-1]}`"
    owner = next((part for part in reversed(path) if isinstance(part, str)), "")
    if path == ("steps", path[-1]):
        return f"step {path[-1] + 1}"
    return f"item {path[-1] + 1} of `{owner}`"


def _unknown_key(key: str, span: Span, near: str, schema: Mapping[str, Any]) -> Diagnostic:
    known = list(schema.get("properties", {}))
    is_step = "when" in known and "steps" in known
    if is_step and key in LATER:
        return _found(f"`{key}` comes in a later version", span, "until then write the rows with `insert`")
    what = "step or key" if is_step else "key"
    if near:
        hint = f"did you mean `{near}`?"
    elif len(known) <= 12:
        hint = f"one of {', '.join(known)}"
    else:
        hint = "take it out; editors complete the keys from schema.json"
    return _found(f"unknown {what} `{key}`", span, hint)


def _wrong_type(error: Any, node: Node, name: str, path: Path) -> Diagnostic:
    wanted = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
    hint = str(error.schema.get("$comment", ""))
    if isinstance(node, Scalar) and node.plain and "string" in wanted and "integer" not in wanted and not hint:
        words = f"{name} takes text, and unquoted `{shortened(node.text)}` is {plain_kind(node)}"
        return _found(words, node.span, f"write {quoted(node.text)}", "SP104")
    if "integer" in wanted and "pattern" in error.schema and isinstance(node, Scalar):
        return _wrong_number(error.schema["pattern"], node, name)
    kinds = [words for kind, words in _WORDS.items() if kind in wanted and not (kind == "object" and hint)]
    words = f"{name} takes {_either(kinds)}, and this is {_kind(node)}"
    if not hint and isinstance(node, Scalar) and "boolean" in wanted:
        hint = _flag(node)
    elif not hint and isinstance(node, Scalar) and wanted == ["array"]:
        hint = f"write [{node.text}]" if path else ""
    elif (
        not hint and isinstance(node, Scalar) and wanted == ["object"] and "table" in error.schema.get("properties", {})
    ):
        hint = f"write {{table: {node.text}}}"
    return _found(words, node.span, hint)


def plain_kind(node: Scalar) -> str:
    """Return what an unquoted scalar is that is no text."""
    if node.value is None:
        return "null"
    return "a boolean" if isinstance(node.value, bool) else "a number"


def _flag(node: Scalar) -> str:
    word = node.text.strip().lower()
    if word in ("yes", "on", "true", "1"):
        return "write `true`"
    if word in ("no", "off", "false", "0"):
        return "write `false`"
    if "{{" in node.text:
        return "a flag takes no template"
    return ""


def _either(words: list[str]) -> str:
    words = list(dict.fromkeys(words))
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _kind(node: Node) -> str:
    if isinstance(node, Map):
        return "a mapping"
    if isinstance(node, List):
        return "a list"
    if node.value is None:
        return "`null`"
    if isinstance(node.value, bool):
        return f"`{node.text}`"
    text = shortened(node.text)
    return f"the text `{text}`" if isinstance(node.value, str) else f"the number {text}"


def _wrong_word(error: Any, node: Node, name: str) -> Diagnostic:
    """Return the finding for a word that is not among the fixed ones."""
    text = node.text if isinstance(node, Scalar) else ""
    if error.validator == "enum":
        choices = [str(c).lower() if isinstance(c, bool) else str(c) for c in error.validator_value]
    else:
        inside = str(error.validator_value)[2:-2]
        if _TEMPLATE in inside and isinstance(node, Scalar):
            return _wrong_number(error.validator_value, node, name)
        choices = inside.split("|")
    if "{{" in text:
        return _found(f"{name} is a fixed word and takes no template", node.span, f"one of {', '.join(choices)}")
    near = nearest(text, choices)
    hint = f"did you mean `{near}`?" if near else f"one of {', '.join(choices)}"
    shown = f"`{shortened(text)}`" if isinstance(node, Scalar) else _kind(node)
    return _found(f"{name} can't be {shown}", node.span, hint)


def _wrong_number(pattern: str, node: Scalar, name: str) -> Diagnostic:
    """Return the finding for what is neither a whole number nor the fixed word beside it."""
    choices = [part for part in pattern[2:-2].split("|") if _TEMPLATE not in part]
    wanted = _either([*(f"`{choice}`" for choice in choices), "a whole number"])
    near = nearest(node.text, choices)
    hint = f"did you mean `{near}`?" if near else ""
    if re.fullmatch(r"[+-]?\d+", node.text.strip()):
        hint = f"write {node.text.strip()} without quotes"
    return _found(f"{name} takes {wanted}, and this is {_kind(node)}", node.span, hint)
