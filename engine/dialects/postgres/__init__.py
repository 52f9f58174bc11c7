"""PostgreSQL: the pure half plans, `driver.py` and `ledger.py` act."""
