"""The server that a command asks: its address, and the certificates of both sides."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.access.token_text import new_token
from server.commands.api_channel import ApiTarget, find_target
from server.commands.arguments.options import ApiServer

TOKEN = new_token()
CONTENTS = {
    "ca": b"-----BEGIN CERTIFICATE-----\nthe ca",
    "cert": b"-----BEGIN CERTIFICATE-----\nthe cert",
    "key": b"-----BEGIN PRIVATE KEY-----\nthe key",
}
WITH_TOKEN = {"LOGNOTARY_TOKEN": TOKEN}


def found(given: ApiServer | str | None, **environ: str) -> ApiTarget:
    problems: list[str] = []
    target = find_target(given, environ, problems)
    assert problems == []
    return target


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    for name, content in CONTENTS.items():
        (tmp_path / name).write_bytes(content)
    return {name: str(tmp_path / name) for name in CONTENTS}


def test_without_anything_it_is_the_default_without_tls() -> None:
    assert found(None) == ApiTarget("127.0.0.1:7317")


def test_the_command_line_outranks_the_variable() -> None:
    assert found(ApiServer("a:1"), LOGNOTARY_API="https://b:2") == ApiTarget("a:1")
    assert found(ApiServer(), LOGNOTARY_API="https://b:2") == ApiTarget("b:2", tls=True)


def test_https_or_a_certificate_means_tls(files: dict[str, str]) -> None:
    assert found("https://[::1]:1/") == ApiTarget("[::1]:1", tls=True)
    assert found(ApiServer("a:1", ca=files["ca"])) == ApiTarget("a:1", True, CONTENTS["ca"])
    all_of_them = ApiTarget("a:1", True, CONTENTS["ca"], CONTENTS["cert"], CONTENTS["key"])
    assert found(ApiServer("a:1", **files)) == all_of_them
    variables = {f"LOGNOTARY_API_{name.upper()}": file for name, file in files.items()}
    assert found("a:1", **variables) == all_of_them


def test_what_cannot_be_used_is_told_with_its_source(files: dict[str, str]) -> None:
    problems: list[str] = []
    find_target(ApiServer("https://a", cert=files["cert"]), {"LOGNOTARY_API_CA": "/nowhere"}, problems)
    assert problems == [
        "--api: 'a' is not host:port, such as 127.0.0.1:7317 or [::1]:7317",
        "LOGNOTARY_API_CA: there is no file /nowhere: check the path",
        "--api-cert is given without --api-key: give both",
    ]


def test_a_file_of_something_else_is_told_before_the_server_is_asked(files: dict[str, str]) -> None:
    problems: list[str] = []
    find_target(ApiServer("a:1", ca=files["key"], cert=files["key"], key=files["ca"]), {}, problems)
    assert problems == [
        f"--api-ca: {files['key']} has no certificate in PEM: give another file",
        f"--api-cert: {files['key']} has no certificate in PEM: give another file",
        f"--api-key: {files['ca']} has no private key in PEM: give another file",
    ]


@pytest.mark.parametrize("address", ["192.0.2.2:7317", "logs.example:7317", "[2001:db8::1]:7317", "0.0.0.0:7317"])
def test_a_token_is_sent_to_another_machine_only_with_tls(address: str, files: dict[str, str]) -> None:
    problems: list[str] = []
    find_target(address, WITH_TOKEN, problems)
    find_target(None, {"LOGNOTARY_API": address, **WITH_TOKEN}, problems)
    assert [problem.partition(": ")[0] for problem in problems] == ["--api", "LOGNOTARY_API"]
    for problem in problems:
        assert f"a token that is sent without TLS can be read on the way: give https://{address}, or" in problem
        assert TOKEN not in problem
    assert found(f"https://{address}", **WITH_TOKEN).token == TOKEN
    assert found(ApiServer(address, ca=files["ca"]), **WITH_TOKEN).token == TOKEN
    assert found(address) == ApiTarget(address)


@pytest.mark.parametrize("address", ["127.0.0.1:7317", "127.9.9.9:7317", "[::1]:7317", "localhost:7317"])
def test_a_token_is_sent_to_this_machine_without_tls(address: str) -> None:
    assert found(address, **WITH_TOKEN) == ApiTarget(address, token=TOKEN)


def test_the_key_is_in_no_representation(files: dict[str, str]) -> None:
    assert "the key" not in repr(found(ApiServer("a:1", **files)))
