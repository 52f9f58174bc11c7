"""Migrations as YAML: planned, applied in resumable batches, taken back to the byte.

from engine import MigrationManager
manager = MigrationManager("app.db", specs="specs")
manager.migrate_to_latest()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.manager import MigrationManager
    from engine.migration import BaseMigration, MigrationProtocol

__version__ = "0.1.0"
__all__ = ["BaseMigration", "MigrationManager", "MigrationProtocol", "__version__"]


def __getattr__(name: str) -> Any:
    # Imported when asked for: `engine --help` and `status` stay quick.
    if name == "MigrationManager":
        from engine.manager import MigrationManager

        return MigrationManager
    if name in ("BaseMigration", "MigrationProtocol"):
        from engine import migration

        return getattr(migration, name)
    raise AttributeError(f"module 'engine' has no attribute {name!r}")
