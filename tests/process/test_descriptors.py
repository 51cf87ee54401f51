from __future__ import annotations

import subprocess
import sys

import pytest


def run_with_limits(soft: int, hard: int, code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process whose limits are lowered first, as every process may do."""
    before = (
        "import logging, resource, sys; logging.basicConfig(format='%(message)s');"
        "from server.process.descriptors import allow_descriptors;"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}));"
    )
    return subprocess.run([sys.executable, "-c", before + code], capture_output=True, text=True, check=True)


def test_a_process_gets_all_file_descriptors_that_it_may_have() -> None:
    code = "allow_descriptors(1); print(resource.getrlimit(resource.RLIMIT_NOFILE))"
    assert run_with_limits(64, 512, code).stdout == "(512, 512)\n"


@pytest.mark.parametrize(("connections", "enough"), [(1, True), (256, True), (257, False), (100_000, False)])
def test_too_few_are_told_of_with_what_to_do(connections: int, enough: bool) -> None:
    done = run_with_limits(64, 512, f"print(allow_descriptors({connections}))")
    assert done.stdout == f"{enough}\n"
    assert (done.stderr == "") == enough
    if not enough:
        assert f"{connections} connections need {connections + 256} file descriptors" in done.stderr
        assert "this process may open only 512: raise the limit" in done.stderr
        assert "lower --max-connections" in done.stderr
