"""The plan as Markdown (for a pull request) and as one HTML page without links or scripts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from engine.model.plan import MigrationPlan, Plan, Unit
from engine.plan.sequence import Sent, sent, undo_of
from engine.plan.text import Heading, mode, rows_in_words, seals, sql_lines, summary, way_back
from engine.source import visible

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
pre { overflow-x: auto; padding: .75rem; border-left: 3px solid #8888; background: #8881; }
h3 code { font-size: 1.1em; }
.back { opacity: .85; } .none { color: #c22; } .moment { font-size: .85em; margin: .75rem 0 .25rem; }
</style>
</head>
<body>
<h1>{{ title }}</h1>
<p><strong>{{ summary }}</strong></p>
{% for note in notes %}<p>{{ note }}</p>
{% endfor %}
{% for migration in migrations %}
<h2>{{ migration.version }} {{ migration.description }}</h2>
<p>{{ migration.mode }}</p>
{% for unit in migration.units %}
<h3>{{ unit.symbol }} <code>{{ unit.id }}</code> {{ unit.title }}</h3>
{% if unit.facts %}<p>{{ unit.facts }}</p>{% endif %}
{% for moment, sql in unit.parts %}{% if moment %}<p class="moment">{{ moment }}</p>{% endif %}
<pre><code>{{ sql }}</code></pre>
{% endfor %}
<details class="back"><summary{% if unit.stuck %} class="none"{% endif %}>way back: {{ unit.back }}</summary>
{% for moment, sql in unit.undo %}{% if moment %}<p class="moment">{{ moment }}</p>{% endif %}
<pre><code>{{ sql }}</code></pre>
{% endfor %}</details>
{% endfor %}
{% endfor %}
{% if protocol %}<h2>With every transaction</h2>
<pre><code>{{ protocol }}</code></pre>{% endif %}
{% if seals %}<p>{{ seals }}.</p>{% endif %}
</body>
</html>
"""


def markdown(plan: Plan, heading: Heading) -> str:
    """Return `plan` as Markdown; nothing in names or SQL can become markup."""
    lines = [f"## {_words(_title(plan, heading))}", "", f"**{_words(summary(plan))}**"]
    lines += [f"\n{_words(note)}" for note in plan.notes]
    for migration in plan.migrations:
        lines += ["", f"### {_words(migration.version)} {_words(migration.description)}", ""]
        lines += [_words(_mode(migration))]
        for unit in migration.units:
            lines += ["", f"#### {unit.symbol} {_words(unit.id)} {_words(unit.title)}", ""]
            if facts := _facts(unit):
                lines += [_words(facts), ""]
            lines += _fences(_parts(sent(unit)))
            lines += [f"Way back: {_words(way_back(unit))}", ""]
            if unit.undo:
                lines += ["<details><summary>SQL of the way back</summary>", ""]
                lines += [*_fences(_parts(undo_of(unit))), "</details>"]
    if plan.protocol:
        lines += ["", "### With every transaction", "", *_fences(_parts(map(Sent, plan.protocol)))]
    if sealed := seals(plan):
        lines += ["", f"{sealed}."]
    return "\n".join(lines).rstrip() + "\n"


def html(plan: Plan, heading: Heading) -> str:
    """Return `plan` as one HTML page; everything from specs and database is escaped."""
    from jinja2 import Environment, StrictUndefined

    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(_PAGE)
    return template.render(
        title=_title(plan, heading),
        summary=summary(plan),
        notes=[visible(note) for note in plan.notes],
        migrations=[_page_of(migration) for migration in plan.migrations],
        seals=seals(plan),
        protocol="\n".join(sql for _, sql in _parts(map(Sent, plan.protocol))),
    )


def _page_of(migration: MigrationPlan) -> dict[str, object]:
    return {
        "version": visible(migration.version),
        "description": visible(migration.description),
        "mode": _mode(migration),
        "units": [
            {
                "symbol": unit.symbol,
                "id": visible(unit.id),
                "title": visible(unit.title),
                "facts": _facts(unit),
                "parts": list(_parts(sent(unit))),
                "back": way_back(unit),
                "stuck": unit.reversible == "no",
                "undo": list(_parts(undo_of(unit))),
            }
            for unit in migration.units
        ],
    }


def _title(plan: Plan, heading: Heading) -> str:
    return f"Plan for {visible(heading.database or 'no database')} ({plan.dialect})"


def _mode(migration: MigrationPlan) -> str:
    return f"passed over: {visible(migration.skipped)}" if migration.skipped else mode(migration)


def _facts(unit: Unit) -> str:
    rows = rows_in_words(unit.rows) if unit.rows or unit.loop else ""
    return "; ".join(part for part in (rows, visible(unit.why)) if part)


def _parts(entries: Iterable[Sent]) -> Iterator[tuple[str, str]]:
    """Yield (moment, statements of that moment in one text)."""
    moment, texts = "", list[str]()
    for entry in entries:
        if entry.moment != moment and texts:
            yield visible(moment), "\n".join(texts)
            texts = []
        moment = entry.moment
        texts.append("\n".join(sql_lines(entry.statement.sql)).rstrip("; \n") + ";")
    if texts:
        yield visible(moment), "\n".join(texts)


def _fences(parts: Iterable[tuple[str, str]]) -> Iterator[str]:
    for moment, sql in parts:
        if moment:
            yield f"{_words(moment)}:"
            yield ""
        longest = max((len(ticks) for ticks in re.findall(r"`+", sql)), default=0)
        fence = "`" * max(3, longest + 1)
        yield from (f"{fence}sql", sql, fence, "")


def _words(text: str) -> str:
    """Escape what Markdown or its HTML would act on."""
    return re.sub(r"([\\`*_{}\[\]<>#|&~@])", r"\\\1", visible(text))
