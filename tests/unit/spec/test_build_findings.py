"""What people are told about a spec that can't be meant: one mistake, one finding, with the way out."""

from __future__ import annotations

import pytest

from tests.unit.spec.building import HEAD, findings, read

ONE_OF_VERBS = "one of alter, copy, create, delete, drop, index, insert, rename, sql, transform, validate"

# What stands below `steps:` from line 4 → the findings.
STEPS = {
    # keys
    "- rename: {table: a, too: b}": ["4:22 SP102 unknown key `too` | did you mean `to`?"],
    "- creat: {table: a}": ["4:3 SP102 unknown step or key `creat` | did you mean `create`?"],
    "- drop: {table: a}\n  rename: {table: b, to: c}": [
        "5:3 SP102 `drop` and `rename` stand in one step | one step has one verb; split it in two"
    ],
    "- load: {file: a.csv}": ["4:3 SP102 `load` comes in a later version | until then write the rows with `insert`"],
    "- {id: x}": [f"4:4 SP102 this step has no verb | {ONE_OF_VERBS}"],
    "- {}": [f"4:3 SP102 this step has no verb | {ONE_OF_VERBS}"],
    "- text": ["4:3 SP102 step 1 takes a mapping, and this is the text `text` | "],
    "- drop: a": ["4:9 SP102 `drop` takes a mapping, and this is the text `a` | write {table: a}"],
    "- drop:": [
        "4:3 SP104 `drop` has nothing after its colon | "
        'write its value, or take it out; null is written `null`, empty text `""`'
    ],
    "- create: {table: a, columns: {b: {typ: text}}}": ["4:36 SP102 unknown key `typ` | did you mean `type`?"],
    "- create: {table: a, columns: {b: {nullable: false}}}": ["4:32 SP102 `type` is missing in `b` | add `type: …`"],
    "- index: {table: a, column: b, columns: c}": [
        "4:32 SP102 `column` and `columns` are one key | keep one of the two"
    ],
    "- index: {table: a}": ["4:3 SP102 `columns` is missing in `index` | add `columns: …`"],
    "- drop: {table: a, zzzzz: 1}": [
        "4:20 SP102 unknown key `zzzzz` | one of table, index, view, trigger, type, if_exists"
    ],
    # words, flags, numbers
    "- insert: {into: t, rows: [{a: 1}], on_conflict: skpi, conflict_key: a}": [
        "4:50 SP102 `on_conflict` can't be `skpi` | did you mean `skip`?"
    ],
    "- insert: {into: t, rows: [{a: 1}], on_conflict: '{{ m }}', conflict_key: a}": [
        "4:50 SP102 `on_conflict` is a fixed word and takes no template | one of fail, skip, replace"
    ],
    "- index: {table: t, column: a, concurrently: maybe}": [
        "4:46 SP102 `concurrently` can't be `maybe` | one of auto, true, false"
    ],
    "- create: {trigger: t, table: a, timing: after, event: insrt, body: x}": [
        "4:56 SP102 `event` can't be `insrt` | did you mean `insert`?"
    ],
    "- create: {table: t, columns: {a: {type: text, nullable: yes, unique: 0, stored: '{{ x }}', primary_key: {}}}}": [
        "4:58 SP102 `nullable` takes `true` or `false`, and this is the text `yes` | write `true`",
        "4:71 SP102 `unique` takes `true` or `false`, and this is the number 0 | write `false`",
        "4:82 SP102 `stored` takes `true` or `false`, and this is the text `{{ x }}` | a flag takes no template",
        "4:106 SP102 `primary_key` takes `true` or `false`, and this is a mapping | ",
    ],
    "- transform: {table: t, set: {a: b}, batch_size: '100'}": [
        "4:50 SP102 `batch_size` takes `auto` or a whole number, and this is the text `100` | write 100 without quotes"
    ],
    "- transform: {table: t, set: {a: b}, batch_size: 1.5}": [
        "4:50 SP102 `batch_size` takes `auto` or a whole number, and this is the number 1.5 | "
    ],
    "- transform: {table: t, set: {a: b}, batch_size: 0}": ["4:50 SP102 `batch_size` is at least 1 | write 1 or more"],
    "- copy: {from: a, into: b, columns: same, expect_rows: al}": [
        "4:56 SP102 `expect_rows` takes `all` or a whole number, and this is the text `al` | did you mean `all`?"
    ],
    # scalars that are read in two ways
    "- drop: {table: no}": [
        '4:17 SP104 unquoted `no` would be read as the boolean false by other YAML readers | write "no"'
    ],
    "- drop: {table: 5}": ['4:17 SP104 `table` takes text, and unquoted `5` is a number | write "5"'],
    "- drop: {table: null}": ['4:17 SP104 `table` takes text, and unquoted `null` is null | write "null"'],
    "- drop: {table: true}": ['4:17 SP104 `table` takes text, and unquoted `true` is a boolean | write "true"'],
    "- drop: {table: ''}": ["4:17 SP102 `table` is empty | write what belongs there, or take the key out"],
    "- drop: {table: ' '}": ["4:17 SP102 a name can't be empty | "],
    "- create: {table: t, columns: {no: text, 5: text}}": [
        '4:32 SP104 unquoted `no` would be read as the boolean false by other YAML readers | write "no"',
        '4:42 SP104 text is expected here, and unquoted `5` is a number | write "5"',
    ],
    "- insert: {into: t, rows: [{a: 2024-01-31, b: 010, c: 12:30, d: ~, e: 1_000}]}": [
        '4:32 SP104 unquoted `2024-01-31` would be read as a date by other YAML readers | write "2024-01-31"',
        '4:47 SP104 unquoted `010` would be read as the number 8 by other YAML readers | write "010"',
        "4:55 SP104 unquoted `12:30` would be read as the number 750, counted in sixties by other YAML readers"
        ' | write "12:30"',
        '4:65 SP104 unquoted `~` would be read as null by other YAML readers | write "~"',
        '4:71 SP104 unquoted `1_000` would be read as the number 1000 by other YAML readers | write "1_000"',
    ],
    "- transform: {table: t, set: {a: yes}}": [
        '4:34 SP104 unquoted `yes` would be read as the boolean true by other YAML readers | write "yes"'
    ],
    "- create: {table: t, columns: {a: text}, options: {sqlite: {strict: yes}}}": [
        '4:69 SP104 unquoted `yes` would be read as the boolean true by other YAML readers | write "yes"'
    ],
    "- create: {table: t, columns: {a: text}, options: {mysql: {engine: null}}}": [
        '4:68 SP104 `engine` takes text, and unquoted `null` is null | write "null"'
    ],
    # defaults, types, keys
    "- create: {table: t, columns: {a: {type: text, default: now()}, b: {type: date, default: CURRENT_DATE}}}": [
        '4:57 SP102 `now()` would be that very text, not what the function returns | write {sql: "now()"}',
        "4:90 SP102 `CURRENT_DATE` would be that very text, not what the function returns | write {sql: CURRENT_DATE}",
    ],
    "- create: {table: t, columns: {a: int, b: {type: String}, c: {type: float(3)}}}": [
        "4:35 SP102 `int` means something else on each database, or nothing | write integer",
        "4:50 SP102 `String` means something else on each database, or nothing | write text, or varchar(n)",
        "4:69 SP102 `float(3)` means something else on each database, or nothing | write double",
    ],
    "- create: {table: t, columns: {a: text; DROP TABLE b}}": [
        "4:35 SP110 this is no type: an expression is one piece of SQL and ends without `;` | "
        "only `sql` takes statements"
    ],
    "- create: {table: t, columns: {a: text}, unique: [a]}": [
        "4:51 SP102 item 1 of `unique` takes a list, and this is the text `a` | "
        "`[[a, b]]` is one key over both, `[[a], [b]]` are two"
    ],
    "- create: {table: t, columns: {a: text}, unique: a}": [
        "4:50 SP102 `unique` takes a list, and this is the text `a` | "
        "`[[a, b]]` is one key over both, `[[a], [b]]` are two"
    ],
    "- create: {table: t, columns: {a: text}, unique: [[a, a]]}": [
        "4:55 SP102 `a` is there twice | take one of them out"
    ],
    "- create: {table: t, columns: {a: {type: json, default: [1]}}}": [
        "4:57 SP102 `default` takes text, a number, `true` or `false` or `null`, and this is a list | "
        "for a json column write a list or mapping as quoted text"
    ],
    "- insert: {into: t, rows: [{a: {}}]}": [
        "4:32 SP102 a value stands as it is; the only mapping is {sql: …} | text per database is {sql: {sqlite: …}}"
    ],
    # SQL as far as it can be seen
    "- transform: {table: t, set: {a: 'lower(a', b: 'x)', c: 'a -- b', d: \"'x\", e: ':now', f: 'a;b', g: '?'}}": [
        "4:34 SP110 1 `(` is never closed | add `)`",
        "4:48 SP110 a `)` closes what was never opened | take it out, or open it before",
        "4:57 SP110 a comment can't stand in an expression: `-- b` | put it above the key, behind a `#`",
        "4:70 SP110 the quote ' that opens at `'x` is never closed | close it",
        "4:79 SP110 `:now` is a parameter, and nobody gives it a value | "
        "write the value, or a template: {{ name | literal }}",
        "4:90 SP110 an expression is one piece of SQL and ends without `;` | only `sql` takes statements",
        "4:100 SP110 `?` is a parameter, and nobody gives it a value | "
        "write the value, or a template: {{ name | literal }}",
    ],
    "- create: {view: v, as: 'SELECT 1;'}": [
        "4:25 SP110 a query is one piece of SQL and ends without `;` | only `sql` takes statements"
    ],
    "- transform:\n    table: t\n    set: {a: b}\n    where: a = 1 # or": [
        '7:12 SP104 ` # or` is cut off as a comment | write "a = 1 # or"'
    ],
    "- {sql: '-- nothing', irreversible: x}": ["4:9 SP110 there is no SQL here | write it, or take the key out"],
    "- {sql: {sqlite: [a, b], other: c}, irreversible: x}": [
        "4:9 SP102 the databases have different numbers of statements here | "
        "write a step for each, under `when: {dialect: …}`"
    ],
    "- {sql: {run: {sqlit: a}}, irreversible: x}": ["4:16 SP102 unknown key `sqlit` | did you mean `sqlite`?"],
    "- transform: {table: t, set: {a: {value: 1, sql: x}, b: {parse: x}, c: [1], d: {value: 1, sqlite: x}}}": [
        "4:34 SP102 {value, sql} is no expression | one of {value: …}, {parse: …, as: …}, {sql: …}, or SQL per database",
        "4:57 SP102 `parse` needs `as`: the type to read | e.g. {parse: views, as: bigint}",
        "4:72 SP102 `c` takes text, a number, `true` or `false` or `null`, and this is a list | "
        "SQL, a value, or a mapping such as {value: …}",
        "4:80 SP102 {value, sqlite} is no expression | "
        "one of {value: …}, {parse: …, as: …}, {sql: …}, or SQL per database",
    ],
    "- delete: {from: t, where: {sql: a, sqlite: b}}": [
        "4:28 SP102 SQL is text, or a mapping of databases to text | "
        "its keys are of sqlite, postgresql, mysql, mariadb, other"
    ],
    "- alter: {table: t, add_checks: {ck: {sql: a, sqlite: b}}}": [
        "4:47 SP102 unknown key `sqlite` | one of sql, validate"
    ],
    "- transform: {table: t, set: {a: b}, where: [c]}": [
        "4:45 SP102 `where` takes text or a mapping, and this is a list | "
    ],
    # beside the verb
    "- {drop: {table: a}, irreversible: true}": [
        "4:36 SP102 `irreversible` takes text, and this is `true` | say why there is no way back, in words"
    ],
    "- {drop: {table: a}, irreversible: ' '}": [
        "4:36 SP102 `irreversible` needs a reason, in words | say why there is no way back"
    ],
    "- {drop: {table: a}, irreversible: x, undo: y}": [
        "4:22 SP102 a step with `undo` has a way back, and is not `irreversible` | take one of the two out"
    ],
    "- {drop: {table: a}, id: ''}": ["4:26 SP102 an id can't be empty | write a word, or take `id` out"],
    "- when: {column_exists: x}\n  drop: {table: a}": [
        "4:25 SP102 `x` names no table: it is written table.column | e.g. `albums.x`"
    ],
    "- when: {}\n  drop: {table: a}": ["4:9 SP102 nothing is asked here | e.g. {table_exists: albums}"],
    "- when: {dialect: [sqlit]}\n  drop: {table: a}": [
        "4:20 SP102 item 1 of `dialect` can't be `sqlit` | did you mean `sqlite`?"
    ],
    "- for_each: {a: [1], b: [2]}\n  drop: {table: x}": [
        "4:13 SP102 `for_each` takes one name | for pairs: {m: [{from: a, to: b}]}"
    ],
    "- for_each: {a: x}\n  drop: {table: x}": ["4:17 SP102 `a` takes a list, and this is the text `x` | write [x]"],
    "- for_each: {'a b': [1]}\n  drop: {table: x}": [
        "4:14 SP102 `a b` can't be read by a template | letters, digits and `_`, no digit first"
    ],
    "- id: g\n  steps: [{drop: {table: a}}]": [
        "4:3 SP102 `id` is not for a group; it stands on its steps | take it out"
    ],
    "- steps: [{drop: {table: a}}]\n  drop: {table: b}": [
        "4:3 SP102 `steps` comes in place of a verb, and here is `drop` too | move the verb into a step of the group"
    ],
    "- sql: x\n  undo:\n    - steps: [{id: a, sql: y}]": ["6:16 SP102 `id` is not for a step of `undo` | take it out"],
    "- sql: x\n  undo: [[y]]": ["5:10 SP102 a list inside the list of `undo` | make it one list"],
    "- sql: x\n  undo: {drop: {table: '{{ a }}'}}": [
        "5:24 SP105 the template names `a`, which nobody set | set it in `vars`, or give `--var a=VALUE`"
    ],
    "- sql: x\n  undo: {delete: {from: a}}": [
        "5:10 SP102 nothing says which rows: `where` or `all_but_first_of` is missing | "
        'for all rows write `where: "true"`'
    ],
}


