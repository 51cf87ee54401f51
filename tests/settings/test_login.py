"""Settings of login, and rules of roles."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from server.access.callers import Grant, Role
from server.access.proxies import ProxyHeaders
from server.access.role_rules import RoleRule, claim_fact
from server.settings.login import LoginSettings
from server.settings.settings import ConfigError, load_settings
from tests.settings.lines import is_on_its_line

ISSUER = 'oidc_issuer = "https://login.example"\noidc_client_id = "lognotary"\n'


def load(tmp_path: Path, text: str, **flags: str) -> LoginSettings:
    file = tmp_path / "lognotary.toml"
    file.write_text(text)
    return load_settings({"config": str(file), **flags}, {}).login


def problems(tmp_path: Path, text: str, **flags: str) -> list[str]:
    with pytest.raises(ConfigError) as error:
        load(tmp_path, text, **flags)
    return [problem.replace(str(tmp_path / "lognotary.toml"), "file") for problem in error.value.problems]


def test_without_settings_nobody_can_log_in_and_no_header_is_believed(tmp_path: Path) -> None:
    login = load(tmp_path, "")
    assert (login.oidc, login.trusted_proxies, login.break_glass_file, login.roles) == (None, (), None, ())
    assert (login.session_idle, login.session_age) == (1800, 43200)


def test_a_provider_has_its_issuer_and_this_servers_names(tmp_path: Path) -> None:
    more = 'oidc_cli_client_id = "cli"\noidc_audiences = ["api", "cli"]\noidc_scopes = "groups"\n'
    oidc = load(tmp_path, ISSUER + more).oidc
    assert oidc
    assert (oidc.audiences, oidc.scopes) == (("lognotary", "cli", "api"), ("openid", "groups"))


def test_the_url_of_a_server_on_this_machine_is_its_address(tmp_path: Path) -> None:
    assert load(tmp_path, ISSUER).public_url == "http://127.0.0.1:7318"
    assert load(tmp_path, ISSUER, http="[::1]:80").public_url == "http://[::1]:80"
    assert load(tmp_path, ISSUER, public_url="https://logs.example/").public_url == "https://logs.example"


def test_proxies_have_networks_and_headers(tmp_path: Path) -> None:
    login = load(tmp_path, 'trusted_proxies = ["10.0.0.0/24", "::1"]\nproxy_groups_header = "X-Groups"\n')
    assert login.trusted_proxies == (ip_network("10.0.0.0/24"), ip_network("::1/128"))
    assert login.proxy_headers == ProxyHeaders(groups="x-groups")


def test_rules_grant_roles_with_limits(tmp_path: Path) -> None:
    rules = """
[[roles]]
group = "Log Auditors"
role = "auditor"

[[roles]]
claim = "realm_access.roles"
value = "logs"
role = "viewer"
tenants = ["", "shop"]
services = ["checkout"]
environments = ["production"]

[[roles]]
email = "Ada@Example.com"
role = "admin"

[[roles]]
subject = "6f1c"
role = "operator"

