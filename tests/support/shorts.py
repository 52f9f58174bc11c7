"""The sample database of demo, benchmark and slow tests: `youtube_shorts`, old rows made from a seed."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

SCHEMA = """
CREATE TABLE youtube_shorts (
  id INTEGER PRIMARY KEY,
  video_id TEXT NOT NULL,  -- not unique: a video may have been seen twice
  title TEXT, description TEXT, url TEXT,
  channel_id TEXT, channel_name TEXT, channel_url TEXT,
  view_count INTEGER, like_count INTEGER, comment_count INTEGER,
  published_at TEXT, created_at TEXT
)
"""
WORDS = (
    "Cat",
    "piano",
    "näive",
    "東京",
    "🎹",
    "it's",
    '"quoted"',
    "100%",
    "a--b",
    ";",
    "Ω",
    "👩‍👩‍👧",
    "tab\there",
)


def make(path: Path, rows: int, seed: int = 7) -> None:
    """Make the database at `path` with `rows` rows; the same seed gives the same bytes of every row."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA synchronous = OFF")  # made anew where a crash takes it
        db.execute(SCHEMA)
        db.executemany(f"INSERT INTO youtube_shorts VALUES ({', '.join('?' * 13)})", _rows(rows, seed))
        db.commit()


def _rows(count: int, seed: int) -> Iterator[tuple[object, ...]]:
    dice = random.Random(seed)
    long_text = " ".join(WORDS) * 40
    id = 0
    for n in range(count):
        id += 1 if dice.random() < 0.98 else dice.randrange(2, 50)  # gaps, as deletes leave them
        twice = n > 10 and dice.random() < 0.01
        number = dice.randrange(n) if twice else n
        channel = dice.randrange(2000)
        title: str | None = f"{dice.choice(WORDS)} {dice.choice(WORDS)} {number}"
        if dice.random() < 0.05:
            title = f"  {title} "
        views = int(dice.paretovariate(0.7) * 50)
        row: list[object] = [
            id,
            f"v{number:010d}",
            title,
            long_text if dice.random() < 0.002 else f"About {title}",
            f"https://example.org/shorts/v{number:010d}",
            f"c{channel:06d}",
            f"{dice.choice(WORDS)} channel {channel}",
            f"https://example.org/channel/c{channel:06d}",
            views,
            views // 20,
            views // 300,
            f"2023-{dice.randrange(1, 13):02d}-{dice.randrange(1, 29):02d}T12:00:00Z",
            f"2024-{dice.randrange(1, 13):02d}-{dice.randrange(1, 29):02d} 08:30:00",
        ]
        if dice.random() < 0.15:  # anything but the video's id may be missing
            row[dice.randrange(2, 13)] = None
        yield tuple(row)
