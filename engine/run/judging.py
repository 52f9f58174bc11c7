"""Checks, expectations and guards: asked of the database, judged, put into words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from engine.dialects.base import Row
from engine.dialects.ledger import Progress
from engine.errors import CheckFailed, Conflict, EngineError
from engine.model.plan import Check, Expectation, Guard, Statement, Unit
from engine.run.options import OnConflict
from engine.run.records import FoundConflict, plain

Ask = Callable[[Statement], list[Row]]


def number(rows: Sequence[Row]) -> int:
    """Return the one number that a query returned; nothing and NULL are 0."""
    value = rows[0][0] if rows and len(rows[0]) else None
    return int(value) if isinstance(value, (int, float)) else 0


# ── checks ────────────────────────────────────────────────────────────────
def judge_checks(unit: Unit, ask: Ask) -> None:
    """Ask all checks of `unit`.

    Raises:
        CheckFailed: names every check that does not hold; `details` has `step`,
            `path` (of the first), and `checks` with counts and sample rows.
    """
    failures = [failure for check in unit.checks if (failure := _failure(check, ask)) is not None]
    if not failures:
        return
    first = failures[0]
    more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
    lines = [f"step {unit.step}: {first['message']}{more}"]
    if len(failures) > 1:
        lines += [f"  - {failure['message']}" for failure in failures]
    raise CheckFailed(
        "\n".join(lines),
        _shown(first["sample"]),
        details={"step": unit.step, "path": first["path"], "checks": failures},
    )


def _failure(check: Check, ask: Ask) -> dict[str, Any] | None:
    count = number(ask(check.query))
    other = number(ask(check.other)) if check.other is not None else None
    wanted: list[str] = []
    if other is not None and count != other:
        wanted.append(f"{other:,}")
    if check.minimum is not None and count < check.minimum:
        wanted.append(f"at least {check.minimum:,}")
    if check.maximum is not None and count > check.maximum:
        wanted.append(f"at most {check.maximum:,}")
    if other is None and check.minimum is None and check.maximum is None and count:
        wanted.append("none")
    if not wanted:
        return None
    sample = ask(check.sample) if check.sample is not None else []
    words = check.failure or f"{check.title}: found {{count}}, wanted {' and '.join(wanted)}"
    return {
        "title": check.title,
        "message": fill(words, count, other),
        "count": count,
        "other": other,
        "sample": [[plain(value) for value in row] for row in sample],
        "path": list(check.path),
    }


def fill(words: str, count: int, other: int | None = None) -> str:
    """Return `words` with the numbers put in; other braces are the author's own."""
    return words.replace("{count}", f"{count:,}").replace("{other}", "" if other is None else f"{other:,}")


def _shown(sample: Sequence[Sequence[Any]]) -> str:
    if not sample:
        return ""
    rows = "; ".join(", ".join("NULL" if value is None else str(value) for value in row) for row in sample)
    return f"for example: {rows[:400]}"


# ── expect_rows ───────────────────────────────────────────────────────────
def judge_early(unit: Unit, expectation: Expectation, selected: int, expected: int | None) -> None:
    """Judge what can be counted before the first write.

    Raises:
        CheckFailed: the step would select another number of rows.
    """
    if not _fits(expectation, selected, expected):
        raise _unexpected(unit, expectation, selected, expected, "would be selected", "nothing was written")


def judge_running(unit: Unit, expectation: Expectation, now: Progress) -> None:
    """Judge in the middle: more rows than allowed do not become fewer.

    Raises:
        CheckFailed: there are too many already.
    """
    most = [n for n in (expectation.exact, expectation.maximum, now.expected) if n is not None]
    if most and now.selected > min(most):
        raise _unexpected(unit, expectation, now.selected, now.expected, "were selected so far")


def judge_totals(unit: Unit, expectation: Expectation, now: Progress) -> None:
    """Judge the totals, in the transaction of the last batch.

    Raises:
        CheckFailed: the number is another, or under `all` a row was not accounted for.
    """
    if not _fits(expectation, now.selected, now.expected):
        raise _unexpected(unit, expectation, now.selected, now.expected, "were selected")
    accounted = now.written + (now.skipped if unit.on_conflict == "skip" else 0)
    if expectation.every and accounted != now.selected:
        words = (
            f"step {unit.step}: `expect_rows: {expectation.text}`, and of {now.selected:,} rows selected "
            f"{accounted:,} were written"
        )
        raise CheckFailed(
            words,
            details={
                "step": unit.step,
                "path": list(expectation.path),
                "count": accounted,
                "other": now.selected,
            },
        )


