from __future__ import annotations

import grpc
import pytest

from harness.otlp_load import Refusal
from server.admission.admission import Admission, AdmissionLimits
from server.errors.ingest import OverloadedError


def test_a_refusal_for_too_many_requests_sheds_load_and_others_do_not() -> None:
    admission = Admission(AdmissionLimits(1, 1 << 20, 1 << 20))
    with admission.admit("a", 1000), pytest.raises(OverloadedError) as refused, admission.admit("b", 1000):
        pass
    unavailable = grpc.StatusCode.UNAVAILABLE
    assert Refusal(unavailable, str(refused.value), 1.0).sheds_load
    assert not Refusal(unavailable, str(refused.value), None).sheds_load
    assert not Refusal(unavailable, "the server is waiting for storage", 1.0).sheds_load
