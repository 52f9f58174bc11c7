"""One module per family of rules; each has `RULES`."""

from engine.lint.base import Rule, registry

__all__ = ["Rule", "registry"]
