"""Keys of secrets are recognized by their words."""

from __future__ import annotations

import pytest

from server.codec.redaction_keys import SecretKeys, split_key
from server.codec.redaction_rules import KEPT, KEY_WORDS, NOT_SECRET, RULES, Redaction

KEYS = SecretKeys(Redaction(keys=("internal.code", "shoeSize"), keep=("X-Api-Key",)))


def rule_of(key: str) -> str | None:
    found = KEYS.find(key.encode())
    return found.rule if found else None


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("http.request.header.set-cookie", "http request header set cookie"),
        ("userPassword2", "user password"),
        ("APIKey", "api key"),
        ("api_key", "api key"),
        ("X509Certificate", "x certificate"),
        ("user%5Bpassword%5D", "user password"),
        ("a/b c--d", "a b c d"),
        ("Größe.TOKEN", "größe token"),
        ("100%", ""),
        ("", ""),
    ],
)
def test_keys_are_split_into_words(key: str, words: str) -> None:
    assert b" ".join(split_key(key.encode())).decode() == words


@pytest.mark.parametrize(
    ("key", "rule"),
    [
        ("password", "key.password"),
        ("db.password", "key.password"),
        ("userPassword", "key.password"),
        ("DB_PASSWORD_PROD", "key.password"),
        ("password.user1", "key.password"),
        ("passWord", "key.password"),
        ("password_hash", "key.password"),
        ("client_secret", "key.secret"),
        ("AWS_SECRET_KEY", "key.secret"),
        ("secrets", "key.secret"),
        ("password_reset_token", "key.token"),
        ("accesstoken", "key.token"),
        ("X-Amz-Signature", "key.token"),
        ("aws.access_key", "key.api_key"),
        ("ApiKeys", "key.api_key"),
        ("ssh_private_key", "key.private_key"),
        ("http.request.header.authorization", "key.authorization"),
        ("proxy-authorization", "key.authorization"),
        ("Set-Cookie", "key.cookie"),
        ("aws.credentials", "key.credential"),
        ("pass", "key.password"),
        ("PGPASSWORD", "key.password"),
        ("MYSQL_PWD", "key.password"),
        ("REDISCLI_AUTH", "key.password"),
        ("ansible_ssh_pass", "key.password"),
        ("ASP.NET_SessionId", "key.cookie"),
        ("connect.sid", "key.cookie"),
        ("my.internal_code", "key.custom"),
        ("shoe.size", "key.custom"),
    ],
)
def test_keys_with_the_words_of_a_secret_are_secret(key: str, rule: str) -> None:
    assert rule_of(key) == rule


@pytest.mark.parametrize(
    "key",
    [
        *("passwordless", "secretary", "tokenizer", "cookies_consent", "authorizations", "passport", "keyboard", "key"),
        *("token_count", "tokens.used", "token.type", "secretName", "secret.arn", "password_policy", "token_url"),
        *("authorization.k8s.io/decision", "authentication.kubernetes.io/credential-id", "secretKeyRef", "token.go"),
        *("azure.identity.authorization.action", "authorizationInfo.permission", "uniqueTokenIdentifier"),
        *(
            "first_pass",
            "pass.rate",
            "test.pass",
            "bypass",
            "session.id",
            "sessionId",
            "sessionid",
            "signature",
            "x.sig",
        ),
        *("token_policies", "objectRef.resource", "http.request.header.x-request-id", "code.internal", "shoe", "size"),
    ],
)
def test_keys_that_only_look_alike_are_not_secret(key: str) -> None:
    assert rule_of(key) is None


def test_a_key_of_many_words_takes_time_in_proportion() -> None:
    assert KEYS.find(b"x." * 50_000) is None  # minutes, if the words before each were copied


def test_a_kept_key_is_recognized_in_any_case() -> None:
    assert KEYS.keeps(b"x-api-KEY")
    assert not KEYS.keeps(b"api-key")


@pytest.mark.parametrize(
    "key",
    [
        *("accessKeyId", "aws.user_identity.access_key.id", "audit.integrity.value", "ElevatedToken", "hashed_token"),
        "azure.identity.tokenHash",
    ],
)
def test_identifiers_signatures_and_hashes_of_tokens_are_kept(key: str) -> None:
    assert KEYS.keeps(key.encode())


@pytest.mark.parametrize("key", ["accessKey", "secretAccessKey", "password_hash", "audit.token.value", "token"])
def test_keys_with_other_ends_are_not_kept(key: str) -> None:
    assert not KEYS.keeps(key.encode())
    assert rule_of(key) is not None


def test_the_words_of_the_rules_are_those_into_which_keys_are_split() -> None:
    assert [word for word in KEY_WORDS if split_key(b".".join(word.words)) != list(word.words)] == []
    assert [word for word in NOT_SECRET if split_key(word) != [word]] == []
    assert [words for words in KEPT if split_key(b".".join(words)) != list(words)] == []
    assert {word.rule for word in KEY_WORDS} | {"key.custom"} == {rule for rule in RULES if rule.startswith("key.")}