def _fits(expectation: Expectation, count: int, expected: int | None) -> bool:
    if expectation.exact is not None and count != expectation.exact:
        return False
    if expected is not None and count != expected:
        return False
    if expectation.minimum is not None and count < expectation.minimum:
        return False
    return expectation.maximum is None or count <= expectation.maximum


def _unexpected(
    unit: Unit, expectation: Expectation, count: int, expected: int | None, verb: str, kept: str = ""
) -> CheckFailed:
    text = expectation.text if expected is None else f"{expected:,}"
    return CheckFailed(
        f"step {unit.step}: `expect_rows` says {text}, and {count:,} rows {verb}",
        kept=kept,
        details={"step": unit.step, "path": list(expectation.path), "count": count, "other": expected},
    )


# ── what must not be new at the end ───────────────────────────────────────
def judge_unchanged(unit: Unit, before: Sequence[Sequence[Row]], after: Sequence[Sequence[Row]]) -> None:
    """Compare two readings of `unit.unchanged`.

    Raises:
        CheckFailed: a row is in the second and not in the first.
    """
    for statement, old, new in zip(unit.unchanged, before, after, strict=True):
        known = {tuple(row) for row in old}
        fresh = [tuple(row) for row in new if tuple(row) not in known]
        if not fresh:
            continue
        sample = [[plain(value) for value in row] for row in fresh[:5]]
        what = "rows that break a foreign key" if "foreign_key" in statement.sql else "rows that must not be there"
        raise CheckFailed(
            f"step {unit.step} would leave {len(fresh):,} {what}",
            _shown(sample),
            details={"step": unit.step, "path": [], "count": len(fresh), "sample": sample},
        )


# ── guards of an undo ─────────────────────────────────────────────────────
def found_conflicts(guards: Sequence[Guard], ask: Ask) -> tuple[tuple[Guard, FoundConflict], ...]:
    """Ask `guards` and return those that found something, with a sample."""
    found: list[tuple[Guard, FoundConflict]] = []
    for guard in guards:
        count = number(ask(guard.count))
        if not count:
            continue
        sample = tuple(tuple(row) for row in ask(guard.sample)) if guard.sample is not None else ()
        found.append((guard, FoundConflict(guard.table, guard.kind, count, sample, fill(guard.words, count))))
    return tuple(found)


def stops(guard: Guard, policy: OnConflict) -> bool:
    """Tell whether what `guard` found stops a rollback under `policy`."""
    return policy == "abort" or not guard.skippable or (policy == "skip" and guard.loses)


def conflict(version: str, found: Sequence[tuple[Guard, FoundConflict]], kept: str) -> Conflict:
    """Return the error for conflicts that stop a rollback."""
    total = sum(c.rows for _, c in found)
    told = []
    for _, one in found:
        keys = "; ".join(", ".join(str(plain(v)) for v in row) for row in one.sample)
        told.append(one.words + (f" ({keys[:200]})" if keys else ""))
    count = f"{total:,} conflict{'s' if total != 1 else ''}"
    hint, policy = _ways_on([guard for guard, _ in found])
    return Conflict(
        f"{version} can't be rolled back as it stands: {count}: {'; '.join(told)}",
        hint,
        kept=kept,
        next=f"engine rollback{policy}",
        details={"conflicts": [one.document() for _, one in found]},
    )


def _ways_on(guards: Sequence[Guard]) -> tuple[str, str]:
    """Return a hint and the option to go on with, past what `guards` found."""
    if not all(guard.skippable for guard in guards):
        return "put that right first: neither skip nor force goes past it", ""
    if any(guard.loses for guard in guards):
        return (
            "move what others wrote elsewhere first: skip can't leave it in what goes;"
            " --on-conflict force goes on, and keeps it in a table of the engine that it names",
            "",
        )
    return (
        "--on-conflict skip leaves such rows as they are and undoes the rest; force puts the old values back",
        " --on-conflict skip",
    )


def is_interruption(error: EngineError) -> bool:
    """Tell whether `error` says nothing against the migration: disk, lock, signal (decision 12)."""
    if error.code in ("locked", "interrupted"):
        return True
    return error.details.get("reason") in (
        "busy",
        "full",
        "io",
        "interrupted",
        "readonly",
        "cantopen",
        "corrupt",
        "memory",
    )


def is_true(value: Any) -> bool:
    """Tell whether SQL takes `value` for true: a number other than 0, also as text."""
    if isinstance(value, str):
        try:
            return float(value) != 0
        except ValueError:
            return False
    return bool(value) and not isinstance(value, bytes)
