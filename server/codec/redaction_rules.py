"""Rules of redaction: the names of secrets in keys, and the forms of secrets in texts.

Both codecs read the tables in this module. ``docs/configuration.md`` explains the rules to users.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

__all__ = [
    "CUSTOM",
    "HEADER_SCHEMES",
    "KEPT",
    "KEY_WORDS",
    "MARK_DIGITS",
    "NOT_OPTIONS",
    "NOT_SECRET",
    "NO_REDACTION",
    "OPTION_RULES",
    "PATTERNS",
    "PREFIXES",
    "RULES",
    "SCHEMES",
    "Characters",
    "KeyWord",
    "Mode",
    "Prefix",
    "Redaction",
]

MARK_DIGITS = 16
"""Hexadecimal digits of an HMAC in a mark."""


class Mode(Enum):
    """Treatment of secrets."""

    OFF = "off"  # it is stored
    REMOVE = "remove"  # a mark stands for it
    HASH = "hash"  # a mark with its HMAC stands for it: equal secrets have equal marks
    DISCLOSE = "disclose"  # a mark with a commitment stands for it, and it is stored apart, where it can be erased


PATTERNS = (
    *("anthropic_key", "aws_key", "aws_secret", "basic", "bearer", "card", "digitalocean_token", "docker_token"),
    *("github_token", "gitlab_token", "google_key", "huggingface_token", "jwt", "npm_token", "openai_key"),
    *("private_key", "pypi_token", "sendgrid_key", "shopify_token", "slack_token", "stripe_key", "url_password"),
    "vault_token",
)
"""Rules for forms of secrets, which can be turned off one by one."""

_PASSWORD, _SECRET, _CREDENTIAL, _TOKEN = "key.password", "key.secret", "key.credential", "key.token"
_API_KEY, _PRIVATE_KEY, _AUTHORIZATION = "key.api_key", "key.private_key", "key.authorization"
_COOKIE, CUSTOM = "key.cookie", "key.custom"

RULES = tuple(
    sorted(
        {
            *PATTERNS,
            *(_PASSWORD, _SECRET, _CREDENTIAL, _TOKEN),
            *(_API_KEY, _PRIVATE_KEY, _AUTHORIZATION),
            *(_COOKIE, CUSTOM),
        }
    )
)
"""All rules; those for keys begin with ``key.``. The C++ enum RedactionRule has the same order."""


@dataclass(frozen=True, slots=True)
class KeyWord:
    """Words in a key that say that its value is a secret.

    Attributes:
        words: consecutive words of the key, in lower case.
        rule: the rule.
        prose: True if a plain word in a sentence after such a key, such as in ``password: swordfish``, is a secret.
        counts: True if a number under such a key is none: ``tokens`` are counted more often than listed.
        parts: True if an object, or a list of objects, under such a key is none itself, but may have secrets: the
            ``authorization`` in events of Azure and Google Cloud says what was allowed.
        paths: True if an absolute path is none: ``PWD`` is the working directory, too.
        alone: True if the words must be the whole key. A verdict such as ``ok`` or ``3/4`` is none, and neither is what
            follows a colon in a sentence: tests ``pass``, too.
        parameter: True if only a long signature in a parameter of a URL is one: other signatures are evidence.
    """

    words: tuple[bytes, ...]
    rule: str
    prose: bool = False
    counts: bool = False
    parts: bool = False
    paths: bool = False
    alone: bool = False
    parameter: bool = False


def _words(rule: str, *texts: str, **flags: bool) -> list[KeyWord]:
    return [KeyWord(tuple(text.encode().split()), rule, **flags) for text in texts]


KEY_WORDS: tuple[KeyWord, ...] = (
    *_words(_PASSWORD, "password", "passwd", "passphrase", "passcode", "pass word", prose=True),
    *_words(_PASSWORD, "pgpassword", "sshpass", "mysql pwd", "rediscli auth", prose=True),
    *_words(_PASSWORD, "pwd", prose=True, paths=True),
    *_words(_PASSWORD, "userpassword", "dbpassword", "db pass", "dbpass", "user pass", "userpass", prose=True),
    *_words(_PASSWORD, "smtp pass", "mysql pass", "redis pass", "root pass", "admin pass", "ldap pass", prose=True),
    *_words(_PASSWORD, "mail pass", "ftp pass", "ssh pass", "auth pass", "login pass", "become pass", prose=True),
    *_words(_PASSWORD, "postgres pass", "pg pass", "mongo pass", "vault pass", "key pass", "store pass", prose=True),
    *_words(_PASSWORD, "pass", counts=True, alone=True),
    *_words(_PASSWORD, "passwords", "passphrases", "otp", "cvv", "cvc"),
    *_words(_SECRET, "secret", "clientsecret", "secretkey", "appsecret", prose=True),
    *_words(_SECRET, "secrets"),
    *_words(_CREDENTIAL, "credential", "credentials", "creds"),
    *_words(_TOKEN, "token", "jwt", "accesstoken", "refreshtoken", "authtoken", "idtoken", "sessiontoken"),
    *_words(_TOKEN, "apitoken", "bearertoken", "csrftoken", "xsrftoken", "usertoken", "amz signature"),
    *_words(_TOKEN, "goog signature"),
    *_words(_TOKEN, "sig", alone=True, parameter=True),
    *_words(_TOKEN, "tokens", counts=True, parts=True),
    *_words(_API_KEY, "api key", "api keys", "apikey", "apikeys", "access key", "access keys", "accesskey"),
    *_words(_API_KEY, "account key", "accountkey", "shared key", "subscription key", "auth key", "authkey"),
    *_words(_API_KEY, "master key"),
    *_words(_PRIVATE_KEY, "private key", "private keys", "privatekey", "encryption key", "ssh key"),
    *_words(_AUTHORIZATION, "authorization", parts=True),
    *_words(_COOKIE, "cookie", "cookies", "jsessionid", "phpsessid", "asp net session id", "connect sid"),
)
"""Words that make a key secret. Words of compounds that are written as one word are listed as such."""

NOT_SECRET = frozenset(
    b"""
    action age alg algorithm arn at attempt attempts audience banner bucket budget change changed class consent
    count counts created date decision disabled domain duration enabled endpoint error errors evidence exists exp
    expiration expired expires expiry failed failure failures file filename fingerprint flow format found history
    host httponly id identifier ids info issued issuer kind kinds len length level limit limits manager max method
    min missing mode name names namespace path policies policy provider purpose ratio reason ref refs remaining
    completed requested required reset result role rotated rotation samesite scheme scope scopes secure server
    service size source stage stages state status store strength thumbprint time timestamp total ttl type types uid
    updated uri url usage used valid validity version versions
    c cc conf cpp cs go h java js json kt log php pem py rb rs toml ts txt yaml yml
    """.split()
)
"""Words after a secret's name in a key that say that its value is none: ``token.type``, ``password_policy``, and
``token.go:12``."""

KEPT = tuple(
    tuple(text.split())
    for text in (
        b"access key id",
        b"audit integrity hash",
        b"audit integrity signature",
        b"audit integrity value",
        b"elevated token",
        b"hashed token",
        b"token hash",
    )
)
"""Words at the end of a key whose value is never redacted: identifiers of keys, by which CloudTrail tells sessions
apart, signatures of records, and hashes of random tokens."""

OPTION_RULES = (_PASSWORD, _TOKEN, _API_KEY, CUSTOM)
"""Rules for keys that are looked for in options of commands, too: others have names of files or secrets as values."""

NOT_OPTIONS = frozenset(b"allow ask force generate no prompt reset show use with without".split())
"""First words of options that have no value: ``--ask-pass``, ``--no-password``."""

SCHEMES = {
    b"bearer": False,
    b"basic": False,
    b"token": False,
    b"negotiate": False,
    b"ntlm": False,
    b"apikey": False,
    b"digest": True,
    b"oauth": True,
    b"hawk": True,
    b"signature": True,
    b"aws4-hmac-sha256": True,
}
"""Schemes of the Authorization header, in lower case -> whether parameters follow, up to the line's end (RFC 9110)."""

