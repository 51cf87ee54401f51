"""Secrets in texts are replaced, and nothing else is."""

from __future__ import annotations

import base64
from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.codec.redaction import Redactor
from server.codec.redaction_rules import PATTERNS, Redaction

from .secrets import EXAMPLES, JWT

REDACTOR = Redactor(Redaction())


def redacted(text: str, redactor: Redactor = REDACTOR) -> str:
    return redactor.redacted(text.encode(), Counter()).decode()


@pytest.mark.parametrize(
    ("text", "without"),
    [
        # a key and a word
        ("login password=hunter2 user=bob", "login password=<key.password> user=bob"),
        ("password: hunter2, user: bob", "password: <key.password>, user: bob"),
        ("password: swordfish", "password: <key.password>"),
        ("password=ab,cd;ef&gh", "password=<key.password>"),
        ("password=it's", "password=<key.password>"),
        ("(password=abc)", "(password=<key.password>)"),
        ("(password=a)b", "(password=<key.password>"),
        ("Server=db;Uid=sa;Pwd=p4ss;Encrypt=yes", "Server=db;Uid=sa;Pwd=<key.password>;Encrypt=yes"),
        ("/login?user=bob&access_token=abc&x=1", "/login?user=bob&access_token=<key.token>&x=1"),
        (
            "user%5Bpassword%5D=abc&user[password]=def&",
            "user%5Bpassword%5D=<key.password>&user[password]=<key.password>&",
        ),
        ("map[password:x token:y1]", "map[password:<key.password> token:<key.token>]"),
        ("--db-password=abc", "--db-password=<key.password>"),
        ("password => abc", "password => <key.password>"),
        ("password := abc", "password := <key.password>"),
        ("token: abc123", "token: <key.token>"),
        ("the secret access key: abc/123", "the secret access key: <key.api_key>"),
        ("password=é\u2028x y", "password=<key.password> y"),
        (
            "PGPASSWORD=a SSHPASS=b MYSQL_PWD=/c",
            "PGPASSWORD=<key.password> SSHPASS=<key.password> MYSQL_PWD=<key.password>",
        ),
        ("REDISCLI_AUTH=x ansible_become_pass=y", "REDISCLI_AUTH=<key.password> ansible_become_pass=<key.password>"),
        ("/login?user=bob&pass=hunter2&x=1", "/login?user=bob&pass=<key.password>&x=1"),
        ('{"pass":"hunter2","n":1}', '{"pass":"<key.password>","n":1}'),
        ("AccountKey=Zm9v/+==;EndpointSuffix=x", "AccountKey=<key.api_key>;EndpointSuffix=x"),
        ("SharedAccessKeyName=Root;SharedAccessKey=Zm9v=", "SharedAccessKeyName=Root;SharedAccessKey=<key.api_key>"),
        (
            "?X-Amz-Signature=0a&X-Amz-Security-Token=b/c",
            "?X-Amz-Signature=<key.token>&X-Amz-Security-Token=<key.token>",
        ),
        ("?X-Goog-Signature=0a1b&x=1", "?X-Goog-Signature=<key.token>&x=1"),
        (f"?sv=2022-11-02&sig={'aB' * 21}a%3D&sp=r", "?sv=2022-11-02&sig=<key.token>&sp=r"),
        (f"/x?a=1\\u0026sig={'aB' * 21}a%3D\\u0026b=1", "/x?a=1\\u0026sig=<key.token>\\u0026b=1"),
        ("/x?a=1\\u0026access_token=abc\\u0026b=1", "/x?a=1\\u0026access_token=<key.token>\\u0026b=1"),
        ("user: bob\\npassword: x1\\n", "user: bob\\npassword: <key.password>\\n"),
        ("C:\\token=x1", "C:\\token=<key.token>"),
        ("ASP.NET_SessionId=a connect.sid=b", "ASP.NET_SessionId=<key.cookie>"),
        # brackets, quotes and marks that do not end the value
        ("password={abc}REST x", "password=<key.password> x"),
        ("password=[x]REST, x", "password=<key.password>, x"),
        ("{password=[x].REST}", "{password=<key.password>}"),
        ("password=[redacted:key.password]REST x", "password=<key.password> x"),
        ("password=[redacted:card],REST x", "password=<key.password> x"),
        ("password=[hmac:key.token:0123456789abcdef]REST", "password=<key.password>"),
        ('password="[redacted:key.password]"REST x', "password=<key.password> x"),
        ('{"password":"[redacted:key.password]REST"}', '{"password":"<key.password>"}'),
        ("Cookie: [redacted:key.cookie]; sid=REST", "Cookie: <key.cookie>"),
        ("Cookie: [x]=1; sid=REST", "Cookie: <key.cookie>"),
        ("https://u:[redacted:url_password]REST@h/", "https://u:<url_password>@h/"),
        ('password = """REST""" x', 'password = """<key.password>""" x'),
        ("password = '''a\nREST''' x", "password = '''<key.password>''' x"),
        ('password="""REST x', 'password="""<key.password>'),
        ('password="abc"REST x', "password=<key.password> x"),
        ("password='it''s REST'; x", "password=<key.password>; x"),
        ("password='a'\"REST\" x", 'password=<key.password>" x'),
        ('{"password":"ab"REST"}', '{"password":"<key.password>"}'),
        ('{"secrets":["a"]}{"n":1}', '{"secrets":"<key.secret>"}{"n":1}'),
        ("secrets={a}. Next", "secrets=<key.secret>. Next"),
        ("secrets=[a b]: x", "secrets=<key.secret>: x"),
        ("token='abc'<br>token='x'::text", "token='<key.token>'<br>token='<key.token>'::text"),
        # quoted, and cut off
        ('{"user":"bob","password":"hun\\"ter2","n":1}', '{"user":"bob","password":"<key.password>","n":1}'),
        ('{"password" : "x"}', '{"password" : "<key.password>"}'),
        ("{'password': 'x', 'n': 1}", "{'password': '<key.password>', 'n': 1}"),
        ('"{\\"password\\":\\"a b\\",\\"n\\":1}"', '"{\\"password\\":\\"<key.password>\\",\\"n\\":1}"'),
        ('"{\\"password\\":\\"a\\\\\\"b\\"}"', '"{\\"password\\":\\"<key.password>\\"}"'),
        ('{"password":"hunter', '{"password":"<key.password>'),
        ('{"password":1234,"n":1}', '{"password":"<key.password>","n":1}'),
        ('{"secrets":{"a":"}","b":["x"]},"n":1}', '{"secrets":"<key.secret>","n":1}'),
        ('{"cookies":["a=1","b=2"]}', '{"cookies":"<key.cookie>"}'),
        ('{"credentials":{"user":"bob"', '{"credentials":"<key.credential>"'),
        ('password="correct horse" x', 'password="<key.password>" x'),
        ('"msg":"password=abc"}', '"msg":"password=<key.password>"}'),
        ('"msg":"password=abc\\nuser=bob"', '"msg":"password=<key.password>\\nuser=bob"'),
        ('{"tokens":["a","b"]}', '{"tokens":"<key.token>"}'),
        ('{"authorization":["x1"]}', '{"authorization":"<key.authorization>"}'),
        ('{"authorization":{"token":"x1"}}', '{"authorization":{"token":"<key.token>"}}'),
        ('"a":"AKIAIOSFODNN7EXAMPLE"', '"a":"<aws_key>"'),
        # headers
        ("Authorization: Bearer abc.def x", "Authorization: <key.authorization> x"),
        ("Authorization: abc1", "Authorization: <key.authorization>"),
        ('Authorization: Digest username="a", response="b"\nHost: x', "Authorization: <key.authorization>\nHost: x"),
        ("curl -H 'Authorization: Basic dTpw' https://x", "curl -H 'Authorization: <key.authorization>' https://x"),
        ("token=Bearer abc123", "token=<key.token>"),
        ('Cookie: a="b"; c=d', "Cookie: <key.cookie>"),
        ('"Cookie: a=\\"b\\"; c=d\\n"', '"Cookie: <key.cookie>\\n"'),
        ('{"x":"Cookie: a=b; c=d"}', '{"x":"Cookie: <key.cookie>"}'),
        ("Cookie: a=b; c=d\r\nHost: x", "Cookie: <key.cookie>\r\nHost: x"),
        # commands, statements, and lists of names and values
        ("mysql --password x1 db", "mysql --password <key.password> db"),
        ('["--db-password", "swordfish", "-v"]', '["--db-password", "<key.password>", "-v"]'),
        ('{"a":"[\\"--token\\",\\"x y\\"]"}', '{"a":"[\\"--token\\",\\"<key.token>\\"]"}'),
        ("curl -u bob:x1 https://x", "curl -u bob:<key.password> https://x"),
        ("curl -s --user 'bob:x y' x", "curl -s --user 'bob:<key.password>' x"),
        ('["curl","--proxy-user","bob:x y"]', '["curl","--proxy-user","bob:<key.password>"]'),
        ("ALTER USER bob WITH PASSWORD 'x y' VALID", "ALTER USER bob WITH PASSWORD '<key.password>' VALID"),
        ("create user bob identified by 'it''s x';", "create user bob identified by <key.password>;"),
        ("IDENTIFIED WITH caching_sha2_password BY 'x'", "IDENTIFIED WITH caching_sha2_password BY '<key.password>'"),
        ("mysql --password [redacted:key.password]REST db", "mysql --password <key.password> db"),
        ("curl -u bob:[redacted:key.password]REST x", "curl -u bob:<key.password> x"),
        ('{"name":"DB_PASSWORD","value":"x"}', '{"name":"DB_PASSWORD","value":"<key.password>"}'),
        ('{"key": "token",\n    "value": 12}', '{"key": "token",\n    "value": "<key.token>"}'),
        # forms
        *((f"<{EXAMPLES[rule]}>", f"<<{rule}>>") for rule in PATTERNS if rule.endswith(("_key", "_token"))),
        ("AGE-SECRET-KEY-1" + "Q7" * 29, "<private_key>"),
        ("sk-" + "a1" * 24, "<openai_key>"),
        ("sent Bearer abcDEF123._~+/= ok", "sent Bearer <bearer> ok"),
        ("bearer%20abcdefgh1", "bearer%20<bearer>"),
        ("Basic dXNlcjpwYXNz", "Basic <basic>"),
        ("postgres://bob:hunter2@db/x", "postgres://bob:<url_password>@db/x"),
        ("redis://:p@ss@h", "redis://:<url_password>@h"),
        ("postgres://bob:pa/ss?#@db/x", "postgres://bob:<url_password>@db/x"),
        (f"x={JWT}, {JWT[:-3]}", "x=<jwt>, <jwt>"),
        (f'"\\n{JWT}\\n"', '"\\n<jwt>\\n"'),
        ("4111111111111111", "<card>"),
        ("card 4111 1111 1111 1111 123 12/27", "card <card> 123 12/27"),
        ("3782-822463-10005.", "<card>."),
        ("AKIAIOSFODNN7EXAMPLE, wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "<aws_key>, <aws_secret>"),
        ("a\n-----BEGIN EC PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY-----\nb", "a\n<private_key>\nb"),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----\nlQ", "<private_key>"),
    ],
)
def test_secrets_are_replaced(text: str, without: str) -> None:
    for rule in (*PATTERNS, *(f"key.{name}" for name in ("password", "token", "secret", "api_key", "authorization"))):
        without = without.replace(f"<{rule}>", f"[redacted:{rule}]")
    for rule in ("key.cookie", "key.credential"):
        without = without.replace(f"<{rule}>", f"[redacted:{rule}]")
    assert redacted(text) == without
    assert redacted(without) == without  # a mark is left as it is


@pytest.mark.parametrize(
    "text",
    [
        # prose
        *("the password was changed", "token expired", "invalid token: expired", "Secret Santa: no", "secrets: none"),
        *(
            "a basic authentication scheme",
            "bearer authentication",
            "Basic Authentication",
            "the bearer token is valid",
        ),
        *("passwordless=yes", "secretary: Ms. Smith", "token_count=5", "tokens: 12", "authorization: granted"),
        *(
            "token.go:45: unexpected token",
            "auth::token::Verify",
            "cookie: accepted by bob",
            "password=",
            "password= x",
        ),
        *("password=?", "password: ***", '"password":null,"token":true', "WHERE password = ?", 'enter "password":'),
        *('{"tokens":{"prompt":12}}', '{"token":""}', '"error":"missing password:"}', "objectRef.resource=secrets"),
        '"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":"RBAC: allowed by x"',
        *('{"authorization":{"action":"write"}}', '"authorization": [ {"granted":true}]', "TTY=pts/0 ; PWD=/home/bob"),
        *(
            'pwd="C:\\Users"',
            '{"accessKeyId":"AKIAIOSFODNN7EXAMPLE"}',
            '\\"accessKeyId\\" : \\"ASIAIOSFODNN7EXAMPLE\\"',
        ),
        *('"ElevatedToken":"%%1843"', '"clientToken":"%%1843"', f'"client_token":"hmac-sha256:{"0a" * 32}"'),
        # tests that pass, signatures, and identifiers of sessions
        *(
            "pass=3",
            "pass: ok",
            "pass=ok",
            "first pass",
            "pass=true",
            "first_pass=x1",
            "pass=12/13, fail=5%",
            "pass=95%",
        ),
        *("--- PASS: TestFoo_Bar_1 (0.00s)", "pass: 3 of 4", "pass_rate=x1", '{"pass":"yes","passes":"x1"}', "sig=11"),
        *(f"sig={'aB' * 22}", f'{{"sig":"{"aB" * 22}"}}', "?sig=short&x=1", "session_id=abc", "session.id: 7"),
        # commands, statements, and lists of names and values
        *(
            "use --password or --token to",
            "--password <password>",
            "--password $PASS",
            "--password --verbose",
            "a--token x1",
        ),
        *(
            "--ask-become-pass site.yml",
            "--no-password db_1",
            "--password-stdin ghcr.io",
            "--max-tokens 512",
            "---token x1",
        ),
        *(
            "--secret id=db",
            "--credentials file.json",
            "docker run -u root:root",
            "sudo -u bob:staff x",
            "cp -u a:b; curl x",
        ),
        *("{'msg': 'enter password '}", "it is 'x'", "passed by 'x'", "no_password 'x'", "if password == expected"),
        *('{"name":"user","value":"x"}', '{"name":"tokens","value":12}', '{"token":"","value":"x"}', '{"value":"x"}'),
        # marks and quotes that end where they should
        *(
            "password=[redacted:key.password]. Next",
            "https://token:[redacted:url_password]@h",
            "tokens=[redacted:key.token]: x",
        ),
        *('"a password="""",b', 'password="" x', 'password="[redacted:key.password]" x'),
        # numbers and identifiers
        *("1800000000000000000", "1700000000000000", "1700000000000", "order 4111111111111112", "0.4111111111111111"),
        *(
            "41111111111111110000000",
            "a4111111111111111",
            "4111111111111111f",
            "4111111111111111.5",
            "2026-11-28 10:20:30",
        ),
        *("123e4567-e89b-12d3-a456-426614174000", "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"),
        *("3c1ebd6f0d9a4b7c8e2f1a0b9c8d7e6f5a4b3c2d", "+49 170 1234567", "1234 5678 9012 3456", "v1.2.3-rc.4"),
        # URLs, files and other keys
        *("https://example.com:8080/a@b?x=1", "http://[fe80::1]:80/x@y", "ftp://user@host/", "mailto:a@b.example"),
        *("s3://bucket/secrets/db", "GET /v1/secret/data/x HTTP/1.1", "/v1/tokens/x: not found"),
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----",
        *("ghp_short", "xoxb-1", "AKIAIOSFODNN7EXAMPL", "AIzaSy", "task_live_1234567890", "thexoxb-" + "a" * 12),
        *(
            "sk-learn-contrib-package-1",
            "sk-internationalization",
            "task-" + "a1" * 20,
            "npm_config_registry",
            "SG.short",
        ),
        *(
            "pypi-attestations-0.0.1-py3-none-any",
            "hf_hub_download_x",
            "hvs.someNameOfAnObjectWithoutDigits",
            "npm_" + "a" * 40,
        ),
        *("dop_v1_short", "shpat_short", "AGE-SECRET-KEY-1SHORT"),
        *("eyJhIjoxfQ.eyJhIjoxfQ.c2ln", "[redacted:card]", "[hmac:key.password:0123456789abcdef] token"),
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    ],
)
def test_all_else_is_kept(text: str) -> None:
    assert redacted(text) == text


@given(st.one_of(st.uuids().map(str), st.integers(1_500_000_000 * 10**9, 2_000_000_000 * 10**9).map(str)))
def test_uuids_and_times_in_nanoseconds_are_kept(text: str) -> None:
    assert redacted(f"id {text}.") == f"id {text}."


@given(st.binary(min_size=16, max_size=60), st.integers(0, 2**128 - 1))
def test_hashes_and_base64_are_kept(data: bytes, number: int) -> None:
    for text in (data.hex(), str(UUID(int=number)), base64.b64encode(data).decode()):
        # Some digits make the number of a card, as one in ten of those that begin like one does.
        assert redacted(f"<{text}>", Redactor(Redaction(patterns=set(PATTERNS) - {"card"}))) == f"<{text}>"


@pytest.mark.parametrize("rule", PATTERNS)
def test_each_pattern_can_be_turned_off(rule: str) -> None:
    text, others = EXAMPLES[rule], set(PATTERNS) - {rule}
    assert f"[redacted:{rule}]" in redacted(text, Redactor(Redaction(patterns={*others, rule})))
    assert f"[redacted:{rule}]" not in redacted(text, Redactor(Redaction(patterns=others)))
    assert redacted(text, Redactor(Redaction(patterns=()))) == text
