"""Freed memory stays with the process, so that the next request does not ask the kernel for it again."""

from __future__ import annotations

import platform
import subprocess
import sys

from harness.lacking import lacking

_COUNT_FAULTS = """
import resource
from server.process.allocator import keep_freed_memory
{before}
def use():
    [bytearray(2 << 20) for _ in range(16)]
use()
use()
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults)
"""


def page_faults(before: str) -> int:
    source = _COUNT_FAULTS.format(before=before)
    done = subprocess.run([sys.executable, "-c", source], check=True, capture_output=True, text=True)
    return int(done.stdout)


def test_memory_of_a_request_is_used_again_without_asking_the_kernel() -> None:
    if platform.libc_ver()[0] != "glibc":
        lacking("only the allocator of glibc is tuned")
    pages = 20 * 16 * (2 << 20) // 4096
    assert page_faults("") > pages / 2
    assert page_faults("assert keep_freed_memory()") < pages / 10
