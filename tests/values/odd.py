"""More than sixty values that have been lost by tools: as SQL literals, so that nothing of Python touches them."""

from __future__ import annotations

MEGABYTE = 1_000_000
SMALL = 5_000  # in its place where a test must be quick: more than a page of SQLite's

# name → SQL literal
VALUES = {
    "NULL": "NULL",
    "an empty text": "''",
    "an empty blob": "x''",
    "zero": "0",
    "zero, not whole": "0.0",
    "minus zero": "-0.0",
    "one": "1",
    "minus one": "-1",
    "one, not whole": "1.0",
    "2^53": "9007199254740992",
    "2^53 + 1": "9007199254740993",
    "2^53 + 1, not whole": "9007199254740993.0",
    "the largest integer": "9223372036854775807",
    "the smallest integer": "-9223372036854775808",
    "2^63, which is no integer": "9223372036854775808",
    "the smallest number above zero": "5e-324",
    "the smallest number below zero": "-5e-324",
    "the smallest normal number": "2.2250738585072014e-308",
    "the largest number": "1.7976931348623157e308",
    "infinity": "9e999",
    "minus infinity": "-9e999",
    "a sum that is not 0.3": "0.1 + 0.2",
    "a third": "1.0 / 3",
    "sixteen digits": "1234567.890123456",
    "a large whole float": "1e15",
    "a larger whole float": "1e20",
    "007 as text": "'007'",
    "1e3 as text": "'1e3'",
    "1.0 as text": "'1.0'",
    "-0 as text": "'-0'",
    "+5 as text": "'+5'",
    ".5 as text": "'.5'",
    "5. as text": "'5.'",
    "0x10 as text": "'0x10'",
    "1_000 as text": "'1_000'",
    "a number between spaces": "' 12 '",
    "a number and letters": "'12abc'",
    "2^53 + 1 as text": "'9007199254740993'",
    "2^63 as text": "'9223372036854775808'",
    "1e400 as text": "'1e400'",
    "0.1 and many digits as text": "'0.1000000000000000055511151231257827'",
    "nan as text": "'NaN'",
    "inf as text": "'inf'",
    "true as text": "'true'",
    "null as text": "'NULL'",
    "NUL in a text": "'a' || char(0) || 'b'",
    "NUL alone": "char(0)",
    "a text that is not UTF-8": "CAST(x'ff' AS TEXT)",
    "a text that ends in the middle of a letter": "CAST(x'61e282' AS TEXT)",
    "half of a pair of surrogates": "CAST(x'eda080' AS TEXT)",
    "an overlong letter": "CAST(x'c080' AS TEXT)",
    "a byte order mark": "char(65279) || 'a'",
    "emoji": "'👩‍👩‍👧🎹'",
    "é in one (NFC)": "char(233)",
    "é in two (NFD)": "'e' || char(769)",
    "ß": "'ß'",
    "dotted and dotless i": "'İıIi'",
    "right to left": "char(8238) || 'abc'",
    "the last letter of all": "char(1114111)",
    "a letter that is none": "char(65535)",
    "line ends": "'a' || char(13) || char(10) || 'b' || char(13) || 'c' || char(8232)",
    "spaces at the end": "'a  '",
    "upper case": "'A'",
    "lower case": "'a'",
    "quotes": "'it''s \"5\" `x` [y]'",
    "a comment": "'-- x /* y */ ;'",
    "a parameter": "':lo1 ?1 @x $y %s {{ x }}'",
    "a backslash": "'\\n\\x00'",
    "an escape sequence": "char(27) || '[31m'",
    "a date that is none": "'2024-13-45'",
    "a blob that equals a text": "x'61'",
    "a blob that equals a number's text": "x'303037'",
    "a blob of all bytes": "x'" + bytes(range(256)).hex() + "'",
    "a blob of a megabyte": f"zeroblob({SMALL})",
    "a text of a megabyte": f"replace(hex(zeroblob({SMALL // 4})), '0', 'ü')",
}

# What a key can't be read as (`key:` names another, or the rowid is one).
NOT_UTF8 = {name for name, literal in VALUES.items() if literal.startswith("CAST(x'")}

AFFINITIES = {
    "whole": "INTEGER",
    "letters": "TEXT",
    "bytes": "BLOB",
    "real_one": "REAL",
    "number": "NUMERIC",
    "untyped": "",
    "money": "DECIMAL(10, 2)",
    "folded": "TEXT COLLATE NOCASE",
    "stamped": "DATETIME",
}


def literal(name: str, size: int) -> str:
    """Return the literal of a value; the large ones are of `size` bytes."""
    return VALUES[name].replace(f"({SMALL})", f"({size})").replace(f"({SMALL // 4})", f"({size // 4})")
