"""The explorer in a real browser: weight of its scripts, first page, interactions, and a trace of 10,000 entries.

Debian's Chromium opens pages of a real server. Durations of interactions are those of the Event Timing API: from the
key or click to the next frame. What a page waits for, such as the answer to a query, is measured beside it.
"""

from __future__ import annotations

import argparse
import gzip
import re
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page

from benchmarks.processes import lognotary, scratch
from benchmarks.report import Report, add_report_flags
from harness.browser import browser, tab
from harness.lognotary_server import LognotaryServer
from harness.shop_day import hostile_requests, long_trace, send_all, shop_day
from server.explorer.assets import built_files, read_built

__all__ = ["main"]

_HOUR = 3600 * 10**9  # nanoseconds
_FIRST_PAGE, _INTERACTION, _FRAME = 1000.0, 100.0, 1000 / 60  # milliseconds
_WEIGHT = 120.0  # kB
_PATIENCE = 300_000  # milliseconds
_OBSERVE = """
window.interactions = [];
window.longTasks = [];
new PerformanceObserver((list) => {
  for (const { interactionId, duration } of list.getEntries()) if (interactionId) window.interactions.push(duration);
}).observe({ type: "event", durationThreshold: 16, buffered: true });
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) window.longTasks.push(duration);
}).observe({ type: "longtask", buffered: true });
"""
_FRAMES = """
(count) => new Promise((resolve) => {
  const times = [];
  const scrolled = document.querySelector("%s");
  const next = (now) => {
    times.push(now);
    scrolled.scrollTop += 300;
    if (times.length > count) resolve(times.slice(1).map((time, at) => time - times[at]));
    else requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
})
"""
# From a click to the frame in which another number of records is shown, without the duration of the search itself.
_ANSWERED = """
(button) => new Promise((resolve) => {
  const shown = () => [...document.querySelectorAll("[role=status]")]
    .map(({ textContent }) => textContent).find((text) => /^[\\d,]+ records?$/.test(text));
  const before = shown();
  const began = performance.now();
  button.click();
  const look = (now) => {
    const asked = performance.getEntriesByType("resource")
      .filter(({ name, startTime }) => startTime >= began && name.includes("/api/v1/search?"));
    const rows = document.querySelector("tbody tr[aria-rowindex]");
    if (rows && asked.length && shown() && shown() !== before) {
      resolve(now - began - Math.max(...asked.map(({ duration }) => duration)));
    } else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})
"""


@dataclass(frozen=True, slots=True)
class _Stored:
    """ID of a long trace that the server has stored, and path of a record of 1.5 MB."""

    trace: str
    large: str


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    with scratch() as directory:
        _measure(options, directory).publish(options)


def _measure(options: argparse.Namespace, directory: Path) -> Report:
    report = Report.of("explorer", "the explorer in Chromium", options)
    with ExitStack() as stack:
        server = stack.enter_context(lognotary(f"chdb://{directory / 'chdb'}", directory))
        stored = _fill(server, options)
        chromium = stack.enter_context(browser())
        report.versions["chromium"] = chromium.version
        _weights(report, chromium, server)
        _first_page(report, chromium, server, options.rounds)
        _interactions(report, chromium, server, options.rounds)
        _long_trace(report, chromium, server, stored, options.rounds)
        _large_record(report, chromium, server, stored, options.rounds)
    return report


def _fill(server: LognotaryServer, options: argparse.Namespace) -> _Stored:
    now = time.time_ns()
    long = long_trace(now - _HOUR, options.entries)
    send_all(server.otlp_http, shop_day(now, logs=options.records).requests)
    send_all(server.otlp_http, long.requests)
    send_all(server.otlp_http, hostile_requests(now))
    fields = {"query": 'service:"<b>hostile</b>" xxxx*', "page_size": "1"}
    found = httpx.get(f"{server.http}/api/v1/search", params=fields, headers={"Host": "localhost"}, timeout=60)
    evidence = found.raise_for_status().json()["entries"][0]["log"]["evidence"]
    return _Stored(long.refund, f"/r/{evidence['logId']}/{evidence['leafIndex']}")


def _weights(report: Report, chromium: Browser, server: LognotaryServer) -> None:
    with tab(chromium) as opened:
        _open_search(opened.page, server)
        loaded = opened.page.evaluate(
            "performance.getEntriesByType('resource').filter(({name}) => name.endsWith('.js'))"
            ".reduce((sum, {encodedBodySize}) => sum + encodedBodySize, 0)"
        )
    built = read_built(built_files())
    scripts = [asset.content for name, asset in built.assets.items() if name.endswith(".js")] if built else []
    every = sum(len(gzip.compress(script, mtime=0)) for script in scripts)
    report.figure("scripts that the search loads, compressed", "kB", [loaded / 1000])
    report.figure("all scripts, also those that few load", "kB", [every / 1000])
    report.ratio(f"scripts that the search loads / {_WEIGHT:.0f} kB", [loaded / 1000], [_WEIGHT])


