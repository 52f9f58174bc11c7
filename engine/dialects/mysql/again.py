"""Views and triggers made again from what the server printed of them: read as their author's session read them."""

from __future__ import annotations

import re
from dataclasses import replace

from engine.dialects.mysql.schema import MyTrigger, MyView
from engine.dialects.mysql.sql import BINARY, literal_sql
from engine.errors import Path, Problem
from engine.model.plan import Statement, Unit

OWN = ("utf8mb4", BINARY)


def text_again(made: MyView | MyTrigger) -> str:
    """Return the statement that makes it from its own text; the session's mode is that of before when it is done.

    What is sent is parsed when it is executed, and so under the mode that the text was written in: a backslash or a
    double quote means what it meant.
    """
    return f"SET STATEMENT sql_mode = {literal_sql(made.mode)} FOR EXECUTE IMMEDIATE {literal_sql(made.sql)}"


def as_it_was(unit: Unit, made: MyView | MyTrigger) -> Unit:
    """Return `unit` with the character set and collation of the session in which `made` was written."""
    kept = (made.charset, made.collation)
    if kept == OWN or not made.charset:
        return unit
    return replace(unit, settings=(_setting(*kept),), resets=(_setting(*OWN),))


def _setting(charset: str, collation: str) -> Statement:
    sql = f"SET SESSION character_set_client = {charset}, collation_connection = {collation}"
    return Statement(sql, "setting", "setting")


def see_text(made: MyView | MyTrigger, what: str, path: Path) -> None:
    """See to it that what goes can be made again.

    Raises:
        Problem: SP111 its text is not to be had, or is in characters that the engine's session does not send.
    """
    if not made.sql:
        words = f"the text of the {what} `{made.name}` can't be read, and so it could not be made again"
        raise Problem("SP111", words, path, hint="give the user SHOW VIEW and TRIGGER on the database")
    if made.charset and not made.charset.startswith("utf8") and not made.sql.isascii():
        words = f"the {what} `{made.name}` was written in {made.charset}, with letters that are others in UTF-8"
        raise Problem("SP111", words, path, hint="make it again from a session in utf8mb4")


def mentions(text: str, *names: str) -> bool:
    """Tell whether one of `names` stands in a text, be it as a name or as anything else: nobody knows its mode."""
    return any(re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", text, re.IGNORECASE) for name in names)
