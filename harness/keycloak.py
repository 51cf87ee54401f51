"""A real OpenID provider for tests: Keycloak, from its Maven distribution."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from re import search
from typing import Any

import httpx

from harness.bound_process import BoundProcess
from harness.cache import cached
from harness.free_port import free_port
from harness.lacking import require_tools
from harness.waiting import PATIENCE, wait_for

__all__ = ["CLIENT_SECRET", "PASSWORD", "Keycloak", "installed_keycloak", "keycloak", "submit_form"]

CLIENT_SECRET = "a secret of the client"  # noqa: S105 - of tests
PASSWORD = "correct horse"  # noqa: S105 - of tests

_VERSION = "26.0.8"
_SHA256 = "d82a52098db41f036bcfe8f2ebfd9251781c8af5959af8714e8aa9b311081786"
_BUILD_SECONDS = 900
_GROUPS = {
    "name": "groups",
    "protocol": "openid-connect",
    "protocolMapper": "oidc-group-membership-mapper",
    "config": {
        "full.path": "false",
        "id.token.claim": "true",
        "access.token.claim": "true",
        "userinfo.token.claim": "true",
        "claim.name": "groups",
    },
}


def _user(name: str, email: str, groups: list[str], *, verified: bool = True) -> dict[str, Any]:
    return {
        "username": name,
        "enabled": True,
        "email": email,
        "emailVerified": verified,
        "firstName": name.title(),
        "lastName": "Example",
        "credentials": [{"type": "password", "value": PASSWORD, "temporary": False}],
        "groups": groups,
    }


_REALM = {
    "realm": "shop",
    "enabled": True,
    "sslRequired": "none",
    "groups": [{"name": "log-auditors"}],
    "users": [
        _user("ada", "ada@example.com", ["log-auditors"]),
        _user("eve", "root@example.com", [], verified=False),
    ],
    "clients": [
        {
            "clientId": "lognotary",
            "enabled": True,
            "publicClient": False,
            "secret": CLIENT_SECRET,
            "serviceAccountsEnabled": True,
            "redirectUris": ["http://127.0.0.1:*"],
            "attributes": {"pkce.code.challenge.method": "S256", "post.logout.redirect.uris": "+"},
            "protocolMappers": [_GROUPS],
        },
        {
            "clientId": "lognotary-cli",
            "enabled": True,
            "publicClient": True,
            "standardFlowEnabled": False,
            "attributes": {
                "oauth2.device.authorization.grant.enabled": "true",
                "oauth2.device.polling.interval": "1",
            },
            "protocolMappers": [_GROUPS],
        },
    ],
}


class Keycloak:
    """A running Keycloak with the realm ``shop``: the users ada (in log-auditors) and eve, and two clients.

    Attributes:
        issuer: the issuer of its tokens.
    """

    def __init__(self, url: str) -> None:
        """Know a server at a URL."""
        self.issuer = f"{url}/realms/shop"

    def token(self, **form: str) -> Mapping[str, Any]:
        """Return the answer of the token endpoint to a form."""
        answer = httpx.post(f"{self.issuer}/protocol/openid-connect/token", data=form, timeout=PATIENCE)
        given: Mapping[str, Any] = answer.json()
        return given


def installed_keycloak() -> Path:
    """Return the directory of the program with the realm, downloaded and built if it is not in the cache."""
    require_tools("java", "mvn")
    realm = json.dumps(_REALM)
    name = f"keycloak-{_VERSION}-{hashlib.sha256(realm.encode()).hexdigest()[:8]}"
    return cached(name, lambda to: _install(to, realm))


@contextmanager
def keycloak(directory: Path) -> Iterator[Keycloak]:
    """Run a server that keeps everything in memory, and its log in a directory; it starts in about half a minute."""
    home = installed_keycloak()
    port = free_port()
    options = ["--http-enabled=true", "--hostname-strict=false", "--http-host=127.0.0.1", f"--http-port={port}"]
    process = BoundProcess(
        ["bash", str(home / "bin" / "kc.sh"), "start", "--optimized", *options, "--import-realm", "--cache=local"],
        log=directory / "keycloak.log",
        env={"JAVA_OPTS_APPEND": "-XX:TieredStopAtLevel=1 -Xmx512m"},
    )
    process.start()
    try:
        server = Keycloak(f"http://127.0.0.1:{port}")
        wait_for(lambda: _answers(server, process), every=0.25)
        yield server
    finally:
        process.kill()


def submit_form(browser: httpx.Client, page: httpx.Response, **fields: str) -> httpx.Response:
    """Submit the form of a page, as a person in a browser does."""
    found = search(r'<form[^>]*\baction="([^"]+)"', page.text)
    assert found, page.text
    return browser.post(str(page.url.join(unescape(found[1]))), data=fields)


def _answers(server: Keycloak, process: BoundProcess) -> bool:
    assert process.running, process.log.read_text()[-2000:]
    try:
        return httpx.get(f"{server.issuer}/.well-known/openid-configuration").is_success
    except httpx.TransportError:
        return False


def _install(to: Path, realm: str) -> None:
    artifact = f"org.keycloak:keycloak-quarkus-dist:{_VERSION}:zip"
    _run("mvn", "-q", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={to}")
    archive = to / f"keycloak-quarkus-dist-{_VERSION}.zip"
    with archive.open("rb") as opened:
        assert hashlib.file_digest(opened, "sha256").hexdigest() == _SHA256
    with zipfile.ZipFile(archive) as opened_archive:
        opened_archive.extractall(to)
    archive.unlink()
    unpacked = to / f"keycloak-{_VERSION}"
    for part in list(unpacked.iterdir()):
        shutil.move(part, to / part.name)
    (to / "data" / "import").mkdir(parents=True)
    (to / "data" / "import" / "shop-realm.json").write_text(realm)
    _run("bash", str(to / "bin" / "kc.sh"), "build", "--db=dev-mem", "--features-disabled=kerberos,ciba,impersonation")


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_BUILD_SECONDS, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


if __name__ == "__main__":  # beforehand, where the tests shall not wait for it
    installed_keycloak()
