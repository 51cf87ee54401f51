"""Secrets are found in commands, statements, URLs and escaped texts, and what only speaks of secrets is kept."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from server.codec.redaction import Redactor
from server.codec.redaction_rules import Redaction

from .secrets import EXAMPLES, JWT

REDACTOR = Redactor(Redaction())
OTHER_SCRIPTS = Redactor(Redaction(keys=("пароль", "contraseña"), keep=("keepMe", "имя")))


def redacted(text: str, redactor: Redactor = REDACTOR) -> str:
    return redactor.redacted(text.encode(), Counter()).decode()


def assert_replaced(text: str, rule: str) -> None:
    """Assert that what is between angle brackets is replaced, and that the brackets are not needed for that."""
    without = re.sub("<.*?>", f"[redacted:{rule}]", text, flags=re.DOTALL)
    assert redacted(re.sub("[<>]", "", text)) == without
    assert redacted(without) == without  # a mark is left as it is


@pytest.mark.parametrize(
    "text",
    [
        # commands
        'curl --user "bob@corp.example:<x1>" https://x',
        "curl -u 'corp\\bob:<x1>'",
        "curl -sSu bob:<x1> https://x",
        "curl -u 1234:<x1>",
        '["curl","-ubob:<x1>"]',
        # statements of SQL
        'CREATE USER bob IDENTIFIED BY "<x y>"',
        '{"q":"ALTER USER bob IDENTIFIED BY\\n\\"<x>\\""}',
        "ALTER USER bob PASSWORD  '<x>', PASSWORD\n'<y>'",
        "ALTER ROLE bob PASSWORD E'<x>' IN ROLE a",
        "alter user bob identified by values '<S:0A>'",
        "CREATE USER bob IDENTIFIED BY PASSWORD '<*0A>'",
        "alter user bob account unlock identified by <x1>;",
        "GRANT DBA TO bob\nIDENTIFIED BY <x1> WITH ADMIN OPTION",
        "CREATE DATABASE LINK a CONNECT TO b IDENTIFIED BY <c> USING 'd'",
        # tables, the next line, and escapes
        "password            : <x1>",
        "password:              <x1> y",
        '{"password":\n    "<x>",\n"n":1}',
        "a\\npassword\\u003d<x1>\\u0026b\\u003d2",
        "pwd\\\\u003D<x1>",
        "→password=<x1> “password: <x2>",
        # what only begins like words about a secret
        "password: <must1> not",
        "password: <mustard> be",
        "password: <Required>",
        '"password":"<-->"',
    ],
)
def test_passwords_are_replaced(text: str) -> None:
    assert_replaced(text, "key.password")


@pytest.mark.parametrize(
    "scheme", ["SSWS", "Splunk", "Key", "GenieKey", "Token", "Bot", "AWS", "Api-Token", "SharedKey"]
)
def test_credentials_of_any_common_scheme_are_replaced(scheme: str) -> None:
    assert_replaced(f"curl -H 'Authorization: <{scheme} 00a-bc:d=>' https://x", "key.authorization")


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ('"https:\\/\\/bob:x@h\\/db"', '"https:\\/\\/bob:<url_password>@h\\/db"'),
        (f"https://{EXAMPLES['github_token']}:x-oauth-basic@h", "https://<github_token>:<url_password>@h"),
        (f"https://a.{EXAMPLES['gitlab_token']}:x@h", "https://a.<gitlab_token>:<url_password>@h"),
        (f"s3://{EXAMPLES['aws_key']}:wJalrXUtnFEMI@b", "s3://<aws_key>:<url_password>@b"),
        (f"https://{JWT}:x@h", "https://<jwt>:<url_password>@h"),
        ("https://[redacted:github_token]:x@h", "https://<github_token>:<url_password>@h"),
    ],
)
def test_tokens_and_passwords_in_urls_are_replaced(text: str, without: str) -> None:
    without = re.sub("<(.*?)>", r"[redacted:\1]", without)
    assert redacted(text) == redacted(without) == without


@pytest.mark.parametrize(
    "text",
    [
        *("session token: renewed(12)", "unexpected token: ')'", '"token": "--"', "password: must contain a digit"),
        *('{"errors":{"password":"required"}}', '"authorization":"allowed"', "pwd: command not found"),
        *("secret: not found", "invalid token=expired", "password: is too short", "authorization: key facts"),
        *("  --token              API-token of the user", "  --password           x1"),
        *('enter "password":\nWelcome', "a host identified by name", "could not create user: identified by 10.0.0.1"),
        *('say password "x"', "ALTER USER bob IDENTIFIED BY ?", "curl at 12:30:15, -u 1: b", "mail -u bob:x1 curly"),
    ],
)
def test_what_is_said_of_secrets_is_kept(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize(
    "value",
    [
        *("Bearer abcDEF123", "https://u:p@h", f"see {JWT}", "password=y1", EXAMPLES["github_token"], "curl -u a:y1"),
        *('a\\" password=y1', "4111111111111111"),
    ],
)
@pytest.mark.parametrize("key", ["keepme", "имя"])
def test_nothing_is_redacted_in_a_json_string_whose_key_is_kept(key: str, value: str) -> None:
    text = f'{{"{key}" : "{value}", "a": "token=x1"}}'
    assert redacted(text, OTHER_SCRIPTS) == text.replace("x1", "[redacted:key.token]")


def test_what_follows_a_kept_key_is_redacted_in_objects_and_if_it_is_cut_off() -> None:
    for text in ('{"keepme":{"a":"SECRET"}}', '"keepme":"see SECRET'):
        without = text.replace("SECRET", "[redacted:jwt]")
        assert redacted(text.replace("SECRET", JWT), OTHER_SCRIPTS) == without


@pytest.mark.parametrize(
    "key", ["пароль", "Пароль", "ПАРОЛЬ", "contraseña", "contrasen\u0303a", "CONTRASEÑA", "mi_contraseña"]
)
@pytest.mark.parametrize("text", ['{"KEY":"SECRET"}', "KEY=SECRET", "login\\nKEY: SECRET, a=b", "KEY\\u003dSECRET"])
def test_keys_of_other_scripts_are_found_in_texts(key: str, text: str) -> None:
    text = text.replace("KEY", key)
    assert redacted(text.replace("SECRET", "x1"), OTHER_SCRIPTS) == text.replace("SECRET", "[redacted:key.custom]")


def test_keys_of_other_scripts_are_whole_words() -> None:
    assert redacted("парольный=x1 новыйпароль=x1", OTHER_SCRIPTS) == "парольный=x1 новыйпароль=x1"
