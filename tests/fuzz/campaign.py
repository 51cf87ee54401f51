"""Looks for inputs that break the compiled codec: ``tests/fuzz/run``."""

# ruff: noqa: T201 - it is a command

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from server.codec.signals import Signal
from tests.fuzz.target import (
    CORPORA,
    FAILURES,
    MAX_LENGTH,
    CompilerMissingError,
    Target,
    build,
    corpus_files,
    find_compiler,
    install_clang,
)

_DICTIONARY = Path(__file__).with_name("codec.dict")
_SHA1_DIGITS = 40
# Three times as fast as with use after return, which whoever runs files looks for.
_FASTER = "quarantine_size_mb=16:detect_stack_use_after_return=0:strict_string_checks=1"
_MOST_FOUND = 30  # inputs in the corpus that fuzzing found: the tests run all of it


def main() -> int:
    """Run the campaign; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="tests/fuzz/run",
        description="Fuzz the compiled OTLP codec with sanitizers, from the inputs in tests/fuzz/corpus, or those in "
        "corpus_traces.",
        epilog="Exit code 1: an input was found that breaks it; it is in tests/fuzz/failures. CXX_FUZZ=... names "
        "the compiler. With CI=true, Clang is installed where apt-get can do it.",
    )
    parser.add_argument("--seconds", type=int, default=60, help="how long to look (default: %(default)s)")
    parser.add_argument(
        "--signal",
        type=Signal,
        choices=list(Signal),
        default=Signal.LOGS,
        metavar="|".join(signal.value for signal in Signal),
        help="whose requests to try (default: logs)",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the mutations (default: from the clock)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep new inputs here, and start from those there")
    parser.add_argument(
        "--merge",
        action="store_true",
        help="choose the found inputs of the corpus anew, from "
        "themselves and --keep: the fewest that reach what the others of the corpus do not",
    )
    parser.add_argument("files", nargs="*", type=Path, help="run these files only, in their order")
    arguments = parser.parse_args()

    if os.environ.get("CI") == "true":
        _have_libfuzzer()
    try:
        compiler = find_compiler()
    except CompilerMissingError as error:
        print(f"tests/fuzz/run: {error}", file=sys.stderr)
        return 2
    print(f"tests/fuzz/run: building for {compiler.name}", flush=True)
    signal = arguments.signal
    target = build(compiler, signal)
    if arguments.files:
        return 0 if target.run(target.replay_command([str(path) for path in arguments.files]), show=True).ok else 1
    FAILURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lognotary-fuzz-") as scratch:
        found = arguments.keep or Path(scratch)
        found.mkdir(parents=True, exist_ok=True)
        if arguments.merge:
            return _merge(target, signal, found)
        return _fuzz(target, signal, arguments.seconds, arguments.seed, found)


def _fuzz(target: Target, signal: Signal, seconds: int, seed: int, found: Path) -> int:
    end = time.monotonic() + seconds
    before = set(FAILURES.iterdir())
    while (left := round(end - time.monotonic())) > 0:
        command = _command(target, signal, left, seed, found)
        print(f"tests/fuzz/run: {shlex.join(command[:8])} ...", flush=True)
        if target.run(command, show=True, ASAN_OPTIONS=_FASTER).ok:
            break
        new = sorted(set(FAILURES.iterdir()) - before)
        if not new or not all(path.name.startswith("timeout-") and target.replay([path]).ok for path in new):
            _explain(new, signal)
            return 1
        print("tests/fuzz/run: not counted as found: a timeout that does not come again for its input", flush=True)
        for path in new:
            path.unlink()
    print(f"tests/fuzz/run: nothing found in {seconds} s with {target.compiler.name}")
    return 0


def _have_libfuzzer() -> None:
    """Install Clang where it is missing and can be; say so where not."""
    try:
        if find_compiler().libfuzzer:
            return
    except CompilerMissingError:
        pass
    if os.geteuid() == 0:
        try:
            install_clang()
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"tests/fuzz/run: Clang cannot be installed ({error}): without libFuzzer then", flush=True)
    else:
        print("tests/fuzz/run: Clang is missing and only root can install it: without libFuzzer then", flush=True)


def _command(target: Target, signal: Signal, seconds: int, seed: int, found: Path) -> list[str]:
    if not target.compiler.libfuzzer:
        candidate = FAILURES / f"crash-standalone-{os.getpid()}"
        files = [str(path) for path in (*corpus_files(signal), *sorted(found.iterdir()))]
        return [str(target.path), str(seconds), str(seed), str(MAX_LENGTH), str(candidate), *files]
    return [
        str(target.path),
        f"-max_total_time={seconds}",
        f"-seed={seed}",
        f"-max_len={MAX_LENGTH}",
        "-rss_limit_mb=2048",
        "-timeout=25",
        "-detect_leaks=0",  # ten times as fast; whoever runs files looks for leaks, as the tests do with the corpus
        "-print_final_stats=1",
        f"-dict={_DICTIONARY}",
        f"-artifact_prefix={FAILURES}/",
        str(found),
        str(CORPORA[signal]),
    ]


def _merge(target: Target, signal: Signal, found: Path) -> int:
    if not target.compiler.libfuzzer:
        print("tests/fuzz/run: only libFuzzer can merge", file=sys.stderr)
        return 2
    for path in corpus_files(signal):
        if len(path.name) == _SHA1_DIGITS:  # as libFuzzer names what it finds
            shutil.move(path, found / path.name)
    control = found / "merge-control"
    options = ["-merge=1", "-set_cover_merge=1", f"-merge_control_file={control}", f"-max_len={MAX_LENGTH}"]
    # Not how often an edge is taken, only whether: else every input is one of its own kind.
    with tempfile.TemporaryDirectory() as unused:
        shutil.copytree(CORPORA[signal], unused, dirs_exist_ok=True)
        if not target.run([str(target.path), *options, "-use_counters=0", unused, str(found)], show=True).ok:
            return 1
    for path in _chosen(control.read_text(encoding="utf-8").splitlines()):
        shutil.copy(path, CORPORA[signal] / path.name)
    control.unlink()
    return 0


def _chosen(control: list[str]) -> list[Path]:
    """Return the inputs that add most to what the first folder reaches, at each step that which adds most.

    Args:
        control: libFuzzer's file: the number of inputs, of those in the first folder, their paths, and for each
            a line with what it reaches.
    """
    inputs, first = int(control[0]), int(control[1])
    paths = [Path(line) for line in control[2 : 2 + inputs]]
    reached: set[str] = set()
    others: dict[Path, set[str]] = {}
    for line in control[2 + inputs :]:
        kind, number, *features = line.split()
        if kind == "FT" and int(number) < first:
            reached.update(features)
        elif kind == "FT":
            others[paths[int(number)]] = set(features)
    chosen: list[Path] = []
    while others and len(chosen) < _MOST_FOUND:
        best = max(others, key=lambda path: (len(others[path] - reached), -path.stat().st_size, path.name))
        if others[best] <= reached:
            break
        reached |= others.pop(best)
        chosen.append(best)
    print(f"tests/fuzz/run: {len(chosen)} inputs chosen, each for what the others do not reach")
    return chosen


def _explain(new: list[Path], signal: Signal) -> None:
    print("\ntests/fuzz/run: FOUND an input that breaks the compiled codec; what is wrong is printed above.")
    command = f"tests/fuzz/run --signal {signal.value}"
    inputs = [path for path in new if not path.name.startswith("earlier-")]
    for path in inputs:
        print(f"  Reproduce: {command} {os.path.relpath(path)}")
    earlier = sorted(FAILURES.glob("earlier-*"))
    if earlier and inputs:
        names = " ".join(os.path.relpath(path) for path in (*earlier, *inputs))
        print(f"  With the requests before it, where it depends on them: {command} {names}")
    if not inputs:
        print(f"  No input was kept in {FAILURES}: the memory limit, a leak at the end, or a failure to start")


if __name__ == "__main__":
    sys.exit(main())
