"""A disk that fails at will: a file layer ("VFS") put under SQLite itself, so that every real read, write, sync,
lock, open and delete can be refused, once or from then on. Only syncs that are let through are left out.

The layer is the system's own with its functions wrapped; it is made through ctypes on the very library that
Python's sqlite3 uses, so nothing in the engine knows of it and no compiler is needed.
"""

from __future__ import annotations

import _sqlite3
import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, Structure, byref, c_char_p, c_int, c_int64, c_void_p, cast
from dataclasses import dataclass, field

FULL, CANTOPEN = 13, 14
_IOERR = {
    "read": 266,
    "write": 778,
    "sync": 1034,
    "truncate": 1546,
    "size": 1802,
    "delete": 2570,
    "access": 3338,
    "lock": 3850,
    "open": CANTOPEN,
    "shared": 5386,
}
_MAIN, _TEMP, _JOURNAL, _WAL = 0x100, 0x200 | 0x400 | 0x1000 | 0x2000, 0x800, 0x80000


class _Vfs(Structure):
    pass


_Open = CFUNCTYPE(c_int, POINTER(_Vfs), c_void_p, c_void_p, c_int, c_void_p)
_Delete = CFUNCTYPE(c_int, POINTER(_Vfs), c_char_p, c_int)
_Access = CFUNCTYPE(c_int, POINTER(_Vfs), c_char_p, c_int, c_void_p)
_Vfs._fields_ = [
    ("iVersion", c_int),
    ("szOsFile", c_int),
    ("mxPathname", c_int),
    ("pNext", c_void_p),
    ("zName", c_char_p),
    ("pAppData", c_void_p),
    ("xOpen", _Open),
    ("xDelete", _Delete),
    ("xAccess", _Access),
    ("rest", c_void_p * 13),
]

_Transfer = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_Number = CFUNCTYPE(c_int, c_void_p, c_int64)
_Flag = CFUNCTYPE(c_int, c_void_p, c_int)
_Size = CFUNCTYPE(c_int, c_void_p, POINTER(c_int64))
_Map = CFUNCTYPE(c_int, c_void_p, c_int, c_int, c_int, c_void_p)


class _Methods(Structure):
    _fields_ = (
        ("iVersion", c_int),
        ("xClose", c_void_p),
        ("xRead", _Transfer),
        ("xWrite", _Transfer),
        ("xTruncate", _Number),
        ("xSync", _Flag),
        ("xFileSize", _Size),
        ("xLock", _Flag),
        ("others", c_void_p * 5),  # xUnlock … xDeviceCharacteristics
        ("xShmMap", _Map),
        ("rest", c_void_p * 5),
    )


@dataclass(frozen=True)
class Operation:
    """One thing that SQLite asked of the system.

    Attributes:
        kind: read, write, sync, truncate, size, delete, access, lock, open or shared.
        file: main, journal, wal or temp.
        end: of what is written, in bytes from the file's beginning; 0 for the rest.
    """

    kind: str
    file: str
    end: int = 0


Decide = Callable[[Operation], int]


@dataclass
class Disk:
    """What stands between SQLite and the system, while `failing_disk` holds it there.

    Attributes:
        decide: returns 0 to let an operation through, or SQLite's code of an error.
        operations: what was asked since `arm`.
        failed: what was refused since `arm`.
        torn: a write that fails leaves its first half behind.
    """

    decide: Decide = lambda operation: 0
    operations: list[Operation] = field(default_factory=list)
    failed: list[Operation] = field(default_factory=list)
    torn: bool = False

    def arm(self, decide: Decide, *, torn: bool = False) -> None:
        """Decide with `decide` from now on."""
        self.decide, self.torn, self.operations, self.failed = decide, torn, [], []

    def heal(self) -> None:
        """Let everything through again."""
        self.decide = lambda operation: 0

    def refuse(self, kind: str, file: str, end: int = 0) -> int:
        """Return what to answer to an operation, and count it."""
        operation = Operation(kind, file, end)
        self.operations.append(operation)
        code = self.decide(operation)
        if code:
            self.failed.append(operation)
        return code


def at(number: int, *, sticky: bool = False, kinds: tuple[str, ...] = ()) -> Decide:
    """Return what fails operation `number` (from 1) with an I/O error, or with `sticky` all from there on.

    Args:
        number: which one.
        sticky: all later ones too.
        kinds: count and fail only these kinds of operations.
    """
    seen = [0]

    def decide(operation: Operation) -> int:
        if kinds and operation.kind not in kinds:
            return 0
        seen[0] += 1
        hit = seen[0] >= number if sticky else seen[0] == number
        return _IOERR[operation.kind] if hit else 0

    return decide


def full_at(number: int, *, sticky: bool = True) -> Decide:
    """Return what answers "no space left" to write `number` (from 1), and to all later ones if `sticky`."""
    seen = [0]

    def decide(operation: Operation) -> int:
        if operation.kind != "write":
            return 0
        seen[0] += 1
        return FULL if (seen[0] >= number if sticky else seen[0] == number) else 0

    return decide


