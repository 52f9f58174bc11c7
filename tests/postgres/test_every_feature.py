"""A schema with everything that PostgreSQL has: what a spec does not name is the same after it, and after its way back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from engine.dialects.postgres.introspect import read
from engine.dialects.postgres.mirror import mirrored, opening
from tests.support.command import run
from tests.support.dumped import dumped
from tests.support.postgres import Place

GIVEN = """
CREATE SCHEMA shop;
CREATE SCHEMA "Other";
SET search_path = shop, public;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
COMMENT ON TYPE mood IS 'how it feels';
CREATE DOMAIN email AS text CONSTRAINT has_at CHECK (VALUE LIKE '%@%');
CREATE COLLATION german (provider = icu, locale = 'de');
CREATE SEQUENCE counter START 100 INCREMENT 5 CACHE 3;
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE FUNCTION twice(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
CREATE TABLE makers (id SERIAL PRIMARY KEY, name TEXT COLLATE "C" NOT NULL, town TEXT COLLATE german DEFAULT 'Bonn');
CREATE TABLE things (
  id BIGINT GENERATED ALWAYS AS IDENTITY (START 10 INCREMENT 5 CACHE 3) PRIMARY KEY,
  maker INTEGER REFERENCES makers ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  nr INTEGER NOT NULL DEFAULT nextval('counter'),
  feel mood NOT NULL DEFAULT 'ok',
  tags TEXT[] DEFAULT '{}',
  mail email,
  doc JSONB NOT NULL DEFAULT '{}',
  price NUMERIC(10, 2) CONSTRAINT cheap CHECK (price < 1000),
  gross NUMERIC GENERATED ALWAYS AS (price * 1.19) STORED,
  span DATERANGE,
  code VARCHAR(10),
  secret TEXT,
  spare TEXT,
  CONSTRAINT one_code UNIQUE NULLS_ONCE (code) INCLUDE (feel),
  CONSTRAINT no_overlap EXCLUDE USING gist (span WITH &&) WHERE (maker IS NOT NULL)
) WITH (fillfactor = 70, autovacuum_enabled = false);
ALTER TABLE things ALTER doc SET STORAGE EXTERNAL, ALTER tags SET STATISTICS 500, ALTER nr SET (n_distinct = -0.5);
ALTER TABLE things REPLICA IDENTITY FULL;
CREATE INDEX by_doc ON things USING gin (doc jsonb_path_ops) WITH (fastupdate = off);
CREATE INDEX by_code ON things (code varchar_pattern_ops DESC NULLS LAST, lower(spare) COLLATE "C") INCLUDE (price);
CREATE UNIQUE INDEX by_nr ON things (nr) WHERE feel <> 'sad';
CREATE INDEX by_gross ON things USING brin (gross) WITH (pages_per_range = 16);
COMMENT ON INDEX by_nr IS 'few';
ALTER TABLE things CLUSTER ON things_pkey;
CREATE STATISTICS both_of (dependencies, ndistinct) ON maker, price FROM things;
COMMENT ON STATISTICS both_of IS 'go together';
COMMENT ON TABLE things IS 'all that is sold';
COMMENT ON COLUMN things.price IS 'in euros';
COMMENT ON CONSTRAINT cheap ON things IS 'no treasures';
GRANT SELECT ON things TO pg_monitor;
GRANT UPDATE (mail), SELECT (secret) ON things TO pg_read_all_stats;
ALTER TABLE things ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON things FOR SELECT TO pg_monitor USING (secret IS NULL AND maker IN (SELECT id FROM makers));
COMMENT ON POLICY own ON things IS 'no secrets';
CREATE MATERIALIZED VIEW per_maker WITH (fillfactor = 80) AS SELECT maker, count(*) AS n FROM things GROUP BY maker;
CREATE UNIQUE INDEX per_maker_key ON per_maker (maker);
CREATE VIEW cheap_ones WITH (security_barrier = true) AS SELECT id, feel, nr FROM things WHERE price < 10 WITH CHECK OPTION;
GRANT SELECT ON cheap_ones TO PUBLIC;
COMMENT ON COLUMN cheap_ones.nr IS 'a number';
CREATE VIEW "Other".outside AS SELECT name FROM shop.makers;
CREATE TABLE "Other".orders (id INTEGER PRIMARY KEY, maker INTEGER REFERENCES shop.makers);
CREATE TABLE makers_too (id INTEGER PRIMARY KEY, orders INTEGER REFERENCES "Other".orders ON UPDATE CASCADE, note TEXT);
CREATE TRIGGER touch BEFORE UPDATE OF note ON makers_too FOR EACH ROW WHEN (OLD.id = 3) EXECUTE FUNCTION touched();
COMMENT ON TRIGGER touch ON makers_too IS 'nothing';
ALTER TABLE makers_too DISABLE TRIGGER touch;
CREATE TABLE ruled (id INTEGER PRIMARY KEY, a TEXT, b TEXT);
CREATE RULE no_delete AS ON DELETE TO ruled WHERE OLD.a = 'x' DO INSTEAD NOTHING;
CREATE TABLE events (at DATE NOT NULL, id INTEGER NOT NULL, a TEXT, PRIMARY KEY (at, id)) PARTITION BY RANGE (at);
CREATE TABLE events_old PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2021-01-01') WITH (fillfactor = 50);
CREATE TABLE events_rest PARTITION OF events DEFAULT;
CREATE INDEX events_a ON events (a);
CREATE TABLE base (id INTEGER PRIMARY KEY, a TEXT);
CREATE TABLE derived (b TEXT) INHERITS (base);
CREATE UNLOGGED TABLE quick (id INTEGER PRIMARY KEY, a TEXT, b TEXT);
INSERT INTO makers (name) VALUES ('Ann'), ('Bob');
INSERT INTO things (maker, mail, price, span, code, secret, spare, doc)
  SELECT n % 2 + 1, n || '@x', n, daterange(DATE '2024-01-01' + n, DATE '2024-01-02' + n), 'c' || n, NULL, 's' || n,
  jsonb_build_object('n', n) FROM generate_series(1, 12) AS n;
INSERT INTO makers_too VALUES (1, NULL, 'x');
INSERT INTO events SELECT DATE '2020-12-20' + n, n, 'e' || n FROM generate_series(1, 24) AS n;
INSERT INTO quick VALUES (1, 'a', 'b'), (2, 'c', 'd');
INSERT INTO ruled VALUES (1, 'a', 'b');
"""

# One spec's steps each; every line is a migration there, back and there again.
STEPS = {
    "adds-columns": "alter: {table: things, add: {note: {type: text, default: none}, size: integer}}",
    "adds-a-generated-column": 'alter: {table: things, add: {half: {type: "decimal(10,2)", generated: "price / 2", stored: true}}}',
    "renames-a-column-in-everything": "alter: {table: things, rename: {code: sku, secret: hidden, feel: mood_now}}",
    "renames-what-statistics-read": "alter: {table: things, rename: {maker: made_by}}",
    "renames-the-table": "rename: {table: things, to: goods}",
    "renames-what-others-refer-to": "rename: {table: makers, to: producers}",
    "renames-what-another-schema-reads": "alter: {table: makers, rename: {name: called}}",
    "renames-a-type": "rename: {type: mood, to: feeling}",
    "renames-an-index": "rename: {index: by_doc, to: by_json}",
    "renames-a-view": "rename: {view: cheap_ones, to: bargains}",
    "renames-a-materialized-view": "rename: {view: per_maker, to: counted}",
    "drops-a-column": "alter: {table: makers, drop: [town]}",
    "drops-a-column-of-a-table-with-rules": "alter: {table: ruled, drop: [b]}",
    "drops-a-column-of-an-unlogged-table": "alter: {table: quick, drop: [b]}",
    "widens-a-type": "alter: {table: things, change: {code: {type: varchar(40)}}}",
    "changes-a-type-and-its-values": 'alter: {table: quick, change: {b: {type: integer, using: "length(b) + id"}}}',
    "changes-a-default": "alter: {table: things, change: {feel: {default: happy}}}",
    "takes-a-default-away": "alter: {table: things, change: {tags: {default: null}}}",
    "wants-a-value": "alter: {table: things, change: {mail: {nullable: false}}}",
    "comments": "alter: {table: things, comment: other, change: {price: {comment: in cents}}}",
    "adds-a-check": 'alter: {table: things, add_checks: {dear: "price >= 0"}}',
    "drops-a-constraint": "alter: {table: things, drop_constraints: [no_overlap]}",
    "drops-a-key-with-include": "alter: {table: things, drop_constraints: [one_code]}",
    "drops-an-index-with-opclasses": "drop: {index: by_code}",
    "drops-an-index-with-options": "drop: {index: by_doc}",
    "makes-an-index": "index: {table: things, columns: [mail, price], concurrently: true}",
    "transforms": 'transform: {table: things, set: {price: "price + 1", spare: "upper(spare)"}, where: "price < 9"}',
    "transforms-arrays-and-documents": 'transform: {table: things, set: {tags: {sql: {postgresql: "tags || code::text"}}, '
    'doc: {sql: {postgresql: "doc || \'{\\"a\\": 1}\'"}}, feel: {value: sad}}}',
    "transforms-partitions": "transform: {table: events, set: {a: \"a || '!'\"}}",
    "transforms-an-unlogged-table": "transform: {table: quick, set: {b: a}}",
    "deletes-from-partitions": 'delete: {from: events, where: "id > 20"}',
    "inserts-into-partitions": 'insert: {into: events, rows: [{at: "2020-05-05", id: 99, a: new}]}',
    "copies-between-partitions-and-a-table": 'copy: {from: quick, into: events, columns: {at: {value: "2020-06-01"}, id: id, a: b}, expect_rows: 2}',
    "copies-with-given-keys": 'copy: {from: things, into: makers, columns: {id: "nr + 100", name: spare}, expect_rows: all}',
    "drops-a-table-with-a-foreign-key-to-another-schema": "drop: {table: makers_too}",
    "drops-an-unlogged-table": "drop: {table: quick}",
    "drops-a-table-with-rules": "drop: {table: ruled}",
    "creates-beside-it": "create: {table: fresh, columns: {id: {type: integer, primary_key: true}, "
    "maker: {type: integer, references: {table: makers}}, feel: {type: mood, default: ok}, mail: email}}",
}

# What would take something else along, or can't be followed, is refused by name: (step, words of the message).
REFUSED = {
    "a-policy-needs-the-column": ("alter: {table: things, drop: [secret]}", "`policy own` needs `things.secret`"),
    "a-policy-needs-the-type": (
        "alter: {table: things, change: {secret: {type: varchar(10)}}}",
        "`policy own` needs `things.secret`",
    ),
    "statistics-would-go": ("alter: {table: things, drop: [price]}", "`statistics both_of`"),
    "an-index-would-go": ("alter: {table: things, drop: [spare]}", "`index by_code` needs `things.spare`"),
    "a-trigger-would-go": ("alter: {table: makers_too, drop: [note]}", "`trigger touch` needs `makers_too.note`"),
    "a-rule-needs-the-column": ("alter: {table: ruled, drop: [a]}", "`rule no_delete` needs `ruled.a`"),
    "a-view-elsewhere-needs-the-column": ("alter: {table: makers, drop: [name]}", 'view "Other".outside'),
    "a-view-elsewhere-needs-the-table": ("drop: {table: makers}", 'view "Other".outside'),
    "a-key-elsewhere-needs-the-table": ("drop: {table: makers}", 'on table "Other".orders'),
    "a-materialized-view-is-not-made-again": ("drop: {view: per_maker}", "`per_maker` is a materialized view"),
    "a-view-would-come-back-without-grants": ("drop: {view: cheap_ones}", "the view `cheap_ones` has grants"),
    "a-comment-would-be-lost": ("alter: {table: things, drop_constraints: [cheap]}", "has a comment"),
    "a-statistics-target-would-be-lost": ("alter: {table: things, drop: [tags]}", "has a statistics target"),
    "a-storage-would-be-lost": ("alter: {table: things, change: {doc: {type: text}}}", "has a storage"),
    "an-index-would-come-back-without-its-comment": ("drop: {index: by_nr}", "has a comment"),
    "rules-would-write-elsewhere": ('delete: {from: ruled, where: "id = 1"}', "`ruled` has rules"),
    "a-partitioned-table-keeps-its-shape": ("alter: {table: events, add: {b: text}}", "`events` has partitions"),
    "a-partition-keeps-its-shape": ("alter: {table: events_old, add: {b: text}}", "`events_old` has partitions"),
    "rows-of-an-heir-are-not-its-own": ("transform: {table: base, set: {a: {value: x}}}", "`base` has inheritance"),
    "a-type-in-use-stays": ("drop: {type: mood}", "of type `mood`"),
    "a-sequence-has-the-name": ("create: {table: counter, columns: {id: integer}}", "a sequence `counter`"),
}


@pytest.fixture(scope="module")
def made(shared: Place) -> Iterator[list[str]]:
    """What the schema is like in `pg_dump`'s words, as long as it stands: the one element of a list."""
    yield []
    shared.script('DROP SCHEMA IF EXISTS shop CASCADE; DROP SCHEMA IF EXISTS "Other" CASCADE')


@pytest.fixture
def shop(shared: Place, made: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """The schema that has everything, found by the search path of the URL; made anew after a test that failed."""
    monkeypatch.chdir(tmp_path)
    sign = "&" if "?" in shared.url else "?"
    place = Place(f"{shared.url}{sign}options=-csearch_path%3Dshop%2Cpublic")
    if not made:
        shared.clean()
        shared.script('DROP SCHEMA IF EXISTS shop CASCADE; DROP SCHEMA IF EXISTS "Other" CASCADE')
        newest = int(shared.ask("SHOW server_version_num")[0][0]) >= 150000
        shared.script(GIVEN.replace("NULLS_ONCE", "NULLS NOT DISTINCT" if newest else ""))
        made.append(dumped(place))
    before = made.pop()
    yield place
    after = dumped(place)
    assert after.splitlines() == before.splitlines()
    made.append(after)


def spec(step: str) -> None:
    """Write a spec of one step."""
    Path("specs").mkdir(exist_ok=True)
    text = f'version: "001"\ndescription: One step\nsteps:\n  - {step}\n'
    Path("specs/001_one.yaml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("name", STEPS)
def test_nothing_is_lost_there_and_back(name: str, shop: Place) -> None:
    spec(STEPS[name])
    rows = shop.snapshot().rows
    there = run("apply", "--db", shop.url, "--yes", "specs")
    assert there.code == 0, there.output
    back = run("rollback", "--db", shop.url, "--yes", "specs")
    assert back.code == 0, back.output
    assert shop.snapshot().rows == rows
    # `shop` compares the dumps.


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_take_more_along_is_refused_by_name(name: str, shop: Place) -> None:
    step, words = REFUSED[name]
    spec(step)
    ran = run("apply", "--db", shop.url, "--yes", "specs")
    assert ran.code == 1, ran.output
    assert words in " ".join(ran.output.split()), ran.output
    assert "001_one.yaml:4:" in ran.output, ran.output


def test_all_of_it_can_be_mirrored(shop: Place) -> None:
    with psycopg.connect(shop.url, autocommit=True) as db:
        schema, _ = read(lambda sql: db.execute(sql).fetchall())
        for sql in (*opening(1), *mirrored(schema)):
            db.execute(sql)
        mirror, _ = read(lambda sql: db.execute(sql).fetchall())
        db.execute("ROLLBACK")
    assert {r.name for r in mirror.relations} == {r.name for r in schema.relations}
    assert {i.name for i in mirror.indexes} == {i.name for i in schema.indexes}
    assert {t.name for t in mirror.triggers} == {t.name for t in schema.triggers}
    here = {t.name for t in schema.tables}
    for table in schema.tables:
        made = mirror.table(table.name)
        assert made is not None
        assert [c.name for c in made.columns] == [c.name for c in table.columns]
        wanted = {c.name for c in table.constraints if c.kind != "f" or c.to_table in here}
        assert {c.name for c in made.constraints} == wanted
