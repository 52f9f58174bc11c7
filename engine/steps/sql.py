"""`sql`: the way out, statements as they are written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from engine.model.changes import Change, RunSql
from engine.model.expression import Sql as Text
from engine.model.state import SchemaState
from engine.steps.base import field, step
from engine.steps.shapes import Names, SqlText


@step("sql")
@dataclass(frozen=True, slots=True)
class Sql:
    """Run SQL as it is written, for what no other verb can say.

    One statement, a list of them, or one per database. The engine knows no
    way back from it: it needs `undo` beside it, or `irreversible` with a reason.
    """

    EXAMPLES: ClassVar[tuple[str, ...]] = (
        'sql: "UPDATE albums SET title = upper(title)"\nundo: "UPDATE albums SET title = lower(title)"\n',
        'sql: {sqlite: "ANALYZE", postgresql: "ANALYZE", mysql: "ANALYZE TABLE albums"}\n'
        "irreversible: it only measures\n",
        'sql: {run: ["SELECT refresh_genres()"], reads: [albums], writes: [genres]}\n'
        "irreversible: calls a function of the billing system\n",
    )

    run: tuple[Text, ...] = field(
        "One statement, a list of them, or one per database.",
        SqlText("script"),
        short="maps",
        example="UPDATE albums SET title = trim(title)",
    )
    reads: tuple[str, ...] = field("Tables that it reads, where the engine can't see it.", Names(), default=())
    writes: tuple[str, ...] = field("Tables that it writes, where the engine can't see it.", Names(), default=())

    def changes(self, state: SchemaState) -> Iterator[Change]:
        """Return the statements."""
        del state
        yield RunSql(self.run, self.reads, self.writes)
