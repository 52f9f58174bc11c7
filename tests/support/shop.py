"""A record shop's database as old programs leave it: [bracketed] names, NUMERIC money, self-references."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

SCHEMA = """
CREATE TABLE [Artist]
(
    [ArtistId] INTEGER  NOT NULL,
    [Name] NVARCHAR(120),
    CONSTRAINT [PK_Artist] PRIMARY KEY  ([ArtistId])
);
CREATE TABLE [Album]
(
    [AlbumId] INTEGER  NOT NULL,
    [Title] NVARCHAR(160)  NOT NULL,
    [ArtistId] INTEGER  NOT NULL,
    CONSTRAINT [PK_Album] PRIMARY KEY  ([AlbumId]),
    FOREIGN KEY ([ArtistId]) REFERENCES [Artist] ([ArtistId])
\t\tON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE TABLE [Employee]
(
    [EmployeeId] INTEGER  NOT NULL,
    [LastName] NVARCHAR(20)  NOT NULL,
    [FirstName] NVARCHAR(20)  NOT NULL,
    [ReportsTo] INTEGER,
    CONSTRAINT [PK_Employee] PRIMARY KEY  ([EmployeeId]),
    FOREIGN KEY ([ReportsTo]) REFERENCES [Employee] ([EmployeeId])
\t\tON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE TABLE [Customer]
(
    [CustomerId] INTEGER  NOT NULL,
    [Name] NVARCHAR(80)  NOT NULL,
    [Fax] NVARCHAR(24),
    [Email] NVARCHAR(60),
    [SupportRepId] INTEGER,
    CONSTRAINT [PK_Customer] PRIMARY KEY  ([CustomerId]),
    FOREIGN KEY ([SupportRepId]) REFERENCES [Employee] ([EmployeeId])
\t\tON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE TABLE [Track]
(
    [TrackId] INTEGER  NOT NULL,
    [Name] NVARCHAR(200)  NOT NULL,
    [AlbumId] INTEGER,
    [Composer] NVARCHAR(220),
    [UnitPrice] NUMERIC(10,2)  NOT NULL,
    CONSTRAINT [PK_Track] PRIMARY KEY  ([TrackId]),
    FOREIGN KEY ([AlbumId]) REFERENCES [Album] ([AlbumId])
\t\tON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE TABLE [Invoice]
(
    [InvoiceId] INTEGER  NOT NULL,
    [CustomerId] INTEGER  NOT NULL,
    [InvoiceDate] DATETIME  NOT NULL,
    [Total] NUMERIC(10,2)  NOT NULL,
    CONSTRAINT [PK_Invoice] PRIMARY KEY  ([InvoiceId]),
    FOREIGN KEY ([CustomerId]) REFERENCES [Customer] ([CustomerId])
\t\tON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE TABLE [InvoiceLine]
(
    [InvoiceLineId] INTEGER  NOT NULL,
    [InvoiceId] INTEGER  NOT NULL,
    [TrackId] INTEGER  NOT NULL,
    [UnitPrice] NUMERIC(10,2)  NOT NULL,
    [Quantity] INTEGER  NOT NULL,
    CONSTRAINT [PK_InvoiceLine] PRIMARY KEY  ([InvoiceLineId]),
    FOREIGN KEY ([InvoiceId]) REFERENCES [Invoice] ([InvoiceId]) ON DELETE CASCADE,
    FOREIGN KEY ([TrackId]) REFERENCES [Track] ([TrackId])
);
CREATE TABLE [Playlist]
(
    [PlaylistId] INTEGER  NOT NULL,
    [Name] NVARCHAR(120),
    CONSTRAINT [PK_Playlist] PRIMARY KEY ([PlaylistId])
);
CREATE TABLE [PlaylistTrack]
(
    [PlaylistId] INTEGER  NOT NULL,
    [TrackId] INTEGER  NOT NULL,
    CONSTRAINT [PK_PlaylistTrack] PRIMARY KEY  ([PlaylistId], [TrackId]),
    FOREIGN KEY ([PlaylistId]) REFERENCES [Playlist] ([PlaylistId]),
    FOREIGN KEY ([TrackId]) REFERENCES [Track] ([TrackId])
);
CREATE TABLE [Audit] ([At] INTEGER PRIMARY KEY AUTOINCREMENT, [What] TEXT);
CREATE INDEX [IFK_AlbumArtistId] ON [Album] ([ArtistId]);
CREATE INDEX [IFK_TrackAlbumId] ON [Track] ([AlbumId]);
CREATE INDEX [IFK_InvoiceLineTrackId] ON [InvoiceLine] ([TrackId]);
CREATE UNIQUE INDEX [IPK_CustomerEmail] ON [Customer] ([Email]);
CREATE VIEW [AlbumList] AS
  SELECT al.[Title], ar.[Name] AS Artist FROM [Album] al JOIN Artist ar ON ar.ArtistId = al.ArtistId;
CREATE VIEW [Sales] AS SELECT [CustomerId], count(*) AS [Invoices] FROM [Invoice] GROUP BY [CustomerId];
CREATE TRIGGER [CustomerChanged] AFTER UPDATE ON [Customer]
BEGIN
  INSERT INTO [Audit] ([What]) VALUES ('customer ' || new.[CustomerId] || ' changed');
END;
"""
NAMES = ("Ada Lovelace", "Luís Gonçalves", "Bjørn Hansen", "Ōe Kenzaburō", "Madonna", "Jean-Luc Picard 🖖")


def make(path: Path, tracks: int = 3500, seed: int = 11) -> None:
    """Make the shop at `path`."""
    dice = random.Random(seed)
    artists, albums, customers, invoices = tracks // 13, tracks // 10, 59, 412
    with closing(sqlite3.connect(path)) as db:
        db.executescript(SCHEMA)
        _fill(db, "Artist", ((n, dice.choice(NAMES)) for n in range(1, artists + 1)))
        _fill(db, "Album", ((n, f"Album {n}", dice.randrange(1, artists + 1)) for n in range(1, albums + 1)))
        _fill(db, "Employee", ((n, f"Last {n}", f"First {n}", n // 2 or None) for n in range(1, 9)))
        faxes = (None, "+1 (555) 1", "")
        _fill(
            db,
            "Customer",
            ((n, dice.choice(NAMES), faxes[n % 3], f"c{n}@example.org", n % 8 + 1) for n in range(1, customers + 1)),
        )
        _fill(
            db,
            "Track",
            (
                (n, f"Track {n}", n % albums + 1, None if n % 4 else "AC/DC", (0.99, 1.99)[n % 7 == 0])
                for n in range(1, tracks + 1)
            ),
        )
        dates = [f"20{9 + n % 5:02d}-0{n % 9 + 1}-01 00:00:00" for n in range(invoices)]
        _fill(
            db,
            "Invoice",
            ((n + 1, n % customers + 1, dates[n], round(dice.randrange(1, 26) * 0.99, 2)) for n in range(invoices)),
        )
        _fill(
            db,
            "InvoiceLine",
            ((n, n % invoices + 1, dice.randrange(1, tracks + 1), (0.99, 1.99)[n % 5 == 0], 1) for n in range(1, 2241)),
        )
        _fill(db, "Playlist", ((n, f"List {n}") for n in range(1, 19)))
        pairs = sorted({(dice.randrange(1, 19), dice.randrange(1, tracks + 1)) for _ in range(tracks * 2)})
        _fill(db, "PlaylistTrack", iter(pairs))
        db.execute("INSERT INTO Audit (What) VALUES ('opened')")
        db.commit()


def _fill(db: sqlite3.Connection, table: str, rows: object) -> None:
    count = len(db.execute(f"PRAGMA table_info([{table}])").fetchall())
    db.executemany(f"INSERT INTO [{table}] VALUES ({', '.join('?' * count)})", rows)  # type: ignore[arg-type]
