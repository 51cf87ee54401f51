"""The tests that ``make test`` leaves out, and the smoke tests of them that it runs all the same.

A test of a second or two that needs no ClickHouse server and builds nothing belongs to ``make test``. All others
are named here, by path, and are marked ``slow`` as they are collected. ``make test-all`` and CI run everything.
"""

from __future__ import annotations

import pytest

__all__ = ["SLOW", "SMOKE", "is_slow"]

SLOW = {
    "tests/api/test_acknowledgements.py::test_any_subset": "verifies a store many times",
    "tests/api/test_two_tenants.py::test_no_answer": "asks hundreds of calls, three times each",
    "tests/api/test_two_tenants_over_ports.py": "asks hundreds of calls over both ports",
    "tests/audit_ids/test_two_writers.py": "two processes with failing storage, until all is sent",
    "tests/benchmarks/test_commands.py": "runs benchmarks against servers",
    "tests/commands/test_tokens.py::test_a_shell": "runs a command",
    "tests/commands/test_tokens.py::test_root": "runs commands as another user",
    "tests/docs/test_evidence_page.py::TestRecordOfARunningServer": "starts a server",
    "tests/explorer/test_accessibility.py": "starts a server and a browser",
    "tests/explorer/test_entries_in_the_browser.py": "starts servers",
    "tests/explorer/test_forged_answers.py": "starts a server and a browser",
    "tests/explorer/test_login_page.py": "starts an OpenID provider, a server and a browser",
    "tests/explorer/test_not_compared.py": "starts servers and a browser",
    "tests/explorer/test_readers_in_the_browser.py": "starts servers and a browser",
    "tests/explorer/test_record_page.py": "starts servers and a browser",
    "tests/explorer/test_replaced_keys.py": "starts servers and a browser",
    "tests/explorer/test_search_controls.py": "starts servers and a browser",
    "tests/explorer/test_search_evidence.py": "starts servers and a browser",
    "tests/explorer/test_search_page.py": "starts servers and a browser",
    "tests/explorer/test_state_of_logs.py": "starts servers and a browser",
    "tests/explorer/test_trace_page.py": "starts servers and a browser",
    "tests/explorer/test_trust.py": "starts servers and a browser",
    "tests/explorer/test_proofs_in_the_browser.py": "checks thousands of bundles in two languages",
    "tests/explorer/test_logs_in_the_browser.py": "starts servers",
    "tests/explorer/test_subjects_in_the_browser.py": "starts servers",
    "tests/explorer/bundles/": "starts a browser",
    "tests/explorer/test_web_units.py": "compiles the tests of the page and starts Node.js",
    "tests/faults/test_schedules.py": "schedules of faults against servers",
    "tests/fuzz/test_front_door.py::test_a_campaign": "a campaign against a server",
    "tests/fuzz/test_front_door.py::test_a_server_takes": "a campaign against a server",
    "tests/fuzz/test_fuzz.py::test_the_sanitizers_find_nothing_in_the_corpus": "compiles the fuzzer",
    "tests/golden/test_version_1_upgraded.py": "starts servers and runs commands",
    "tests/harness/test_browser.py": "starts a browser",
    "tests/harness/test_clickhouse_node.py": "starts a server",
    "tests/interop/": "builds Go programs and reads a served log with them",
    "tests/notary/test_hashing_sanitized.py": "compiles a program",
    "tests/release/test_build.py::test_a_compiled": "builds a small project twice",
    "tests/release/test_wheel.py": "builds the distributions twice",
    "tests/storage/test_access.py": "starts a server with users",
    "tests/storage/test_cold_volume.py": "starts a server with two disks",
    "tests/storage/test_encrypted_disk.py": "a process for each opening of storage",
    "tests/storage/test_erased_values_in_logs.py": "starts a server that logs its queries",
    "tests/storage/test_definitions.py::test_a_row_policy": "starts a server with users",
    "tests/storage/test_definitions.py::test_select_on": "starts a server with users",
    "tests/storage/test_permanent_errors.py": "starts servers",
    "tests/storage/test_read_settings.py": "starts a server with users",
    "tests/storage/test_tls.py": "starts a server",
    "tests/system/": "starts servers and runs commands",
    "tests/tamper/": "a thousand changes of a store, and a whole verification after each",
    "tests/test_demo.py": "runs the demo several times",
    "tests/test_readme.py::test_its_commands": "starts a server and runs commands",
    "tests/test_readme.py::test_the_demo": "runs the demo",
    "tests/test_sampling.py::test_every_function": "collects the tamper tests twice",
    "tests/verification/test_definition_check.py::test_what_may_not": "starts a server with users",
    "tests/witness/test_litewitness.py": "builds a Go program",
}
"""Start of the test's ID -> why it is slow."""

SMOKE = (
    "tests/interop/test_openssl.py",
    "tests/system/test_cli.py::test_a_changed_record_is_a_finding_for_every_command",
    "tests/system/test_evidence_cli.py::test_a_record_that_audit_shows_is_proved_to_who_trusts_no_server",
    "tests/system/test_refused_requests.py",
    "tests/system/test_senders.py",
    "tests/tamper/test_matrix.py",
    "tests/test_demo.py::test_demo_shows_the_main_job",
)
"""Starts of IDs that stay in ``make test`` although one of ``SLOW`` covers them: each system once."""

_NEEDS_A_SERVER = frozenset({"clickhouse_server", "clickhouse_node", "clickhouse_storage"})
_ON_EITHER_ENGINE = ("module_engine", "shared_server", "storage_url", "written")  # fixtures


def is_slow(item: pytest.Function) -> bool:
    """Tell whether ``make test`` leaves a test out: the table says so, or it needs a ClickHouse server."""
    # A fixture with the engine as its parameter asks for the server itself, and only with that parameter.
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    if _NEEDS_A_SERVER & set(item.fixturenames) or "server" in map(parameters.get, _ON_EITHER_ENGINE):
        return True
    return item.nodeid.startswith(tuple(SLOW)) and not item.nodeid.startswith(SMOKE)
