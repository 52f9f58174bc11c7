"""What `create`, `drop` and `rename` work on is told by the keys that are named: which go together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.errors import Problem
from engine.steps.base import Entry, entries


@dataclass(frozen=True, slots=True)
class Form:
    """One of the things that a verb can work on. Names are those of attributes.

    Attributes:
        kind: the key that tells it.
        needs: keys that must stand beside it.
        takes: keys that may.
    """

    kind: str
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()


def form_problems(record: object, forms: Sequence[Form]) -> Iterator[Problem]:
    """Yield what is missing from, or does not belong to, the first of `forms` whose kind is named."""
    fields: dict[str, Entry] = {entry.name: entry for entry in entries(type(record))}
    given = [name for name, entry in fields.items() if getattr(record, name) != entry.default or entry.required]
    form = next((form for form in forms if form.kind in given), None)
    if form is None:
        kinds = " or ".join(f"`{fields[form.kind].key}`" for form in reversed(forms))
        yield Problem("SP102", f"nothing says what is meant: name {kinds}", ("<key>",))
        return
    word = fields[form.kind].key
    for name in form.needs:
        if name not in given:
            key = fields[name].key
            yield Problem("SP102", f"`{key}` is missing: a {word} needs it", ("<key>",), hint=f"add `{key}`")
    for name in given:
        if name not in (form.kind, *form.needs, *form.takes):
            key = fields[name].key
            yield Problem("SP102", f"`{key}` is not for a {word}", (key, "<key>"), hint="take it out")
