"""Odd paths over raw connections: none leads out of a log or to another file, and all have plain answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import httpx
import pytest

from harness.otlp_load import log_record, request_of
from tests.system.attacks.raw import exchange, statuses
from tests.system.attacks.site import Site

UP = (
    *(b"..", b"%2e%2e", b"%2E%2e", b".%2e", b"%252e%252e", b"..%00", b"%c0%ae%c0%ae", b"%e0%80%ae%e0%80%ae", b"\\.."),
    *(b"..;", b"%uff0e%uff0e", b"...", b".", b"%2e", b"..%0d%0a", b"..%ff"),
)
BETWEEN = (b"/", b"%2f", b"%2F", b"//", b"\\", b"%5c", b"%252f", b"%c0%af", b"%e2%88%95")
FILES = (b"checkpoint", b"keys/signing-key.pem", b"etc/passwd", b"tile/0/000.p/1")
TILES = (
    *(
        b"tile/0/-1",
        b"tile/-1/000",
        b"tile/0/+00",
        b"tile/64/000",
        b"tile/999/000",
        b"tile/0/0",
        b"tile/0/00",
        b"tile/0/0000",
    ),
    *(
        b"tile/0/x999/000",
        b"tile/0/x000/000",
        b"tile/0/X001/000",
        b"tile/0/x001",
        b"tile/0/x001/x000",
        b"tile/0/001/000",
    ),
    *(b"tile/0/" + b"x999/" * length + b"999" for length in (5, 6, 7, 200)),
    *(
        b"tile/0/000.p/0",
        b"tile/0/000.p/256",
        b"tile/0/000.p/-1",
        b"tile/0/000.p/01",
        b"tile/0/000.p/",
        b"tile/0/000.p",
    ),
    *(
        b"tile/0/000.p/1/..",
        b"tile/0/000.p/%31%00",
        b"tile/entries/-1",
        b"tile/entries/999",
        b"tile/entries/x/000",
        b"tile",
    ),
    *(
        b"tile/0/%D9%A0%D9%A0%D9%A0",
        b"tile/%D9%A0/000",
        b"tile/0/000%0a",
        b"tile/0/000%20",
        b"tile/0/1e2",
        b"tile/0/0x0",
    ),
    *(b"tile/" + b"9" * 5000 + b"/000", b"tile/0/" + b"9" * 5000, b"checkpoint%00", b"checkpoint/", b"/checkpoint"),
    *(b"checkpoint%0a", b"checkpoint;a", b"checkpoint.", b"Checkpoint", b"%63heckpoint%2f", b"", b"%", b"%zz", b"%00"),
)
IDS = (b"0" * 16, b"..", b"%2e%2e", b"%00", b"-1", b"9" * 5000, b"*", b"'%20OR%20'1'='1", b"%0a" + b"0" * 16, b"shop")
SECRET = (b"PRIVATE KEY", b"root:", b"lgn_", b"Traceback", b"/tmp/", b"SELECT", b"DB::Exception")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("site"), tls=False).running() as found:
        body = request_of([log_record("one"), log_record("two")]).SerializeToString()
        headers = {"content-type": "application/x-protobuf", "authorization": f"Bearer {found.sender}"}
        assert httpx.post(f"http://{found.otlp}/v1/logs", content=body, headers=headers).status_code == 200
        yield found


def ask(site: Site, target: bytes, method: bytes = b"GET") -> bytes:
    head = b"%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" % (method, target)
    return exchange(site.api, head + b"Authorization: Bearer %s\r\n\r\n" % site.admin.encode())


def log_ids(site: Site) -> list[bytes]:
    logs = json.loads(ask(site, b"/api/v1/logs").partition(b"\r\n\r\n")[2])["logs"]
    return [log["logId"].encode() for log in logs]


def test_no_path_below_a_log_leads_to_anything_but_its_files(site: Site) -> None:
    own = next(log for log in log_ids(site) if statuses(ask(site, b"/tlog/%s/tile/0/000.p/2" % log)) == [200])
    climbs = [step + between + file for step, between, file in product(UP, BETWEEN, FILES)]
    climbs += [(up + between) * 12 + file for up, between, file in product(UP[:4], BETWEEN[:5], FILES)]
    targets = [b"/tlog/%s/%s" % (own, rest) for rest in (*climbs, *TILES)]
    targets += [b"/tlog/%s/%s" % (log, rest) for log, rest in product(IDS, (b"checkpoint", b"tile/0/000.p/1"))]
    targets += [b"/tlog/%s%s%s" % (own, between, b"checkpoint") for between in BETWEEN[3:]]
    targets += [b"/tlog%s%s%scheckpoint" % (between, own, between) for between in BETWEEN[3:]]
    targets += [b"/%s" % rest for rest in climbs[: len(climbs) // 4]] + [b"//%s/checkpoint" % own, b"/tlog", b"/tlog/"]
    with ThreadPoolExecutor(8) as pool:
        answers = dict(zip(targets, pool.map(lambda target: ask(site, target), targets), strict=True))
    wrong = {target: told[:100] for target, told in answers.items() if statuses(told) not in ([400], [404])}
    assert wrong == {}
    leaks = {target: told for target, told in answers.items() for word in SECRET if word in told.replace(target, b"")}
    assert leaks == {}
    assert "Traceback" not in site.server.log_text()
    assert all(line.isprintable() for line in site.server.log_text().split("\n"))


def test_a_percent_encoded_letter_is_the_letter(site: Site) -> None:
    own = log_ids(site)[0]
    # The origin only: the log may be the access log, which grows with each call.
    plain, encoded = (
        ask(site, path % own).partition(b"\r\n\r\n")[2].partition(b"\n")[0]
        for path in (b"/tlog/%s/checkpoint", b"/tlog/%s/%%63heckpoint")
    )
    assert plain == encoded != b""


@pytest.mark.parametrize(
    "route",
    [
        *(b"/api/v1/traces/%s", b"/api/v1/actors/%s", b"/api/v1/targets/%s", b"/api/v1/logs/%s/checkpoint"),
        *(
            b"/api/v1/logs/%s/inclusion-proof",
            b"/api/v1/receipts/%s",
            b"/api/v1/export-manifests/%s",
            b"/trace/%s",
            b"/%s",
        ),
    ],
)
def test_odd_paths_have_plain_answers_everywhere(site: Site, route: bytes) -> None:
    odd = [*UP, *IDS, *(up + b"/metrics" for up in UP), b"%ff%fe", b"%F0%9F%92%A9"]
    odd += [b"%0d%0aSet-Cookie:%20a=b", b"%e2%80%ae", b"%1b[2J", b"a" * 20_000, b"%ed%a0%80"]
    with ThreadPoolExecutor(8) as pool:
        answers = dict(zip(odd, pool.map(lambda rest: ask(site, route % rest), odd), strict=True))
    for rest, told in answers.items():
        assert statuses(told)[0] in (200, 400, 404, 405), (rest, told[:300])
        head, _, body = told.partition(b"\r\n\r\n")
        assert b"Set-Cookie:" not in head
        assert b"set-cookie:" not in head
        assert not [word for word in SECRET if word in told], rest
        assert b"lognotary_requests_total" not in body
        assert b"\x1b" not in body


def test_a_line_break_behind_a_path_is_another_path(site: Site) -> None:
    for path in (b"/metrics", b"/healthz", b"/api/v1/status", b"/api/v1/logs"):
        assert statuses(ask(site, path)) == [200]
        assert statuses(ask(site, path + b"%0a")) == [404], path
    head = b" HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nConnection: close\r\n" % site.sender.encode()
    kind = b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    for path, status in ((b"/v1/logs%0a", 404), (b"/v1/logs", 200)):
        told = exchange(site.otlp, b"POST " + path + head + kind)
        assert statuses(told) == [status]
