"""The settings of access as texts for the record of a start."""

from __future__ import annotations

from pathlib import Path

from harness.certificates import local_certificate, new_authority, put
from server.notary.keys import KeyType, VerifierKey
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
        "proxy_user_header": "x-forwarded-user",
        "proxy_groups_header": "x-forwarded-groups",
        "proxy_email_header": "x-forwarded-email",
        "proxy_tenant_header": "x-scope-orgid",
        "max_tenants": "10000",
        "public_url": "http://127.0.0.1:7318",
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


def test_what_is_too_long_to_be_told_has_a_digest_that_changes_with_it(tmp_path: Path) -> None:
    def digests(certificates: str, tenant: str) -> tuple[str, str]:
        text = f"sender_certificates = [{certificates}]\n[[tenants]]\nname = 'acme'\n{tenant}"
        found = summary(tmp_path, text)
        return found["sender_certificates"], found["tenants"]

    first, other = "'DNS:a.example=a'", "'DNS:b.example=a'"
    assert digests(first, "") == digests(first, "own_key = false")
    assert len({digests(*given) for given in ((first, ""), (other, ""), (f"{first}, {other}", ""))}) == 3
    assert len({digests(f"{first}, {other}", ""), digests(f"{other}, {first}", "")}) == 2
    key = VerifierKey("witness.example/w1", bytes(32), KeyType.ED25519_COSIGNATURE)
    witnessed = f'witnesses = ["{key} https://witness.example/w1"]'
    assert len({digests(first, tenant)[1] for tenant in ("", "own_key = true", witnessed)}) == 3
    assert "sender_certificates" not in summary(tmp_path)
    assert "tenants" not in summary(tmp_path)


def test_client_certificates_are_told_for_each_port_with_the_file_of_their_cas(tmp_path: Path) -> None:
    authority = new_authority()
    files = put(local_certificate(authority), tmp_path, "server")
    flags = {"tls_cert": str(files.cert), "tls_key": str(files.key), "http_tls_client_ca": str(files.cert)}
    found = summary(tmp_path, http_tls_client_certificates="optional", tokens_file="/etc/tokens", **flags)
    assert found["tls"] == "otlp_grpc,otlp_http,api_grpc,http"
    assert found["tls_client_ca"] == f"http={files.cert}"
    assert found["tls_client_certificates"] == "http=optional"
    assert found["tokens_file"] == "/etc/tokens"


def test_no_secret_is_told(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret-of-the-client", encoding="utf-8")
    secret.chmod(0o600)
    issuer = f'oidc_issuer = "https://login.example"\noidc_client_id = "logs"\noidc_client_secret_file = "{secret}"\n'
    found = summary(tmp_path, issuer, storage="http://lognotary:p4ssword@127.0.0.1:8123/logs")
    assert (found["oidc_issuer"], found["oidc_audiences"]) == ("https://login.example", "logs")
    assert (found["oidc_client_id"], found["oidc_groups_claim"]) == ("logs", "groups")
    assert "s3cret" not in str(found)
    assert "p4ssword" not in str(found)
