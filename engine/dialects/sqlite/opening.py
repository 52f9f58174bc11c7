"""How a database file is opened: so that reading leaves no trace, and not over a network."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from engine.errors import DatabaseError

MEMORY = ":memory:"
_NETWORK = frozenset(
    "nfs nfs4 cifs smb smb2 smb3 smbfs 9p afs ceph lustre beegfs glusterfs davfs "
    "fuse.sshfs fuse.glusterfs fuse.ceph fuse.s3fs fuse.rclone fuse.davfs2".split()
)


def uris(path: str, read_only: bool) -> tuple[str, ...]:
    """Return the URIs to try, in order, for the file at `path`.

    To read, `mode=ro` is not always the quieter way: alone on a WAL database
    it leaves `-wal` and `-shm` behind, and it can't play back the journal of a
    crash. Where file and folder can be written, `mode=rw` with
    `query_only` reads just as well and cleans up after itself. `immutable` is
    for a WAL database in a folder that can't be written, where nobody writes; it reads past a journal and a WAL,
    so it is no way where a crash left one that is needed.
    """
    file = "file:" + quote(os.path.abspath(path))
    if not read_only:
        return (f"{file}?mode=rwc",)
    if Path(f"{path}-wal").exists() and Path(f"{path}-shm").exists():
        return (f"{file}?mode=ro", f"{file}?mode=rw")
    if may(path, os.W_OK) and may(Path(os.path.abspath(path)).parent, os.W_OK):
        return (f"{file}?mode=rw", f"{file}?mode=ro")
    if any(_holds_something(f"{path}{suffix}") for suffix in ("-wal", "-journal")):
        return (f"{file}?mode=ro",)
    return (f"{file}?mode=ro", f"{file}?mode=ro&immutable=1")


def may(path: str | os.PathLike[str], right: int) -> bool:
    """Tell whether this process may do it: by the rights that it acts with, where the system tells them apart."""
    return os.access(path, right, effective_ids=os.access in os.supports_effective_ids)


def missing(path: str) -> bool:
    """Tell whether there is no such file; one that can't be looked at may be there."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _holds_something(path: str) -> bool:
    try:
        return os.path.getsize(path) > 0
    except OSError:
        return False


def refuse_network(path: str, mounts: str | None = None) -> None:
    """Stop where `path` lies on a file system whose locks can't be trusted.

    Args:
        path: of the database.
        mounts: text of `/proc/mounts`; read from there if None.

    Raises:
        DatabaseError: names the mount and the way out.
    """
    if mounts is None:
        try:
            mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return  # not Linux: nothing is known
    place = os.path.realpath(path)
    best, kind = "", ""
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        mount = fields[1].replace("\\040", " ")
        if len(mount) >= len(best) and (place == mount or place.startswith(mount.rstrip("/") + "/")):
            best, kind = mount, fields[2]
    # A root of type 9p is a container's own disk, not a share.
    if kind in _NETWORK and best != "/":
        raise DatabaseError(
            f"{path} lies on a network file system ({kind}, mounted at {best}), where SQLite's locks can't be trusted",
            "copy the database to a local disk with `VACUUM INTO`, migrate it there, and copy it back",
            kept="nothing was done",
            details={"reason": "network"},
        )
