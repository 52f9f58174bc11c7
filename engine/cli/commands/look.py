"""`status`, `list`, `history`, `verify`: where the database stands; they change nothing."""

from __future__ import annotations

import click

from engine.cli import screen
from engine.cli.options import Command, Given, common


@click.command(cls=Command, examples=("engine status --db app.db", "engine status --db app.db --format json"))
@common()
def status(given: Given) -> int:
    """Show where the database stands, and what is unfinished."""
    from engine import app
    from engine.cli import documents
    from engine.cli.setup import project_of

    found = documents.plain(app.status(project_of(given)))
    screen.out(documents.document(found) if given.json else documents.status_text(found, given.repeat))
    return 0


@click.command("list", cls=Command, examples=("engine list --db app.db", "engine list --format json"))
@common()
def list_(given: Given) -> int:
    """List all migrations, with a mark for the applied ones."""
    from engine import app
    from engine.cli import documents
    from engine.cli.setup import project_of

    found = documents.plain(app.list_migrations(project_of(given)))
    screen.out(documents.document({"migrations": found}) if given.json else documents.list_text(found))
    return 0


@click.command(cls=Command, examples=("engine history --db app.db",))
@common()
def history(given: Given) -> int:
    """Show who ran what, when, how long, how many rows."""
    from engine import app
    from engine.cli import documents
    from engine.cli.setup import project_of

    found = documents.plain(app.history(project_of(given)))
    screen.out(documents.document({"events": found}) if given.json else documents.history_text(found))
    return 0


@click.command(cls=Command, examples=("engine verify --db app.db",))
@common()
def verify(given: Given) -> int:
    """Check whether the applied migrations still hold."""
    from engine import app
    from engine.cli.setup import project_of

    app.verify(project_of(given))
    return 0
