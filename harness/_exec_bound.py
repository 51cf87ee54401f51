"""Launcher that execs a command bound to die with its parent process.

``python _exec_bound.py PARENT_PID COMMAND...``: the kernel's parent-death signal survives ``exec``, so even a
program that knows nothing of it cannot outlive a test run that was killed. It is a program rather than a
``preexec_fn`` because running Python between fork and exec can deadlock a parent that has threads.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Request the signal, then check that the parent had not exited before the request."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the process that asked for this command has gone")
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