@pytest.mark.parametrize(("text", "expected"), STEPS.items(), ids=list(STEPS))
def test_a_step_that_cannot_be_meant(text: str, expected: list[str]) -> None:
    assert findings("steps:\n" + text + "\n") == expected


FILES = {
    "stpes: []\n": ["3:1 SP102 unknown key `stpes` | did you mean `steps`?"],
    "vars: {a: 1}\n": ["1:1 SP102 `steps` is missing in the spec | add `steps: …`"],
    "steps: []\n": ["3:8 SP102 `steps` is empty | write what belongs there, or take the key out"],
    "steps: {drop: {table: a}}\n": ["3:8 SP102 `steps` takes a list, and this is a mapping | "],
    "vars: {'d e': 1}\nsteps: [{drop: {table: a}}]\n": [
        "3:8 SP102 `d e` can't be read by a template | letters, digits and `_`, no digit first"
    ],
    "vars: {a: {sqlite: 1, postgres: 2}}\nsteps: [{drop: {table: '{{ a }}'}}]\n": [
        "3:23 SP102 unknown key `postgres` | did you mean `postgresql`?"
    ],
    "requires: [001]\nsteps: [{drop: {table: a}}]\n": [
        '3:12 SP104 unquoted `001` would be read as the number 1 by other YAML readers | write "001"'
    ],
    "ignore: [{rule: A, reson: b}]\nsteps: [{drop: {table: a}}]\n": [
        "3:20 SP102 unknown key `reson` | did you mean `reason`?"
    ],
    "steps:\n  - {drop: {table: a}, drop: {table: b}}\n": [
        "4:24 SP103 the key `drop` stands here twice | take one of them out, or make one of the two"
    ],
}


