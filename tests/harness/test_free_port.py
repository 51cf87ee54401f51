from __future__ import annotations

import subprocess
import sys

from harness.free_port import free_port

SOME = 200


def test_no_port_is_given_twice_to_this_process_or_to_another_while_it_runs() -> None:
    program = f"from harness.free_port import free_port\nprint(*(free_port() for _ in range({SOME})))\ninput()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=-1, stdout=-1, text=True) as other:
        assert other.stdin
        assert other.stdout
        theirs = {int(port) for port in other.stdout.readline().split()}
        ours = {free_port() for _ in range(SOME)}
        other.stdin.close()
    assert len(theirs) == len(ours) == SOME
    assert not theirs & ours
