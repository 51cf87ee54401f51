from __future__ import annotations

import pytest

from server.notary.findings import Finding, FindingKind
from server.process.finding_log import FoundOverApi
from server.process.metrics import Metrics


def test_a_finding_of_a_call_is_logged_with_its_log_and_record_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    now, metrics = 0.0, Metrics()
    found = FoundOverApi(metrics, lambda: now)
    for leaf in (7, 8, 9):
        found(Finding(FindingKind.RECORD_CHANGED, "it was\x1b[2J changed", origin="shop/audit/a", leaf_index=leaf))
    found(Finding(FindingKind.TABLE_ALTERED, "a table was altered"))
    now = 61.0
    found(Finding(FindingKind.RECORD_CHANGED, "again", origin="shop/audit/a", leaf_index=10))
    assert [record.getMessage() for record in caplog.records] == [
        "a verification over the API found RECORD_CHANGED in shop/audit/a#7: it was\\x1b[2J changed",
        "a verification over the API found TABLE_ALTERED: a table was altered",
        "a verification over the API found RECORD_CHANGED in shop/audit/a#10: again (2 more of this kind since the "
        "last line about it)",
    ]
    assert b'lognotary_findings_total{kind="RECORD_CHANGED"} 4.0' in metrics.expose()
