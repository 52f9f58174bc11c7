"""A seed's database and specs, as a page that can be pasted into tests/cases."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import yaml

from tests.random.building import Builder
from tests.random.steps import Steps


class _Page(yaml.SafeDumper):
    """Writes text of several lines as a block."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write what stands twice twice: specs take no aliases."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    block = "\n" in text and not any(line != line.rstrip() or line.startswith(" ") for line in text.split("\n"))
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if block else None)


class _Spec(_Page):
    """Quotes all text, so that no word is taken for a number or a truth."""


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    word = text.isascii() and text.replace("_", "").isalpha() and text.lower() not in _WORDS
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if word else '"')


_WORDS = ("yes", "no", "on", "off", "true", "false", "null", "y", "n")
_Page.add_representer(str, _text)
_Spec.add_representer(str, _quoted)


@dataclass(frozen=True)
class Page:
    """What a seed stands for.

    Attributes:
        trees: some table refers to itself, so that what a batch may do hangs on what is in it.
    """

    seed: int
    given: str
    specs: tuple[tuple[Any, ...], ...]
    trees: bool = False

    @property
    def triggers(self) -> bool:
        """Whether there are triggers."""
        return "CREATE TRIGGER" in self.given or "trigger" in str(self.specs)

    def texts(self, mode: str = "") -> dict[str, str]:
        """Return file name → text of the specs, run in `mode` (transaction)."""
        return {f"{n:03}_case.yaml": _spec(f"{n:03}", steps, mode) for n, steps in enumerate(self.specs, 1)}

    def __str__(self) -> str:
        """Return it as a page of tests/cases."""
        page = {"given": self.given, "specs": self.texts()}
        return f"# seed {self.seed}\n" + yaml.dump(page, Dumper=_Page, sort_keys=False, allow_unicode=True, width=10**6)


def _spec(version: str, steps: tuple[Any, ...], mode: str) -> str:
    head = f'version: "{version}"\ndescription: A random one\n' + (f"transaction: {mode}\n" if mode else "")
    body = yaml.dump(
        list(steps), Dumper=_Spec, sort_keys=False, allow_unicode=True, width=10**6, default_flow_style=False
    )
    return f"{head}steps:\n{body}"


def page(seed: int) -> Page:
    """Return the database and the specs of a seed."""
    rng = random.Random(seed)
    schema, given = Builder(rng).build()
    steps = Steps(rng, schema).steps(rng.randint(1, 6))
    if len(steps) > 1 and rng.random() < 0.2:
        cut = rng.randint(1, len(steps) - 1)
        return Page(seed, given, (tuple(steps[:cut]), tuple(steps[cut:])), schema.trees)
    return Page(seed, given, (tuple(steps),), schema.trees)