HEADER_SCHEMES = frozenset(b"api-token aws bot geniekey key sharedkey splunk ssws".split())
"""Schemes of some services, in lower case, which are words elsewhere."""


class Characters(Enum):
    """Characters of which a token consists behind its prefix; the values match the C++ enum Characters."""

    LETTERS = 0
    """Letters and digits."""
    WORD = 1
    """Letters, digits and underscores."""
    NAME = 2
    """Letters, digits, underscores and hyphens."""
    CAPITALS = 3
    """Capital letters and digits."""
    DOTTED = 4
    """Letters, digits, underscores, hyphens and dots."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """Tokens that begin with a text of their own.

    Attributes:
        text: the prefix.
        rule: the rule.
        characters: characters behind the prefix.
        shortest: least number of characters behind the prefix.
        longest: largest number of characters; 0 for any.
        digit: True if one of them must be a digit: words with hyphens may begin like the token.
    """

    text: bytes
    rule: str
    characters: Characters
    shortest: int
    longest: int = 0
    digit: bool = False

    @property
    def stop(self) -> int:
        """Index in the prefix of the byte at which the scanners stop: seldom in texts, and found nowhere before it."""
        return next(self.text.index(stop) for stop in (b"_", b"-", b".", b"z", b"I") if stop in self.text)


def _prefixes(
    rule: str, texts: str, characters: Characters, shortest: int, longest: int = 0, *, digit: bool = False
) -> list[Prefix]:
    return [Prefix(text.encode(), rule, characters, shortest, longest, digit) for text in texts.split()]


PREFIXES = (
    *_prefixes("github_token", "ghp_ gho_ ghu_ ghs_ ghr_", Characters.LETTERS, 16),
    *_prefixes("github_token", "github_pat_", Characters.WORD, 16),
    *_prefixes("gitlab_token", "glpat- gldt- glrt- glptt- glcbt- glft- glagent- gloas-", Characters.NAME, 16),
    *_prefixes("slack_token", "xoxa- xoxb- xoxe- xoxo- xoxp- xoxr- xoxs- xapp-", Characters.NAME, 10),
    *_prefixes("stripe_key", "sk_live_ sk_test_ rk_live_ rk_test_ whsec_", Characters.LETTERS, 10),
    *_prefixes("google_key", "AIza", Characters.NAME, 35, 35),
    *_prefixes("google_key", "ya29.", Characters.NAME, 16),
    *_prefixes("aws_key", "AKIA ASIA", Characters.CAPITALS, 16, 16),
    *_prefixes("npm_token", "npm_", Characters.LETTERS, 36, 36),
    *_prefixes("pypi_token", "pypi-AgEIcHlwaS5vcmc pypi-AgENdGVzdC5weXBpLm9yZw", Characters.NAME, 16),
    *_prefixes("docker_token", "dckr_pat_ dckr_oat_", Characters.NAME, 20),
    *_prefixes("huggingface_token", "hf_", Characters.LETTERS, 34, 34),
    *_prefixes("openai_key", "sk-", Characters.LETTERS, 20, digit=True),
    *_prefixes("openai_key", "sk-proj- sk-svcacct- sk-admin-", Characters.NAME, 20, digit=True),
    *_prefixes("anthropic_key", "sk-ant-", Characters.NAME, 20, digit=True),
    *_prefixes("sendgrid_key", "SG.", Characters.DOTTED, 66, digit=True),
    *_prefixes("vault_token", "hvs. hvb. hvr.", Characters.NAME, 24, digit=True),
    *_prefixes("digitalocean_token", "dop_v1_ doo_v1_ dor_v1_", Characters.LETTERS, 64),
    *_prefixes("shopify_token", "shpat_ shpca_ shppa_ shpss_", Characters.LETTERS, 32),
    *_prefixes("private_key", "AGE-SECRET-KEY-1", Characters.CAPITALS, 58, 58),
)
"""Prefixes of tokens."""


@dataclass(frozen=True, slots=True)
class Redaction:
    """Redaction as it is configured.

    Attributes:
        mode: what becomes of a secret, unless its rule has a mode of its own.
        keys: more words that make a key secret, each as in a key: ``internal.code`` or ``internalCode``.
        keep: keys, in any case, whose values are never redacted.
        patterns: rules of ``PATTERNS`` that are on.
        key: key of HMACs, for ``Mode.HASH``.
        modes: rule -> its own mode.
    """

    mode: Mode = Mode.REMOVE
    keys: tuple[str, ...] = ()
    keep: Collection[str] = ()
    patterns: Collection[str] = PATTERNS
    key: bytes = b""
    modes: Mapping[str, Mode] = field(default_factory=dict)

    def mode_of(self, rule: str) -> Mode:
        """Return what becomes of the secrets of a rule; ``Mode.OFF`` if it is not looked for."""
        if rule in PATTERNS and rule not in self.patterns:
            return Mode.OFF
        return self.modes.get(rule, self.mode)

    def uses(self, *modes: Mode) -> bool:
        """Return whether some rule has one of some modes."""
        return any(self.mode_of(rule) in modes for rule in RULES)

    def removing(self) -> Redaction:
        """Return a redaction that removes what this one redacts, without a key and without salts."""
        modes = {rule: Mode.OFF if self.mode_of(rule) is Mode.OFF else Mode.REMOVE for rule in RULES}
        return replace(self, key=b"", modes=modes)

    @property
    def is_off(self) -> bool:
        """True if nothing is redacted."""
        return all(self.mode_of(rule) is Mode.OFF for rule in RULES)


NO_REDACTION = Redaction(Mode.OFF)
"""Redaction that is off."""
