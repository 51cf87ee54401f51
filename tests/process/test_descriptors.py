from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from server.process.descriptors import allow_descriptors


def test_a_process_gets_all_file_descriptors_that_it_may_have() -> None:
    code = (
        "import resource; from server.process.descriptors import allow_descriptors;"
        "_, hard = resource.getrlimit(resource.RLIMIT_NOFILE); resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard));"
        "allow_descriptors(1); print(resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_too_few_are_told_of_with_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        assert allow_descriptors(1)
        assert not caplog.records
        assert before[1] == resource.RLIM_INFINITY or not allow_descriptors(before[1])
        assert before[1] == resource.RLIM_INFINITY or "lower --max-connections" in caplog.text
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
