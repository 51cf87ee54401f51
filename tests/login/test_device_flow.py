"""Logins on the command line: what the provider may answer, and the file of logins."""

from __future__ import annotations

import json
import stat
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from server.commands.logins import KeptLogin, LoginsFileError, fresh, keep, kept, login_token
from server.commands.logins_file import logins_file
from server.data_dir.atomic_files import replace_file
from server.data_dir.locked_files import locked
from server.login.device_flow import begin_device, discover, renew, wait_for_tokens
from server.login.errors import ProviderError
from server.login.fetching import Fetcher
from tests.login.issuing import ISSUER, claims, documents, token

DEVICE = {
    "device_code": "the-device",
    "user_code": "ABCD-EFGH",
    "verification_uri": f"{ISSUER}/device",
    "verification_uri_complete": f"{ISSUER}/device?code=ABCD-EFGH",
    "expires_in": 600,
    "interval": 5,
}
GIVEN = {"id_token": "id", "refresh_token": "refresh"}
URL = "https://logs.example"


class Provider(Fetcher):
    """Provider that gives answers in turn, and keeps the forms."""

    def __init__(self, *answers: Mapping[str, Any]) -> None:
        super().__init__()
        self.answers = [dict(answer) for answer in answers]
        self.forms: list[Mapping[str, str]] = []

    def get(self, url: str, bearer: str = "") -> dict[str, Any]:
        assert not bearer
        return documents(device_authorization_endpoint=f"{ISSUER}/device")[url]

    def post(self, url: str, form: Mapping[str, str], basic: tuple[str, str] | None = None) -> dict[str, Any]:
        assert url.startswith(ISSUER)
        assert basic is None
        self.forms.append(form)
        return self.answers.pop(0)


def waits(provider: Provider) -> tuple[list[float], Any]:
    """Return the times waited for, and the tokens."""
    metadata = discover(provider, ISSUER)
    waited: list[float] = []
    device = begin_device(provider, metadata, "cli", ["openid"])
    tokens = wait_for_tokens(provider, metadata, "cli", device, waited.append)
    return waited, tokens


def test_the_provider_is_asked_at_the_pace_that_it_wants() -> None:
    pending, slower = {"error": "authorization_pending"}, {"error": "slow_down"}
    waited, tokens = waits(Provider(DEVICE, pending, slower, pending, GIVEN))
    assert waited == [5, 5, 10, 10]
    assert (tokens.id_token, tokens.refresh_token) == ("id", "refresh")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"error": "access_denied"}, "access_denied"),
        ({"error": "expired_token"}, "expired_token"),
        ({"error": "\x1b[2J"}, "cannot be printed"),
        ({"access_token": "x"}, "gave no id_token"),
    ],
)
def test_a_login_that_is_refused_ends(answer: dict[str, Any], told: str) -> None:
    with pytest.raises(ProviderError, match=told):
        waits(Provider(DEVICE, answer))


def test_nobody_is_waited_for_longer_than_the_provider_does() -> None:
    pending = {"error": "authorization_pending"}
    with pytest.raises(ProviderError, match="within the time"):
        waits(Provider({**DEVICE, "expires_in": 20}, *[pending] * 4))


def test_a_page_that_is_not_safe_is_not_offered() -> None:
    provider = Provider({**DEVICE, "verification_uri_complete": "javascript:alert(1)"})
    assert begin_device(provider, discover(provider, ISSUER), "cli", ["openid"]).page_with_code == ""


@pytest.mark.parametrize("seconds", [0, -1, True, "5", 1e9, None])
def test_times_that_cannot_be_are_replaced_by_the_usual_ones(seconds: object) -> None:
    provider = Provider({**DEVICE, "interval": seconds})
    assert begin_device(provider, discover(provider, ISSUER), "cli", ["openid"]).interval == 5


def test_a_refresh_token_is_kept_unless_there_is_a_new_one() -> None:
    provider = Provider({"id_token": "new"}, {"id_token": "new", "refresh_token": "newer"}, {"error": "invalid_grant"})
    metadata = discover(provider, ISSUER)
    assert [renew(provider, metadata, "cli", "old").refresh_token for _ in range(2)] == ["old", "newer"]
    with pytest.raises(ProviderError, match="run 'lognotary login'"):
        renew(provider, metadata, "cli", "old")