def library() -> ctypes.CDLL:
    """Return the library of SQLite that Python's sqlite3 uses."""
    return ctypes.CDLL(getattr(_sqlite3, "__file__", None))


@contextmanager
def failing_disk() -> Iterator[Disk]:
    """Put a `Disk` under every database that this process opens inside."""
    sqlite = library()
    sqlite.sqlite3_vfs_find.restype = POINTER(_Vfs)
    sqlite.sqlite3_vfs_find.argtypes = [c_char_p]
    sqlite.sqlite3_vfs_register.argtypes = [POINTER(_Vfs), c_int]
    sqlite.sqlite3_vfs_unregister.argtypes = [POINTER(_Vfs)]
    plain = sqlite.sqlite3_vfs_find(None)
    disk = Disk()
    layer = _Layer(disk, plain.contents)
    assert sqlite.sqlite3_vfs_register(byref(layer.vfs), 1) == 0
    try:
        yield disk
    finally:
        disk.heal()
        sqlite.sqlite3_vfs_register(plain, 1)
        sqlite.sqlite3_vfs_unregister(byref(layer.vfs))
        _KEPT.append(layer)  # a connection that is still open goes on calling it


_KEPT: list[_Layer] = []


class _Layer:
    """The system's layer with its functions wrapped."""

    def __init__(self, disk: Disk, plain: _Vfs) -> None:
        self.disk = disk
        self.plain = plain
        self.files: dict[int, str] = {}
        self.methods: dict[int, _Methods] = {}
        self.vfs = _Vfs()
        ctypes.memmove(byref(self.vfs), byref(plain), ctypes.sizeof(_Vfs))
        self.vfs.zName = b"engine-failing-disk"
        self.vfs.xOpen = _Open(self.open)
        self.vfs.xDelete = _Delete(self.delete)
        self.vfs.xAccess = _Access(self.access)

    def open(self, vfs: object, name: int, file: int, flags: int, out: int) -> int:
        kind = "temp"
        for word, bits in (("main", _MAIN), ("journal", _JOURNAL), ("wal", _WAL)):
            if flags & bits:
                kind = word
        head = cast(file, POINTER(c_void_p))
        head[0] = None  # SQLite closes what has methods
        if code := self.disk.refuse("open", kind):
            return code
        code = int(self.plain.xOpen(byref(self.vfs), name, file, flags, out))
        methods = head[0]
        if code == 0 and methods:
            self.files[file] = kind
            head[0] = ctypes.addressof(self.wrapped(methods))
        return code

    def delete(self, vfs: object, name: bytes, sync: int) -> int:
        return self.disk.refuse("delete", _named(name)) or int(self.plain.xDelete(byref(self.vfs), name, sync))

    def access(self, vfs: object, name: bytes, flags: int, out: int) -> int:
        return self.disk.refuse("access", _named(name)) or int(self.plain.xAccess(byref(self.vfs), name, flags, out))

    def wrapped(self, address: int) -> _Methods:
        """Return the methods at `address`, each asking the disk first; made once."""
        if address not in self.methods:
            plain = cast(address, POINTER(_Methods)).contents
            self.methods[address] = self.wrap(plain)
        return self.methods[address]

    def wrap(self, plain: _Methods) -> _Methods:
        made = _Methods()
        ctypes.memmove(byref(made), byref(plain), ctypes.sizeof(_Methods))
        disk, files = self.disk, self.files

        def read(file: int, data: int, size: int, offset: int) -> int:
            return disk.refuse("read", files[file]) or int(plain.xRead(file, data, size, offset))

        def write(file: int, data: int, size: int, offset: int) -> int:
            code = disk.refuse("write", files[file], offset + size)
            if code and disk.torn:
                plain.xWrite(file, data, size // 2, offset)
            return code or int(plain.xWrite(file, data, size, offset))

        def truncate(file: int, size: int) -> int:
            return disk.refuse("truncate", files[file]) or int(plain.xTruncate(file, size))

        def sync(file: int, flags: int) -> int:
            # The process lives and sees what it wrote, synced or not: a real sync would only take time.
            return disk.refuse("sync", files[file])

        def length(file: int, size: object) -> int:
            return disk.refuse("size", files[file]) or int(plain.xFileSize(file, size))

        def lock(file: int, level: int) -> int:
            return disk.refuse("lock", files[file]) or int(plain.xLock(file, level))

        def shared(file: int, page: int, size: int, extend: int, out: int) -> int:
            return disk.refuse("shared", files[file]) or int(plain.xShmMap(file, page, size, extend, out))

        made.xRead, made.xWrite = _Transfer(read), _Transfer(write)
        made.xTruncate, made.xSync, made.xFileSize = _Number(truncate), _Flag(sync), _Size(length)
        made.xLock = _Flag(lock)
        if plain.xShmMap:
            made.xShmMap = _Map(shared)
        return made


def _named(name: bytes) -> str:
    return "journal" if name.endswith(b"-journal") else "wal" if name.endswith((b"-wal", b"-shm")) else "main"