[[roles]]
certificate = "URI:spiffe://shop/*"
role = "viewer"
"""
    shop = Grant(Role.VIEWER, frozenset({"", "shop"}), frozenset({"checkout"}), frozenset({"production"}))
    assert load(tmp_path, rules).roles == (
        RoleRule(("group", "Log Auditors"), Grant(Role.AUDITOR)),
        RoleRule(claim_fact("realm_access.roles", "logs"), shop),
        RoleRule(("email", "ada@example.com"), Grant(Role.ADMIN)),
        RoleRule(("subject", "6f1c"), Grant(Role.OPERATOR)),
        RoleRule(("certificate", "URI:spiffe://shop/*"), Grant(Role.VIEWER)),
    )


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ('role = "viewer"', "the rule must have one of group, email, subject, certificate, claim"),
        ('group = "a"\nemail = "b"\nrole = "viewer"', "the rule must have one of"),
        ('group = "a"', 'role is missing: write role = "viewer"'),
        ('group = "a"\nrole = "auditer"', "did you mean 'auditor'"),
        ('group = "a"\nrole = "sender"', "lets nobody send records: use a token"),
        ('certificate = "DNS:a.example"\nrole = "sender"', "or sender_certificates"),
        ('group = "a"\nrole = ["viewer"]', "role:"),
        ('group = ""\nrole = "viewer"', "group: '' is not a text"),
        ('group = ["a"]\nrole = "viewer"', "group: ['a'] is not a text"),
        ('claim = "a"\nrole = "viewer"', "claim and value belong together"),
        ('group = "a"\nvalue = "b"\nrole = "viewer"', "claim and value belong together"),
        ('group = "a"\nrole = "viewer"\ntenants = []', "tenants: [] is not a list of texts"),
        ('group = "a"\nrole = "viewer"\ntenants = "shop"', "tenants: 'shop' is not a list of texts"),
        ('group = "a"\nrole = "viewer"\ntenants = ["a/b"]', "'a/b' is not the name of a tenant"),
        ('certificate = "grafana.example"\nrole = "viewer"', "must begin with URI: or DNS:"),
        ('certificate = "URI:spiffe://shop*"\nrole = "viewer"', "must follow a '/'"),
        ('certificate = "DNS:a"\nsubject = "a"\nrole = "viewer"', "the rule must have one of"),
        ('group = "a"\nrole = "viewer"\nservice = ["a"]', "unknown setting service in [[roles]]; did you mean"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_its_line(tmp_path: Path, rule: str, problem: str) -> None:
    text = f"\n[[roles]]\n{rule}\n"
    told = problems(tmp_path, text)
    assert any(is_on_its_line(each, text) and problem in each for each in told)


def test_roles_that_are_no_tables_are_refused(tmp_path: Path) -> None:
    assert problems(tmp_path, 'roles = "admin"') == ["file:1: roles must be tables, each under [[roles]]"]
    assert "must be a table under [[roles]]" in problems(tmp_path, 'roles = ["admin"]')[0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('oidc_issuer = "http://login.example"', "must begin with https://"),
        ('oidc_issuer = "https://user:secret@login.example"', "must not contain a user name or a password"),
        ('oidc_issuer = "https://login.example?x=1"', "is not the URL of a server"),
        ('oidc_issuer = "login.example"', "is not the URL of a server"),
        ('oidc_issuer = "https://login.example"', "set oidc_client_id too"),
        ('oidc_client_id = "lognotary"', "set oidc_issuer too"),
        (ISSUER + 'http = "0.0.0.0:7318"', "set public_url to the URL at which browsers reach it"),
        (ISSUER + 'public_url = "https://a.example/logs"', "must have no path"),
        (ISSUER + 'public_url = "http://logs.example"', "must begin with https://"),
        (ISSUER + 'oidc_groups_claim = ""', "give the name of the claim"),
        (ISSUER + 'oidc_client_secret_file = "nowhere"', "there is no file nowhere"),
        (ISSUER + 'oidc_ca_file = "nowhere"', "the file nowhere does not exist"),
        ('trusted_proxies = "10.0.0.1/24"', "is not a network or an address"),
        ('trusted_proxies = "0.0.0.0/0"', "would let everybody be anybody"),
        ('trusted_proxies = "::/0"', "would let everybody be anybody"),
        ('proxy_user_header = "X Y"', "is not the name of a header"),
        ('proxy_user_header = "Authorization"', "has another meaning"),
        ('trusted_proxies = "10.0.0.1"\nproxy_user_header = ""', "a trusted proxy names the user in it"),
        ('proxy_user_header = "X-A"\nproxy_email_header = "x-a"', "have the same name"),
        ('break_glass_file = "nowhere"', "there is no file nowhere"),
    ],
)
def test_settings_that_would_let_others_in_or_have_no_effect_are_refused(
    tmp_path: Path, text: str, problem: str
) -> None:
    assert problem in "\n".join(problems(tmp_path, text))


def test_a_secret_that_everybody_can_read_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret")
    secret.chmod(0o644)
    (told,) = problems(tmp_path, ISSUER, oidc_client_secret_file=str(secret))
    assert "run chmod 640" in told
    assert "s3cret" not in told
    secret.chmod(0o640)
    secret.write_text("")
    assert "must have one line" in problems(tmp_path, ISSUER, oidc_client_secret_file=str(secret))[0]


def test_the_secret_of_the_client_is_in_a_file_or_a_variable_but_not_in_both(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    secret.chmod(0o600)
    config = tmp_path / "lognotary.toml"
    config.write_text(ISSUER)
    file = {"LOGNOTARY_OIDC_CLIENT_SECRET_FILE": str(secret)}
    variable = {"LOGNOTARY_OIDC_CLIENT_SECRET": "s3cret"}
    for given in (file, variable):
        oidc = load_settings({"config": str(config)}, given).login.oidc
        assert oidc
        assert oidc.client_secret == "s3cret"  # noqa: S105
        assert "s3cret" not in repr(oidc)
    with pytest.raises(ConfigError, match="oidc_client_secret is given too") as error:
        load_settings({"config": str(config)}, file | variable)
    assert "s3cret" not in str(error.value)
    assert "set oidc_issuer too" in problems(tmp_path, 'oidc_client_secret = "s3cret"')[0]
    (told,) = problems(tmp_path, ISSUER + 'oidc_client_secret = "s3\\u0007cret"')
    assert "cannot be printed" in told
    assert "cret" not in told.replace("oidc_client_secret", "").replace("the secret", "")
