"""Frozen values that every floor above speaks in: state, changes, plan. No I/O."""
