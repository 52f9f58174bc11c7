"""A PostgreSQL for the tests here, where there is one."""

from __future__ import annotations

from tests.postgres.conftest import shared as postgres

__all__ = ["postgres"]
