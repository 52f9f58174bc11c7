"""A source to its node tree, with everything that is wrong about its YAML."""

from __future__ import annotations

from engine.errors import Diagnostic
from engine.source import Source, Span
from engine.spec import characters
from engine.spec.assemble import Unreadable
from engine.spec.compose import Composer
from engine.spec.nodes import Map

_SKELETON = 'a spec begins with `version: "001"`, `description: …` and `steps:`'


def read(source: Source) -> tuple[Map | None, tuple[Diagnostic, ...]]:
    """Return the tree of a spec, or of any file that is a mapping.

    Args:
        source: the text; never opened again.

    Returns:
        The top mapping and what is wrong (SP101, SP103). The mapping is None
        where nothing could be built. Where it could, it is repaired: of a key
        that stands twice the first counts, a text that a comma cut is whole.
        What is right for YAML and surprising for people is left to the
        builder, in `Scalar.surprise`, `Scalar.trap` and `Scalar.empty`.
    """
    start = Span(source, 1, 1, 1, 1)
    size = len(source.text) if source.text.isascii() else len(source.text.encode("utf-8", "surrogatepass"))
    if size > characters.LARGEST:
        message = f"the file has {size:,} bytes; a spec may have {characters.LARGEST:,}"
        hint = "put rows in a CSV file and `load` them, or split the migration"
        return None, (Diagnostic("SP101", "error", message, start, hint),)
    refused = characters.check(source)
    if refused:
        return None, refused
    composer = Composer(source, characters.mask(source.text))
    try:
        root = composer.compose()
    except Unreadable as error:
        last = composer.hidden_before(error.diagnostic)
        earlier = [d for d in composer.found if not _same_place(d, last)]  # the later one saw more of the text
        return None, _sorted([*earlier, last])
    found = composer.found
    if root is None or (not isinstance(root, Map) and getattr(root, "empty", False)):
        found.append(Diagnostic("SP101", "error", "the file is empty", start, _SKELETON))
        return None, _sorted(found)
    if not isinstance(root, Map):
        kind = "a list" if hasattr(root, "items") else "a text"
        message = f"the file must be a mapping of keys to values; this is {kind}"
        found.append(Diagnostic("SP101", "error", message, root.span, _SKELETON))
        return None, _sorted(found)
    return root, _sorted(found)


def _sorted(found: list[Diagnostic]) -> tuple[Diagnostic, ...]:
    return tuple(sorted(found, key=lambda d: (d.span.line, d.span.column) if d.span else (0, 0)))


def _same_place(left: Diagnostic, right: Diagnostic) -> bool:
    """Tell whether two diagnostics are about the text that begins at one place."""
    return str(left.span) == str(right.span)
