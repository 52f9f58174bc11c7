"""What changes are called in the title of a unit."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model import changes as c


def summary(actions: Sequence[c.Action]) -> str:
    """Return the actions of an `alter` for a title: `add a, drop b`."""
    return ", ".join(_word(action) for action in actions) or "nothing"


def _word(action: c.Action) -> str:
    match action:
        case c.RenameColumn(name=name, to=to) | c.RenameConstraint(name=name, to=to):
            return f"rename {name} to {to}"
        case c.AddColumn(column=column):
            return f"add {column.name}"
        case c.ChangeColumn(name=name):
            return f"change {name}"
        case c.DropColumn(name=name):
            return f"drop {name}"
        case c.AddUnique(key=key):
            return f"unique ({', '.join(key.columns)})"
        case c.AddCheck(check=check):
            return f"check {check.name}".rstrip()
        case c.AddForeignKey(foreign_key=key):
            return f"foreign key ({', '.join(key.columns)})"
        case c.DropConstraint():
            what = action.name or action.check or ", ".join(action.unique or action.foreign_key)
            return f"drop constraint {what}"
        case c.SetPrimaryKey(key=key):
            return f"primary key ({', '.join(key.columns)})"
        case c.AddExclude(exclude=exclude):
            return f"exclude {exclude.name}"
        case c.SetOptions():
            return "options"
        case c.ValidateConstraint(name=name):
            return f"validate {name}"
        case _:
            return "comment"
