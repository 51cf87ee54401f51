"""The settings of access as texts for the record of a start."""

from __future__ import annotations

from pathlib import Path

from server.settings.access_summary import access_summary
from server.settings.settings import load_settings

RULES = ('[[roles]]\ngroup = "staff"\nrole = "viewer"\n', '[[roles]]\nemail = "ada@example.com"\nrole = "auditor"\n')


def summary(tmp_path: Path, text: str = "", **flags: str) -> dict[str, str]:
    file = tmp_path / "lognotary.toml"
    file.write_text(text, encoding="utf-8")
    return dict(access_summary(load_settings({"config": str(file), **flags}, {})))


def test_settings_that_open_or_close_something_are_told_and_unused_ones_are_left_out(tmp_path: Path) -> None:
    found = summary(tmp_path, access_log="off", public_tiles="true", trusted_proxies="10.0.0.0/24,192.0.2.1/32")
    assert found == {
        "access_log": "off",
        "authentication": "auto",
        "administration": "local",
        "public_tiles": "true",
        "insecure_listen": "false",
        "trusted_proxies": "10.0.0.0/24,192.0.2.1/32",
        "otlp_grpc": "127.0.0.1:4317",
        "otlp_http": "127.0.0.1:4318",
        "api_grpc": "127.0.0.1:7317",
        "http": "127.0.0.1:7318",
        "deployment": "lognotary",
        "workers": "1",
    }


def test_rules_of_roles_have_a_digest_that_changes_with_them_but_not_with_their_order(tmp_path: Path) -> None:
    digests = [summary(tmp_path, text)["roles"] for text in ("".join(RULES), "".join(reversed(RULES)), RULES[0])]
    assert digests[0] == digests[1] != digests[2]
    assert digests[0].startswith("sha256:")
    limited = summary(tmp_path, RULES[0] + 'tenants = ["acme"]\n')["roles"]
    assert limited != digests[2]


def test_no_secret_is_told(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret-of-the-client", encoding="utf-8")
    secret.chmod(0o600)
    issuer = f'oidc_issuer = "https://login.example"\noidc_client_id = "logs"\noidc_client_secret_file = "{secret}"\n'
    found = summary(tmp_path, issuer, storage="http://lognotary:p4ssword@127.0.0.1:8123/logs")
    assert (found["oidc_issuer"], found["oidc_audiences"]) == ("https://login.example", "logs")
    assert "s3cret" not in str(found)
    assert "p4ssword" not in str(found)
