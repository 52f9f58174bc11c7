"""How many rows the next batch has."""

from __future__ import annotations

FIRST, FLOOR = 1_000, 100
# A batch among random keys pays for each page of their indexes, however few its rows are: made smaller for each
# second over the target, batches would get ever dearer by the row, and the more so the busier the machine is.
_TOLERANCE = 1.5
_ALONE = (
    2  # targets that a batch may take where nobody waits for its locks: fewer commits write the same pages less often
)


class BatchSize:
    """Leads the size of batches to a time target, by a decayed rate.

    A batch that took under a quarter of the target lets the next be up to four
    times as large, another at most twice. Up to one and a half targets the size stays; beyond, it
    shrinks as far as it must.

    Args:
        fixed: rows per batch that somebody asked for; None for adaptive.
        stored: where the controller of an earlier run had arrived, or None.
        target: seconds that a batch should take.
        most: rows that no adaptive batch exceeds.
    """

    def __init__(self, fixed: int | None, stored: int | None, target: float, most: int) -> None:
        self._fixed = fixed
        self._target = max(target, 0.001)
        self._most = max(most, 1)
        self._rate = 0.0
        self.rows = fixed or min(stored or FIRST, self._most)

    def took(self, rows: int, seconds: float, *, alone: bool = False) -> None:
        """Take in that a batch of `rows` took `seconds`; sets `rows` of the next, a longer one where it is `alone`."""
        if self._fixed or rows <= 0:
            return
        target = self._target * (_ALONE if alone else 1)
        seconds = max(seconds, 1e-6)
        rate = rows / seconds
        slower = rate < self._rate / 2
        self._rate = rate if not self._rate or slower else (self._rate + rate) / 2
        growth = 4 if seconds < target / 4 else 2
        wanted = min(int(self._rate * target), self.rows * growth)
        if seconds <= target * _TOLERANCE:
            wanted = max(wanted, self.rows)
        self.rows = max(min(wanted, self._most), min(FLOOR, self._most))
