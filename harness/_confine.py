"""Program that confines itself as the image and the systemd unit confine the server, and then runs a command.

``unshare --mount --propagation private python _confine.py UNIT ROOT WRITABLE READABLE… -- COMMAND…``, as root. It is a
program rather than a ``preexec_fn`` because running Python between fork and exec can deadlock a parent with threads.
"""

import ctypes
import errno
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_USER = 10001  # of the image
_SYSTEM = ("bin", "lib", "lib64", "sbin", "usr", "etc")
_DEVICES = ("null", "zero", "full", "random", "urandom")
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_REMOUNT, _MS_BIND, _MS_REC = 1, 2, 4, 32, 4096, 16384
_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 24, 38
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000  # actions of libseccomp: allow; fail with the error that is added
_MASKED_EQ, _EQ = 7, 4  # comparisons of libseccomp
_PROT_WRITE, _PROT_EXEC = 2, 4


class _Argument(ctypes.Structure):
    """``struct scmp_arg_cmp``."""

    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    )


_libc = ctypes.CDLL(None, use_errno=True)
_seccomp = ctypes.CDLL("libseccomp.so.2", use_errno=True)
_seccomp.seccomp_init.restype = ctypes.c_void_p


def _checked(result: int, what: str) -> None:
    if result < 0:
        sys.exit(f"{what}: {os.strerror(ctypes.get_errno() or -result)}")


def _mount(source: Path | str, target: Path, flags: int, kind: str = "none", options: str = "") -> None:
    arguments = (str(source).encode(), str(target).encode(), kind.encode(), flags, options.encode())
    _checked(_libc.mount(*arguments), f"mount {source} at {target}")


def _bind(source: Path, root: Path, *, read_only: bool) -> None:
    """Show a file or directory at the same path below another root."""
    target = root / source.relative_to("/")
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.touch()
    _mount(source, target, _MS_BIND)
    if read_only:
        _mount(source, target, _MS_BIND | _MS_REMOUNT | _MS_RDONLY | _MS_NOSUID)


def _new_root(root: Path, writable: Path, readable: list[Path]) -> None:
    """Mount a read-only root in which only ``/tmp`` and one directory can be written."""
    _mount("tmpfs", root, _MS_NOSUID | _MS_NODEV, "tmpfs", "mode=755")
    for name in _SYSTEM:
        system = Path("/", name)
        if system.is_symlink():
            (root / name).symlink_to(system.readlink())
        elif system.exists():
            _bind(system, root, read_only=True)
    (root / "dev").mkdir()
    for name in _DEVICES:
        _bind(Path("/dev", name), root, read_only=False)
    for name in ("proc", "sys"):
        (root / name).mkdir()
        _mount(Path("/", name), root / name, _MS_BIND | _MS_REC)
    (root / "tmp").mkdir()
    _mount("tmpfs", root / "tmp", _MS_NOSUID | _MS_NODEV, "tmpfs", "mode=1777")
    for directory in readable:
        _bind(directory, root, read_only=True)
    _bind(writable, root, read_only=False)
    _mount("tmpfs", root, _MS_REMOUNT | _MS_RDONLY | _MS_NOSUID | _MS_NODEV, "tmpfs", "mode=755")


def _values(unit: str, name: str) -> list[list[str]]:
    return [line.split() for line in re.findall(rf"^{name}=(.*)$", unit, re.MULTILINE)]


def _calls(group: str) -> Iterator[str]:
    """Return the system calls of a group of systemd."""
    if not group.startswith("@"):
        yield group
        return
    listed = subprocess.run(
        ["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True
    ).stdout.splitlines()[1:]
    for name in map(str.strip, listed):
        if name and not name.startswith("#"):
            yield from _calls(name)


def _allowed_calls(unit: str) -> set[str]:
    allowed = set(_calls("@default"))  # which systemd adds to every list of allowed calls
    for names in _values(unit, "SystemCallFilter"):
        if names[0].startswith("~"):
            allowed -= {call for name in names for call in _calls(name.removeprefix("~"))}
        else:
            allowed |= {call for name in names for call in _calls(name)}
    return allowed


def _refuse(context: ctypes.c_void_p, call: str, error: int, *arguments: _Argument) -> None:
    number = _seccomp.seccomp_syscall_resolve_name(call.encode())
    array = (_Argument * len(arguments))(*arguments)
    _checked(_seccomp.seccomp_rule_add_array(context, _REFUSE | error, number, len(arguments), array), call)


def _filter_calls(allowed: set[str]) -> None:
    context = ctypes.c_void_p(_seccomp.seccomp_init(_REFUSE | errno.EPERM))
    for name in sorted(allowed):
        number = _seccomp.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:  # it exists on this architecture
            _checked(_seccomp.seccomp_rule_add_array(context, _ALLOW, number, 0, None), name)
    _checked(_seccomp.seccomp_load(context), "the filter of system calls")


def _filter_arguments(unit: str) -> None:
    context = ctypes.c_void_p(_seccomp.seccomp_init(_ALLOW))
    if _values(unit, "MemoryDenyWriteExecute") == [["yes"]]:
        both = _PROT_WRITE | _PROT_EXEC
        _refuse(context, "mmap", errno.EPERM, _Argument(2, _MASKED_EQ, both, both))
        for call in ("mprotect", "pkey_mprotect"):
            _refuse(context, call, errno.EPERM, _Argument(2, _MASKED_EQ, _PROT_EXEC, _PROT_EXEC))
    [families] = _values(unit, "RestrictAddressFamilies")
    permitted = {getattr(socket, name).value for name in families}
    for family in set(range(64)) - permitted:
        _refuse(context, "socket", errno.EAFNOSUPPORT, _Argument(0, _EQ, family, 0))
    _checked(_seccomp.seccomp_load(context), "the filter of arguments")


def _drop_privileges() -> None:
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text(encoding="ascii"))
    for capability in range(last + 1):
        _checked(_libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0), "capabilities")
    os.setgroups([])
    os.setresgid(_USER, _USER, _USER)
    os.setresuid(_USER, _USER, _USER)
    _checked(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # forgotten when the user changed


def main() -> None:
    """Confine this process, and run the command in it."""
    end = sys.argv.index("--")
    unit_file, root, writable, *readable = map(Path, sys.argv[1:end])
    command = sys.argv[end + 1 :]
    unit = unit_file.read_text(encoding="utf-8")
    allowed = _allowed_calls(unit)
    here = Path.cwd()
    os.umask(0o077)
    for path in (writable, *writable.rglob("*")):
        os.lchown(path, _USER, _USER)
    os.umask(0o022)
    _new_root(root, writable, readable)
    os.umask(0o077)
    os.chroot(root)
    os.chdir(here)
    _drop_privileges()
    _filter_arguments(unit)
    _filter_calls(allowed)
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