def _first_page(report: Report, chromium: Browser, server: LognotaryServer, rounds: int) -> None:
    shown, asked = [], []
    for _ in range(rounds):
        with tab(chromium) as opened:
            began = time.perf_counter()
            _open_search(opened.page, server)
            shown.append(1000 * (time.perf_counter() - began))
            durations = opened.page.evaluate(
                "performance.getEntriesByType('resource').filter(({name}) => name.includes('/api/v1/search'))"
                ".map(({duration}) => duration)"
            )
            asked.append(max(durations))
    report.figure("first page: rows shown", "ms", shown)
    report.figure("first page: of these, its slowest call", "ms", asked)
    report.ratio(f"first page / {_FIRST_PAGE:.0f} ms", shown, [_FIRST_PAGE] * rounds)


def _interactions(report: Report, chromium: Browser, server: LognotaryServer, rounds: int) -> None:
    every: dict[str, list[float]] = {"keys in the query": [], "next row": [], "record opened": [], "facet chosen": []}
    frames = []
    for _ in range(rounds):
        with tab(chromium) as opened:
            page = opened.page
            page.add_init_script(_OBSERVE)
            _open_search(page, server)
            page.keyboard.press("/")
            every["keys in the query"].append(_slowest(page, [*"severity:error pay"]))
            page.keyboard.press("Escape")
            _open_search(page, server)
            every["next row"].append(_slowest(page, ["j"] * 30))
            every["record opened"].append(_slowest(page, ["Enter", *["j"] * 10, "Escape"] * 2))
            frames.append(_frame(page, ".rows", 120))
            facet = page.get_by_role("button", name=re.compile(r"^failure [\d,]+")).element_handle(timeout=_PATIENCE)
            every["facet chosen"].append(float(page.evaluate(_ANSWERED, facet)))
    for what, slowest in every.items():
        until = "to its rows, without the query" if what == "facet chosen" else "slowest, to the next frame"
        report.figure(f"{what}: {until}", "ms", slowest)
        report.ratio(f"{what} / {_INTERACTION:.0f} ms", slowest, [_INTERACTION] * rounds)
    report.figure("scrolling through rows: frame, p95", "ms", frames)


def _long_trace(report: Report, chromium: Browser, server: LognotaryServer, stored: _Stored, rounds: int) -> None:
    first, frames, slowest = [], [], []
    for _ in range(rounds):
        with tab(chromium) as opened:
            page = opened.page
            page.add_init_script(_OBSERVE)
            began = time.perf_counter()
            page.goto(f"{server.http}/trace/{stored.trace}")
            page.locator("[role=treegrid] tbody tr[aria-rowindex]").first.wait_for(timeout=_PATIENCE)
            first.append(1000 * (time.perf_counter() - began))
            page.wait_for_load_state("networkidle", timeout=_PATIENCE)
            frames.append(_frame(page, ".waterfall", 120))
            slowest.append(_slowest(page, ["j"] * 20 + ["e"] * 5 + ["a"] * 3))
    report.figure("long trace: first rows shown", "ms", first)
    report.figure("long trace: scrolling, frame, p95", "ms", frames)
    report.ratio("long trace: frame, p95 / 16.7 ms", frames, [_FRAME] * rounds)
    report.figure("long trace: slowest key", "ms", slowest)


def _large_record(report: Report, chromium: Browser, server: LognotaryServer, stored: _Stored, rounds: int) -> None:
    longest = []
    for _ in range(rounds):
        with tab(chromium) as opened:
            opened.page.add_init_script(_OBSERVE)
            opened.page.goto(f"{server.http}{stored.large}")
            opened.page.get_by_label("Verdict").get_by_role("heading").wait_for(timeout=_PATIENCE)
            opened.page.wait_for_load_state("networkidle", timeout=_PATIENCE)
            longest.append(max(opened.page.evaluate("window.longTasks"), default=0.0))
    report.figure("record of 1.5 MB: longest task", "ms", longest)


def _open_search(page: Page, server: LognotaryServer) -> None:
    page.goto(f"{server.http}/?since=24h")
    page.get_by_role("table", name="Records").locator("tbody tr[aria-rowindex]").first.wait_for(timeout=_PATIENCE)


def _slowest(page: Page, keys: Sequence[str]) -> float:
    """Press keys as a person does, and return how long the slowest took to the next frame, in milliseconds."""
    page.evaluate("window.interactions.length = 0")
    for key in keys:
        page.keyboard.press(key)
        page.wait_for_timeout(80)
    page.wait_for_timeout(300)
    return float(max(page.evaluate("window.interactions"), default=0.0))  # below 16 ms, none is reported


def _frame(page: Page, scrolled: str, count: int) -> float:
    times: list[float] = sorted(page.evaluate(_FRAMES % scrolled, count))
    return times[int(len(times) * 0.95)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.explorer", description=__doc__)
    parser.add_argument("--records", type=int, default=20_000, help="logs that are stored (default: %(default)s)")
    parser.add_argument("--entries", type=int, default=10_000, help="entries of the long trace (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each measurement (default: %(default)s)")
    add_report_flags(parser)
    return parser


if __name__ == "__main__":
    main()