def test_logins_are_kept_where_only_their_owner_can_read_them(tmp_path: Path) -> None:
    file = logins_file({"XDG_CONFIG_HOME": str(tmp_path / "config")})
    login = KeptLogin(ISSUER, "cli", "id", "refresh")
    keep(file, URL, login)
    keep(file, "https://other.example", login)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert kept(file)[URL] == login
    keep(file, URL, None)
    assert list(kept(file)) == ["https://other.example"]
    file.chmod(0o644)
    with pytest.raises(LoginsFileError, match="chmod 600"):
        kept(file)


def test_a_token_is_renewed_shortly_before_it_expires(tmp_path: Path) -> None:
    file, now = tmp_path / "logins.json", int(time.time())
    valid = KeptLogin(ISSUER, "cli", token(claims(exp=now + 300)), "refresh")
    keep(file, URL, valid)
    provider = Provider({"id_token": "new", "refresh_token": "newer"})
    assert fresh(file, URL, provider) == valid
    assert provider.forms == []
    keep(file, URL, KeptLogin(ISSUER, "cli", token(claims(exp=now + 30)), "refresh"))
    renewed = KeptLogin(ISSUER, "cli", "new", "newer")
    assert fresh(file, URL, provider) == renewed
    assert kept(file)[URL] == renewed
    assert fresh(file, "https://other.example", provider) is None


def test_of_two_commands_at_once_one_renews_the_token_and_the_other_takes_it(tmp_path: Path) -> None:
    file, found = tmp_path / "logins.json", list[KeptLogin | None]()
    keep(file, URL, KeptLogin(ISSUER, "cli", token(claims(exp=1)), "refresh"))
    other = threading.Thread(target=lambda: found.append(fresh(file, URL, provider)))

    class WhileAnotherAsks(Provider):
        def post(self, url: str, form: Mapping[str, str], basic: tuple[str, str] | None = None) -> dict[str, Any]:
            if not self.forms:
                other.start()
                other.join(0.3)  # enough for it to ask too, if it does not wait
            return super().post(url, form, basic)

    new = token(claims(exp=int(time.time()) + 300))
    provider = WhileAnotherAsks(*[{"id_token": new, "refresh_token": "newer"}] * 2)
    assert fresh(file, URL, provider) == KeptLogin(ISSUER, "cli", new, "newer")
    other.join()
    assert found == [KeptLogin(ISSUER, "cli", new, "newer")]
    assert [form["refresh_token"] for form in provider.forms] == ["refresh"]


def test_a_login_that_another_command_keeps_meanwhile_is_not_lost(tmp_path: Path) -> None:
    file, login = tmp_path / "logins.json", KeptLogin(ISSUER, "cli", "id", "refresh")
    keeping = threading.Thread(target=keep, args=(file, URL, login))
    with locked(file):
        keeping.start()
        keeping.join(0.3)  # enough for it to read the file, if it does not wait
        replace_file(file, json.dumps({"https://other.example": asdict(login)}), mode=0o600)
    keeping.join()
    assert set(kept(file)) == {URL, "https://other.example"}


@pytest.mark.parametrize("content", ["", "[]", '{"https://logs.example": {}}', '{"https://logs.example": 7}'])
def test_a_damaged_file_is_told(tmp_path: Path, content: str) -> None:
    file = tmp_path / "logins.json"
    file.touch(0o600)
    file.write_text(content)
    with pytest.raises(LoginsFileError, match="damaged"):
        kept(file)


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"XDG_CONFIG_HOME": "/x", "HOME": "/home/a"}, "/x/lognotary/logins.json"),
        ({"XDG_CONFIG_HOME": "relative", "HOME": "/home/a"}, "/home/a/.config/lognotary/logins.json"),
        ({"HOME": "/home/a"}, "/home/a/.config/lognotary/logins.json"),
    ],
)
def test_the_file_is_in_the_configuration_of_the_user(environ: dict[str, str], path: str) -> None:
    assert logins_file(environ) == Path(path)


def test_a_token_goes_to_the_host_of_its_login_over_tls_or_on_this_machine(tmp_path: Path) -> None:
    file, provider = tmp_path / "logins.json", Provider()
    remote, local = token(), token(claims(sub="local"))
    keep(file, URL, KeptLogin(ISSUER, "cli", remote, ""))
    keep(file, "http://127.0.0.1:7318", KeptLogin(ISSUER, "cli", local, ""))
    assert login_token("logs.example", provider, secure=True, file=file) == remote
    assert login_token("logs.example", provider, secure=False, file=file) == ""
    assert login_token("127.0.0.1", provider, secure=False, file=file) == local
    assert login_token("other.example", provider, secure=True, file=file) == ""
    keep(file, f"{URL}:8443", KeptLogin(ISSUER, "cli", remote, ""))
    assert login_token("logs.example", provider, secure=True, file=file) == ""
