"""The table of settings of access: TLS, senders, logins of people and programs."""

from __future__ import annotations

from server.settings.setting import PORTS, Kind, Setting

__all__ = ["ACCESS", "ACCESS_SETTINGS", "LOGIN", "LOGIN_SETTINGS", "TLS", "TLS_SETTINGS"]

TLS = "TLS"
_CLIENTS = ("optional", "required")
ACCESS = "access"
LOGIN = "login of people and programs"

TLS_SETTINGS = (
    Setting("tls_cert", "", "PEM file of the certificate of all ports, and of its chain", Kind.FILE, TLS),
    Setting("tls_key", "", "PEM file of the certificate's private key", Kind.FILE, TLS),
    Setting("tls_client_ca", "", "PEM file of the CAs whose client certificates are accepted", Kind.FILE, TLS),
    Setting(
        "tls_client_certificates",
        "required",
        "with tls_client_ca: whether clients need a certificate; gRPC ports know only required",
        Kind.CHOICE,
        TLS,
        _CLIENTS,
    ),
    *(
        setting
        for port in PORTS
        for setting in (
            Setting(f"{port}_tls_cert", "", f"tls_cert of {port} alone; off: no TLS there", Kind.FILE, TLS),
            Setting(f"{port}_tls_key", "", f"tls_key of {port} alone", Kind.FILE, TLS),
            Setting(f"{port}_tls_client_ca", "", f"tls_client_ca of {port} alone; off: none there", Kind.FILE, TLS),
            Setting(
                f"{port}_tls_client_certificates",
                "",
                f"tls_client_certificates of {port} alone",
                Kind.CHOICE,
                TLS,
                _CLIENTS,
            ),
        )
    ),
    Setting(
        "insecure_listen",
        "false",
        "true: listen beyond this machine also without TLS or authentication, because something else protects the "
        "ports",
        Kind.TRUTH,
        TLS,
    ),
)

ACCESS_SETTINGS = (
    Setting(
        "authentication",
        "auto",
        "ports on which credentials are required: auto (those that other machines can reach, and those of the API if "
        "there are credentials for it), required (all), or off (none); credentials that are presented are always "
        "checked",
        Kind.CHOICE,
        ACCESS,
        ("auto", "required", "off"),
    ),
    Setting(
        "tokens_file",
        "",
        "file of tokens, such as one that several servers share; default: access/tokens.json in data_dir",
        Kind.FILE,
        ACCESS,
    ),
    Setting(
        "sender_certificates",
        "",
        "senders that client certificates stand for, separated by commas: IDENTITY=NAME or IDENTITY=NAME@TENANT, such "
        "as URI:spiffe://shop/checkout=checkout",
        Kind.LIST,
        ACCESS,
    ),
    Setting(
        "access_log",
        "on",
        "records of who looked, in a log of their own: on, required (each answer waits for its record, and is refused "
        "without one), or off",
        Kind.CHOICE,
        ACCESS,
        ("on", "required", "off"),
    ),
)

LOGIN_SETTINGS = (
    Setting("oidc_issuer", "", "URL of the OpenID provider that people and programs log in with", Kind.URL, LOGIN),
    Setting("oidc_client_id", "", "ID of this server as a client of the provider", Kind.TEXT, LOGIN),
    Setting(
        "oidc_client_secret",
        "",
        "secret of this client; default: none, the client is public",
        Kind.SECRET,
        LOGIN,
    ),
    Setting(
        "oidc_client_secret_file",
        "",
        "file with the secret of this client",
        Kind.FILE,
        LOGIN,
    ),
    Setting(
        "oidc_audiences",
        "",
        "more audiences whose bearer tokens are accepted, separated by commas, beside the IDs of the clients",
        Kind.LIST,
        LOGIN,
    ),
    Setting(
        "oidc_cli_client_id",
        "",
        "ID of the public client that 'lognotary login' is; default: oidc_client_id",
        Kind.TEXT,
        LOGIN,
    ),
    Setting(
        "oidc_scopes",
        "openid,email,profile",
        "scopes that logins ask for, separated by commas",
        Kind.LIST,
        LOGIN,
    ),
    Setting("oidc_groups_claim", "groups", "name of the claim with the groups of a person", Kind.TEXT, LOGIN),
    Setting(
        "oidc_groups_url",
        "",
        "URL that lists the groups of a person if there are too many for a token (Microsoft Graph, or userinfo)",
        Kind.URL,
        LOGIN,
    ),
    Setting(
        "oidc_ca_file",
        "",
        "PEM file of authorities for the provider's certificate; default: those of the system",
        Kind.FILE,
        LOGIN,
    ),
    Setting(
        "public_url",
        "",
        "URL at which browsers reach the HTTP API; default: its address, if that is on this machine",
        Kind.URL,
        LOGIN,
    ),
    Setting("session_idle", "30m", "time without use after which a session on pages ends", Kind.DURATION, LOGIN),
    Setting("session_age", "12h", "time after the login at which a session on pages ends", Kind.DURATION, LOGIN),
    Setting(
        "trusted_proxies",
        "",
        "networks of proxies that authenticate people and senders, separated by commas; their headers are believed",
        Kind.LIST,
        LOGIN,
    ),
    Setting("proxy_user_header", "X-Forwarded-User", "header of trusted proxies: the user", Kind.TEXT, LOGIN),
    Setting(
        "proxy_groups_header",
        "X-Forwarded-Groups",
        "header of trusted proxies: groups, separated by commas",
        Kind.TEXT,
        LOGIN,
    ),
    Setting(
        "proxy_email_header", "X-Forwarded-Email", "header of trusted proxies: the e-mail address", Kind.TEXT, LOGIN
    ),
    Setting("proxy_tenant_header", "X-Scope-OrgID", "header of trusted proxies: the tenant", Kind.TEXT, LOGIN),
    Setting(
        "break_glass_file",
        "",
        "file with the secret of an administrator for emergencies, who presents it as bearer token",
        Kind.FILE,
        LOGIN,
    ),
)
