"""Texts and keys that are, or look like, those of secrets."""

from __future__ import annotations

from hypothesis import strategies as st

__all__ = ["EXAMPLES", "JWT", "secret_keys", "secret_texts"]

JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
EXAMPLES = {
    "anthropic_key": "sk-ant-api03-" + "a1" * 20,
    "aws_key": "AKIAIOSFODNN7EXAMPLE",
    "aws_secret": "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "basic": "Basic dXNlcjpwYXNz",
    "bearer": "Bearer abcDEF123",
    "card": "4111 1111 1111 1111",
    "digitalocean_token": "dop_v1_" + "b2" * 32,
    "docker_token": "dckr_pat_" + "c3" * 13,
    "github_token": "ghp_" + "a1" * 18,
    "gitlab_token": "glpat-" + "c3" * 10,
    "google_key": "AIza" + "f5" * 17 + "g",
    "huggingface_token": "hf_" + "aB" * 17,
    "jwt": JWT,
    "npm_token": "npm_" + "d4" * 18,
    "openai_key": "sk-proj-" + "e5" * 20,
    "private_key": "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
    "pypi_token": "pypi-AgEIcHlwaS5vcmc" + "f6" * 20,
    "sendgrid_key": "SG." + "g7" * 11 + "." + "h8" * 21 + "i",
    "shopify_token": "shpat_" + "09" * 16,
    "slack_token": "xoxb-" + "1d" * 9,
    "stripe_key": "sk_live_" + "e4" * 9,
    "url_password": "https://user:hunter2@host/",
    "vault_token": "hvs." + "j0" * 12,
}
"""Rule for a form -> a text with such a secret."""

_PARTS = (
    *("password", "passwd", "Pwd", "secret", "token", "tokens", "api key", "apiKey", "x-api-key", "Authorization"),
    *("cookie", "Set-Cookie", "private key", "secret access key", "key", "userPassword2", "db.pass", "%5Bpassword%5D"),
    *("token.type", "token_count", "secretary", "credential", "[password]", "keep.me", "internalCode"),
    *(
        "=",
        ":",
        " = ",
        ": ",
        "=>",
        ":=",
        "::",
        "://",
        "@",
        ",",
        ";",
        "&",
        "|",
        "\n",
        "\t",
        " ",
        "/",
        "?",
        "#",
        "-",
        ".",
    ),
    *('"', "'", "`", '\\"', '\\\\"', "\\", "\\n", "{", "}", "[", "]", "(", ")", "<", ">", "%20", "+", "_", "*", "é"),
    *("Bearer ", "bearer ", "Basic ", "Digest ", "dXNlcjpwYXNz", "Og==", "abcDEF123", "swordfish", "hunter2", "true"),
    *("hmac-sha256:" + "0a" * 32, "%%12", "/home", "C:\\x", "accessKeyId", "pwd", "tokens", '":"', '":{"', '":[{"'),
    *("null", "42", "-1.5", "0", "x", "user", "https://u:p@h/", "http://h:80/a@b", "postgres://u:p/w@h"),
    *("4111111111111111", "4111 1111 1111 1111", "3782-822463-10005", "5500000000000004", "1234", "1111", "6011"),
    *("1800000000000000000", "4111111111111112", "0", "9"),
    *("AKIAIOSFODNN7EXAMPLE", "ASIA", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "AKIA"),
    *("ghp_" + "a1" * 18, "github_pat_" + "b2" * 12, "glpat-" + "c3" * 10, "xoxb-" + "1d" * 9, "sk_live_" + "e4" * 9),
    *("AIza" + "f5" * 17 + "g", "ya29." + "h6" * 9, "whsec_" + "i7" * 9, "ghp_", "xoxb-", "sk_live_", "AIza"),
    *(JWT, JWT[:36], "eyJ", JWT + ".x.y", "eyJhbGci.."),
    *("-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----", "-----BEGIN CERTIFICATE-----", "-----"),
    *("-----BEGIN PGP PRIVATE KEY BLOCK-----", "-----END ", "MIIEow", "PRIVATE KEY"),
    *("pass", "PGPASSWORD", "sig", "pass=", "&sig=", "a" * 43 + "%3D", "ok", "12/13", "95%", "/4", "\\u0026", "u0026"),
    *('"""', "'''", "{abc}", "[x]", "REST", ".", "!", '"value":', '"name":"token",', '"key" : "pass",\n ', "value"),
    *("--", "--password", "--no-password", "--token ", '"--api-key","', '", "', "curl ", " -u ", " --user=", "user:"),
    *(" password '", " IDENTIFIED BY '", "identified with x by '", " '", "by ", "sk-", "sk-ant-", "hvs.", "SG."),
    *("AGE-SECRET-KEY-1" + "Q7" * 29, *(EXAMPLES[rule] for rule in EXAMPLES if rule.endswith(("_key", "_token")))),
    *(
        "\\u003d",
        "\\u003D",
        "\\/",
        ":\\/\\/",
        "curl ",
        " -sSu ",
        "bob@corp",
        "dom\\user",
        "1234:",
        "required",
        "must be",
        "(12)",
    ),
    *(
        "Key ",
        "SSWS ",
        "ALTER USER a ",
        "IDENTIFIED BY ",
        "VALUES ",
        "E'",
        ' "',
        " to ",
        "grant ",
        " " * 20,
        "пароль",
        "“",
    ),
    *("[redacted:key.password]", "[redacted:card]", "[hmac:key.token:0123456789abcdef]", "[redacted:x]", "[hmac:card:"),
)

secret_texts: st.SearchStrategy[str] = st.one_of(
    st.lists(st.sampled_from(_PARTS), max_size=12).map("".join),
    st.lists(st.one_of(st.sampled_from(_PARTS), st.text(max_size=3)), max_size=12).map("".join),
    st.sampled_from(_PARTS),
)

secret_keys: st.SearchStrategy[str] = st.one_of(
    st.lists(st.sampled_from(_PARTS[:27]), min_size=1, max_size=3).map(".".join), secret_texts
)
