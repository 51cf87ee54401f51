"""Builds logs_target.cpp and traces_target.cpp with sanitizers, with libFuzzer where that is installed, and runs it.

Only the standard library: ``tests/fuzz/run`` works without the virtual environment.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness.cache import cached
from server.codec.signals import Signal

from .rules import program_header

__all__ = [
    "CORPORA",
    "FAILURES",
    "MAX_LENGTH",
    "Compiler",
    "CompilerMissingError",
    "Outcome",
    "Target",
    "build",
    "corpus_files",
    "find_compiler",
    "install_clang",
]

_HERE = Path(__file__).resolve().parent
_NATIVE = _HERE.parents[1] / "server" / "codec" / "native"
_SHARED = _HERE.parents[1] / "server" / "notary" / "native"  # headers

CORPORA = {Signal.LOGS: _HERE / "corpus", Signal.TRACES: _HERE / "corpus_traces"}
FAILURES = _HERE / "failures"
_TARGETS = {Signal.LOGS: _HERE / "logs_target.cpp", Signal.TRACES: _HERE / "traces_target.cpp"}
MAX_LENGTH = 4096
"""Bytes of an input: enough for every kind of field, and for messages nested too deeply."""

_FLAGS = ("-std=c++17", "-O1", "-g1", "-fno-omit-frame-pointer", "-fno-sanitize-recover=all")
_SANITIZERS = "-fsanitize=address,undefined"
# Clang also looks for numbers that change when they are converted or overflow. A varint loses its bits
# beyond 64 on purpose.
_CLANG_SANITIZERS = "-fsanitize=address,undefined,integer"
_IGNORED = _HERE / "ignorelist.txt"
_CLANG_FLAGS = ("-fno-sanitize=unsigned-shift-base", f"-fsanitize-ignorelist={_IGNORED}")
_ENVIRONMENT = {
    "ASAN_OPTIONS": "quarantine_size_mb=16:detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}
_LIBCRYPTO_PROBE = "#include <openssl/sha.h>\nint main() { SHA256_CTX c; return SHA256_Init(&c) == 0; }\n"
_FUZZER_PROBE = '#include <string>\nextern "C" int LLVMFuzzerTestOneInput(const unsigned char*, size_t) { return 0; }\n'
_SANITIZER_PROBE = "#include <string>\nint main() { return 0; }\n"


class CompilerMissingError(RuntimeError):
    """No compiler that has the sanitizers; says what was looked for."""


@dataclass(frozen=True)
class Compiler:
    """A C++ compiler with sanitizers: Clang with libFuzzer, or any without it."""

    path: str
    libfuzzer: bool

    @property
    def name(self) -> str:
        """Name of the build, for messages."""
        path = Path(self.path).name
        return f"libFuzzer ({path})" if self.libfuzzer else f"the standalone runner without coverage guidance ({path})"


def find_compiler() -> Compiler:
    """Return Clang with libFuzzer where that is installed, else another compiler with sanitizers.

    CXX_FUZZ names the only one to try.

    Raises:
        CompilerMissingError: there is none.
    """
    chosen = os.environ.get("CXX_FUZZ")
    names = [chosen] if chosen else ["clang++", *(f"clang++-{version}" for version in range(24, 13, -1)), "g++"]
    found = [path for name in names if (path := shutil.which(name))]
    for path in found:
        if _links(path, _FUZZER_PROBE, "-fsanitize=fuzzer,address,undefined"):
            return Compiler(path, libfuzzer=True)
    for path in reversed(found):  # g++ before a Clang without libFuzzer
        if _links(path, _SANITIZER_PROBE, _SANITIZERS):
            return Compiler(path, libfuzzer=False)
    raise CompilerMissingError(f"none of {', '.join(names)} is installed and can link {_SANITIZERS}")


def _links(compiler: str, source: str, *flags: str) -> bool:
    command = [compiler, "-std=c++17", "-x", "c++", "-", "-o", os.devnull, *flags]
    return subprocess.run(command, input=source, text=True, capture_output=True, check=False).returncode == 0


def install_clang() -> None:
    """Install Clang and its runtime libraries, where apt-get does so (14 MB for Debian 12, 20 seconds).

    Raises:
        subprocess.CalledProcessError: apt-get fails.
    """
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=environment, check=True, stdout=subprocess.DEVNULL)
    shown = subprocess.run(["apt-cache", "depends", "clang"], capture_output=True, text=True, check=True).stdout
    version = match[1] if (match := re.search(r"Depends: clang-(\d+)", shown)) else "14"
    packages = [f"clang-{version}", f"libclang-rt-{version}-dev"]
    command = ["apt-get", "install", "-qq", "--yes", "--no-install-recommends", *packages]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)


@dataclass(frozen=True)
class Outcome:
    """End of a run.

    Attributes:
        ok: nothing was found.
        output: all that was printed.
    """

    ok: bool
    output: str


@dataclass(frozen=True)
class Target:
    """The target, built."""

    compiler: Compiler
    path: Path

    def replay_command(self, files: Sequence[str]) -> list[str]:
        """Return what runs the target over files, in their order."""
        if self.compiler.libfuzzer:
            return [str(self.path), "-rss_limit_mb=2048", "-timeout=25", "-detect_leaks=0", *files]
        return [str(self.path), "0", "1", str(MAX_LENGTH), "", *files]

    def replay(self, files: Sequence[Path]) -> Outcome:
        """Run files, in their order."""
        return self.run(self.replay_command([str(file) for file in files]))

    def run(self, command: Sequence[str], *, show: bool = False, **variables: str) -> Outcome:
        """Run a command of this target; ``show`` lets it print as it goes instead of returning its output."""
        environment = {**_ENVIRONMENT, **variables, **os.environ, "FUZZ_FAILURES": str(FAILURES)}
        result = subprocess.run(
            command,
            env=environment,
            stdout=None if show else subprocess.PIPE,
            stderr=None if show else subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        return Outcome(result.returncode == 0, result.stdout or "")


def corpus_files(signal: Signal = Signal.LOGS) -> list[Path]:
    """Return the files of a corpus, in order."""
    return sorted(path for path in CORPORA[signal].iterdir() if path.is_file())


def build(compiler: Compiler, signal: Signal) -> Target:
    """Return the fuzzing target of a signal, built from source or, if no source has changed, from the cache.

    Raises:
        subprocess.CalledProcessError: it does not compile.
    """
    sources = sorted(_NATIVE.glob("*.cpp"))
    if compiler.libfuzzer:
        flags = [*_FLAGS, _CLANG_SANITIZERS + ",fuzzer", *_CLANG_FLAGS, f"-I{_NATIVE}", f"-I{_SHARED}"]
    else:
        flags = [*_FLAGS, _SANITIZERS, f"-I{_NATIVE}", f"-I{_SHARED}"]
        sources.append(_HERE / "standalone.cpp")
    libraries = []
    if _links(compiler.path, _LIBCRYPTO_PROBE, "-lcrypto"):
        flags.append("-DLOGNOTARY_LIBCRYPTO=1")
        libraries.append("-lcrypto")
    command = [compiler.path, *flags]

    version = subprocess.run([compiler.path, "--version"], capture_output=True, check=True).stdout
    digest = hashlib.sha256(version + "\0".join((*command, *libraries)).encode())
    headers = [path for folder in (_NATIVE, _SHARED, _HERE) for path in sorted(folder.glob("*.hpp"))]
    for path in (*sources, *_TARGETS.values(), *headers, _IGNORED):
        digest.update(b"%b\0%d\0" % (path.name.encode(), path.stat().st_size) + path.read_bytes())
    digest.update(program_header().encode())
    make = partial(_compile, command, sources, libraries)
    return Target(compiler, cached(f"fuzz-{digest.hexdigest()[:16]}", make) / signal.value)


def _compile(command: list[str], sources: list[Path], libraries: list[str], folder: Path) -> None:
    header = folder / "rules_program.hpp"
    header.write_text(program_header(), encoding="ascii")

    def compile_one(source: Path) -> str:
        to = str(folder / f"{source.stem}.o")
        subprocess.run([*command, f"-I{folder}", "-c", str(source), "-o", to], check=True)
        return to

    with ThreadPoolExecutor(max(2, os.cpu_count() or 1)) as pool:
        targets = list(pool.map(compile_one, _TARGETS.values()))
        shared = list(pool.map(compile_one, sources))
    for signal, target in zip(_TARGETS, targets, strict=True):
        subprocess.run([*command, target, *shared, *libraries, "-o", str(folder / signal.value)], check=True)
    for path in (*targets, *shared, str(header)):
        Path(path).unlink()
