from __future__ import annotations

import pytest
from run_samples import ROWS, Database, plan

from engine.run.executor import apply
from engine.run.rollback import rollback, stored_plan


@pytest.mark.parametrize("single", [True, False])
def test_applies_and_takes_back_everything(db: Database, single: bool) -> None:
    before = db.content()
    with db.ledger.lock("apply"):
        result = apply(db.driver, db.ledger, plan(single=single))
    assert (result.state, result.error) == ("applied", None)
    by_step = {s.step: s for s in result.steps}
    assert (by_step["2-copy"].rows_selected, by_step["2-copy"].rows_written) == (ROWS, ROWS)
    assert by_step["2-copy"].batches == 7
    assert by_step["3-update"].rows_written == ROWS
    assert db.one("SELECT count(*) FROM notes") == ROWS
    assert db.one("SELECT count(*) FROM items WHERE title = upper(title)") == ROWS
    record = db.ledger.record("001")
    assert record is not None and record.applied and record.state == "applied" and record.number == 1

    with db.ledger.lock("rollback"):
        result = rollback(db.driver, db.ledger, stored_plan(db.ledger, "001"))
    assert (result.state, result.error) == ("rolled_back", None)
    assert db.content() == before
    assert "engine_undo_1" not in db.engine_tables()
    record = db.ledger.record("001")
    assert record is not None and not record.applied and record.state == "rolled_back" and record.rolled_back_at
    assert db.ledger.progress("001", "apply") == db.ledger.progress("001", "rollback") == ()
