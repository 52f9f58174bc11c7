"""`snapshot` and `schema`: files that editors, lint and plans without a database work with."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli import screen
from engine.cli.options import Command, Given, common

_PATH = click.Path(path_type=Path)


@click.command(cls=Command, examples=("engine snapshot --db app.db --out schema.snapshot.json",))
@click.option("--out", type=_PATH, required=True, metavar="FILE", help="The file to write.")
@common()
def snapshot(given: Given, out: Path) -> int:
    """Write the schema of a database to a file, for lint and plan."""
    from engine import app
    from engine.cli import documents, files
    from engine.cli.setup import project_of

    project = project_of(given)
    text = app.snapshot(project)
    path = project.require_url().path
    files.write(out, text, never=Path(path) if path else None)
    if given.json:
        screen.out(documents.document({"file": str(out)}))
    else:
        screen.say(f"written to {out}; name it in engine.yaml: `schema: {out}`")
    return 0


@click.command(cls=Command, examples=("engine schema > schema.json",))
@common(specs=False)
def schema(given: Given) -> int:
    """Print schema.json, which editors complete specs from."""
    from engine.cli.schemas import schema_text

    del given
    screen.out(schema_text())
    return 0
