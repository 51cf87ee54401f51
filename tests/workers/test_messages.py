from __future__ import annotations

from pathlib import Path

import pytest

from server.admission.tenant_limits import Usage
from server.settings.settings import load_settings
from server.workers.messages import Order, Report, decode_usage, encode_usage


def test_an_order_is_one_line_and_has_all_settings(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('storage = "http://me:secret@host/logs"\n[[audit.rules]]\nname = "x"\nmatch = { service = "x" }')
    order = Order(3, "vm-3", load_settings({"config": str(file), "workers": "4"}, {}), "token")
    line = order.encode()
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert Order.decode(line) == order


@pytest.mark.parametrize(
    "report", [Report(), Report(not_ready="it\nwaits ✘"), Report(failure="no", rules_problem="why", reloads=3)]
)
def test_a_report_is_one_line_of_json(report: Report) -> None:
    line = report.encode()
    assert line.count(b"\n") == 1
    assert Report.decode(line) == report


@pytest.mark.parametrize("line", [b"\n", b"hello\n", b"3\n", b'{"ready": true}\n', b"[]\n", b"\xff\n"])
def test_what_is_no_report_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json says it in its own words
        Report.decode(line)


def test_usage_of_tenants_is_in_a_report() -> None:
    usage = {"": Usage(1, 2, 3), "acme": Usage(4)}
    report = Report.decode(Report(usage=encode_usage(usage)).encode())
    assert decode_usage(report.usage) == usage
    assert decode_usage(encode_usage({})) == {}


@pytest.mark.parametrize("text", ["", "x", "3", "[]", '{"acme": 1}', '{"acme": ["x"]}', '{"acme": [1, 2, 3, 4]}'])
def test_what_is_no_usage_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json says it in its own words
        decode_usage(text)
