"""MariaDB 10.6 and later: planning (pure), and what acts on a server (`driver`, `ledger`)."""
