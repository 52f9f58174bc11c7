"""The rights of files bind this process as they bind any user, also where it runs as root (Linux)."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_VERSION = 0x20080522
_OVER_RIGHTS = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


class _Head(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


@contextmanager
def bound_by_rights() -> Iterator[None]:
    """Lay down root's power over the rights of files, while inside; what an owner may not, is refused."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        yield
        return
    library = ctypes.CDLL(None, use_errno=True)
    head, sets = _Head(_VERSION, 0), (_Sets * 2)()
    assert library.capget(ctypes.byref(head), sets) == 0, ctypes.get_errno()
    before = sets[0].effective
    sets[0].effective = before & ~_OVER_RIGHTS
    assert library.capset(ctypes.byref(head), sets) == 0, ctypes.get_errno()
    try:
        yield
    finally:
        sets[0].effective = before
        assert library.capset(ctypes.byref(head), sets) == 0, ctypes.get_errno()