@pytest.mark.parametrize(("text", "expected"), FILES.items(), ids=list(FILES))
def test_a_file_that_cannot_be_meant(text: str, expected: list[str]) -> None:
    assert findings(text) == expected


def test_the_version_is_that_of_the_name() -> None:
    made, found = read(HEAD + "steps: [{drop: {table: a}}]\n", version="002")
    assert made is None
    assert [(d.rule, d.message, d.hint, d.version) for d in found] == [
        (
            "VC102",
            "the file's name says version 002, and here it is 001",
            'write "002", or rename the file',
            "002",
        )
    ]


def test_an_empty_description_and_a_version_that_is_a_number() -> None:
    made, found = read('version: 1.10\ndescription: " "\nsteps: [{drop: {table: a}}]\n', version="1.10")
    assert made is None
    assert [(d.rule, d.hint) for d in found] == [
        ("SP104", 'write "1.10"'),
        ("SP102", "say what the migration is for"),
    ]


def test_nothing_is_said_about_a_step_that_yaml_misread() -> None:
    text = HEAD + "steps:\n  - drop: {table: {{ t }}}\n  - drop: {tabel: a}\n"
    assert [d.rule for d in read(text)[1]] == ["SP101", "SP102"]


def test_text_that_is_no_yaml_gives_no_spec() -> None:
    assert read("a: [")[0] is None
    assert read("")[0] is None
