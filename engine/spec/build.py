"""A source in, a `Spec` or findings out: the whole way from text to steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from engine.errors import Diagnostic, Path, Related
from engine.model.when import AllOf, DialectIs
from engine.model.when import When as Condition
from engine.source import Source, Span
from engine.spec import schema
from engine.spec.checksum import checksum
from engine.spec.convert import Converter, Refused
from engine.spec.document import Beside, Document, Ignore, When
from engine.spec.expand import Expander, Written
from engine.spec.model import Spec, Step, Suppression, Verb
from engine.spec.nodes import List, Map, Node
from engine.spec.plain import places
from engine.spec.reader import read
from engine.spec.template import Quoting
from engine.spec.variables import variables
from engine.steps.base import entries, entry, verbs
from engine.steps.shapes import Record

Spans = dict[Path, tuple[Span, Span]]


def build(
    source: Source,
    overrides: Mapping[str, object],
    dialect: str,
    quoting: Quoting,
    name_version: str,
) -> tuple[Spec | None, tuple[Diagnostic, ...]]:
    """Read one spec.

    Args:
        source: its text.
        overrides: values of `--var` and the config; they win over `vars`.
        dialect: the database's kind, for variables and SQL given per database.
        quoting: how templates quote values and names.
        name_version: the version in the file's name; "" for none.

    Returns:
        The spec, None where there is an error, and all findings (SP101–SP105,
        SP110–SP112, VC102), sorted by place.
    """
    root, unread = read(source)
    found = [replace(d, version=name_version) for d in unread]
    if root is None:
        return None, tuple(found)
    wrong, broken = schema.validate(root, name_version)
    found += wrong
    spec = _Builder(root, source, dialect, quoting, name_version, broken, found).spec(overrides)
    unique = tuple(dict.fromkeys(sorted(found, key=_place)))
    return (None if any(d.severity == "error" for d in unique) else spec), unique


def _place(found: Diagnostic) -> tuple[int, int]:
    return (found.span.line, found.span.column) if found.span else (0, 0)


class _Builder:
    """Builds one file; findings go to `found`."""

    def __init__(
        self,
        root: Map,
        source: Source,
        dialect: str,
        quoting: Quoting,
        version: str,
        broken: frozenset[Path],
        found: list[Diagnostic],
    ) -> None:
        self.root = root
        self.source = source
        self.dialect = dialect
        self.quoting = quoting
        self.version = version
        self.broken = broken
        self.found = found
        self.spans = places(root, Span(source, 1, 1, 1, 1))

    def spec(self, overrides: Mapping[str, object]) -> Spec | None:
        """Return the spec as far as it can be built."""
        to = self._converter(self.spans)
        head = self._head(to)
        self._see_head(to, head)
        dialects = cast("tuple[str, ...]", head.get("dialects", ()))
        meant = not dialects or self.dialect in dialects or (self.dialect == "mariadb" and "mysql" in dialects)
        values = variables(to, self._unbroken("vars"), overrides, self.dialect, meant=meant)
        if any(d.span and d.rule in ("SP104", "SP111") for d in to.found) and "vars" in self.root_keys():
            values = {**dict.fromkeys(self._variable_names(), ""), **values}
        targets = dialects or (self.dialect,)
        steps = self._steps(values, targets)
        if any(d.severity == "error" for d in self.found):
            return None
        version = str(head["version"])
        requires = cast("tuple[str, ...] | None", head.get("requires"))
        on_failure, transaction = str(head.get("on_failure", "rollback")), str(head.get("transaction", "auto"))
        return Spec(
            version,
            str(head["description"]).strip(),
            steps,
            self.source,
            requires,
            dialects,
            on_failure,
            transaction,
            self._suppressions(head.get("ignore"), ("ignore",), self.spans),
            values,
            checksum(
                version,
                steps,
                requires=requires,
                dialects=dialects,
                on_failure=on_failure,
                transaction=transaction,
            ),
            self.spans,
        )
