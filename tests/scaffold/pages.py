"""`make docs`: docs/verbs.md, docs/rules.md, docs/history.md and docs/comparison-lint.md, from modules and tables of tests."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from engine.lint.base import Rule, registry  # noqa: E402
from engine.steps.base import Entry, entries, verbs, words  # noqa: E402
from tests.comparison.compared import comparison_page  # noqa: E402
from tests.history.situations import page as history_page  # noqa: E402

HEAD = "<!-- Made by `make docs`; edit the modules, not this page. -->\n"


def verbs_page() -> str:
    """Return docs/verbs.md: each verb with its words, fields and examples."""
    found = [f"# Verbs\n\n{HEAD}\nWhat stands beside a verb (`id`, `when`, `undo` …) is in the README."]
    for verb, cls in verbs().items():
        found.append(f"## `{verb}`\n\n{words(cls)}")
        rows = "\n".join(_field(entry) for entry in entries(cls) if entry.key)
        found.append(f"| key | | meaning |\n|---|---|---|\n{rows}")
        texts: tuple[str, ...] = cls.EXAMPLES  # type: ignore[attr-defined]
        examples = "\n".join(f"- {text.strip()}".replace("\n", "\n  ") for text in texts)
        found.append(f"```yaml\n{examples}\n```")
    return "\n\n".join(found) + "\n"


def _field(entry: Entry) -> str:
    names = " or ".join(f"`{name}`" for name in (entry.key, *entry.also))
    doc = " ".join(entry.doc.split()).replace("|", "\\|")
    return f"| {names} | {'required' if entry.required else ''} | {doc} |"


def rules_page() -> str:
    """Return docs/rules.md: each rule with its reason, the safe way and both spellings."""
    found = [
        f"# Rules\n\n{HEAD}\nA finding may be ignored, with a reason, in the spec (`ignore`) or the config; "
        "one marked *final* may not: the plan could not be built or trusted.\n"
        "`engine lint --explain RULE` shows the same."
    ]
    for rule in registry():
        found.append(f"## {rule.id} {rule.name} ({', '.join(_marks(rule))})\n\n{rule.summary}")
        found.append(f"Why: {rule.reason}\n\nInstead: {rule.instead}")
        found += [f"{title}:\n\n```yaml\n{text.strip()}\n```" for title, text in _spellings(rule.bad, rule.good)]
    return "\n\n".join(found) + "\n"


def _marks(rule: Rule) -> list[str]:
    """Return what is to be known of a rule beside its sentences."""
    marks = ["off unless the config gives it a severity" if rule.off else str(rule.severity), *rule.dialects]
    marks += ["final"] if rule.final else []
    fixes = {"auto": "`--fix` mends it", "suggest": "shows a patch"}
    return marks + ([fixes[rule.fix]] if rule.fix else [])


def _spellings(bad: str, good: str) -> list[tuple[str, str]]:
    return [(title, text) for title, text in (("Found", bad), ("Good", good)) if text.strip()]


PAGES = {
    "docs/verbs.md": verbs_page,
    "docs/rules.md": rules_page,
    "docs/history.md": history_page,
    "docs/comparison-lint.md": comparison_page,
}


def main() -> None:
    """Write the pages."""
    for name, page in PAGES.items():
        (ROOT / name).write_text(page(), encoding="utf-8")
        print(f"wrote {name}")


if __name__ == "__main__":
    main()
