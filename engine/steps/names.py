"""Names that a spec does not give: `idx_<table>_<columns>` and the like."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

_CUT = 8  # hexadecimal digits of the hash at the end of a name that is cut


def derive_name(prefix: str, table: str, parts: Iterable[str], limit: int = 0) -> str:
    """Return the name of an index or constraint that the spec leaves to us.

    Args:
        prefix: `idx`, `uq`, `fk` or `ck`.
        table: the table it is on.
        parts: column names, or the SQL of an expression, of which the words count.
        limit: longest name in bytes, 0 for none; a longer one is cut and ends with a hash of the whole.
    """
    words = [part if re.fullmatch(r"\w+", part) else "_".join(re.findall(r"\w+", part)) for part in parts]
    name = "_".join([prefix, table, *(word for word in words if word)])
    whole = name.encode("utf-8", "surrogatepass")
    if not limit or len(whole) <= limit:
        return name
    digest = hashlib.sha256(whole).hexdigest()[:_CUT]
    head = whole[: max(0, limit - _CUT - 1)].decode("utf-8", "ignore")
    return f"{head}_{digest}"
