"""What the dialects share: all that does not hang on one database. It imports no dialect."""
