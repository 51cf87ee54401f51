from __future__ import annotations

from tests.tamper.store import AUDIT, OPERATIONAL, Store


def test_an_untouched_store_gives_no_finding(store: Store) -> None:
    assert store.findings() == []


def test_an_untouched_store_gives_no_finding_against_any_of_its_checkpoints(store: Store) -> None:
    checkpoints = [batch.checkpoint for name in (AUDIT, OPERATIONAL) for batch in store.batches[name]]
    assert store.findings(*checkpoints) == []
