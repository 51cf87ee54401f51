"""A real server with TLS and client certificates on all ports: senders, commands, its own records, a renewal."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from harness.certificates import CertificateFiles, client_names, local_certificate, new_authority, put
from harness.lacking import lacking
from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.otlp_load import log_record, request_of
from harness.waiting import wait_for
from server.commands.dev_certificates import Authority

EXPORT = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"


class Site:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.authority = new_authority()
        self.ca = directory / "ca.pem"
        self.ca.write_bytes(self.authority.issued.certificate)
        self.renew(self.authority)
        names = client_names(dns=("checkout.example",))
        self.client = put(self.authority.issue("checkout", names, client=True), directory, "client")

    def renew(self, authority: Authority) -> CertificateFiles:
        return put(local_certificate(authority), self.directory, "server")

    @property
    def settings(self) -> dict[str, str]:
        return {
            "tls_cert": str(self.directory / "server.pem"),
            "tls_key": str(self.directory / "server-key.pem"),
            "tls_client_ca": str(self.ca),
        }

    def context(self, authority: Authority) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=authority.issued.certificate.decode())
        context.load_cert_chain(self.client.cert, self.client.key)
        return context

    def channel(self, address: str, authority: Authority) -> grpc.Channel:
        credentials = grpc.ssl_channel_credentials(
            authority.issued.certificate, self.client.key.read_bytes(), self.client.cert.read_bytes()
        )
        return grpc.secure_channel(address, credentials, [("grpc.use_local_subchannel_pool", 1)])

    def ask(self, server: LognotaryServer, *arguments: str) -> subprocess.CompletedProcess[str]:
        flags = ("--api-ca", str(self.ca), "--api-cert", str(self.client.cert), "--api-key", str(self.client.key))
        return run_lognotary(*arguments, "--api", f"https://{server.api_grpc}", *flags)


def export(channel: grpc.Channel, text: str) -> None:
    call: Any = channel.unary_unary(EXPORT, None, ExportLogsServiceResponse.FromString)
    call(request_of([log_record(text)]).SerializeToString(), timeout=60, wait_for_ready=True)


def test_senders_and_commands_use_tls_and_a_renewal_loses_nothing(tmp_path: Path) -> None:
    site, renewed = Site(tmp_path), new_authority("renewed")
    storage = f"chdb://{tmp_path / 'chdb'}"
    with LognotaryServer(storage, tmp_path / "data", batch_age=0.05, **site.settings) as server:  # type: ignore[arg-type]
        https = server.otlp_http.replace("http://", "https://")
        with site.channel(server.otlp_grpc, site.authority) as channel:
            export(channel, "over gRPC")
            body = request_of([log_record("over HTTPS")]).SerializeToString()
            headers = {"content-type": "application/x-protobuf"}
            with httpx.Client(verify=site.context(site.authority)) as client:
                assert client.post(f"{https}/v1/logs", content=body, headers=headers).status_code == 200
                site.renew(renewed)
                subprocess.run(["kill", "-HUP", str(server.pid)], check=True)
                server.wait_for_log("was read anew")
                assert client.post(f"{https}/v1/logs", content=body, headers=headers).status_code == 200
            export(channel, "after the renewal, on the same connection")
        with site.channel(server.otlp_grpc, renewed) as channel:
            export(channel, "on a new connection")
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.post(f"{https}/v1/logs", content=body, headers=headers, verify=site.context(site.authority))
        site.ca.write_bytes(renewed.issued.certificate + site.authority.issued.certificate)
        metrics = httpx.get(server.http.replace("http://", "https://") + "/metrics", verify=site.context(renewed)).text
        assert 'lognotary_tls_certificate_not_after_seconds{port="otlp_grpc"}' in metrics

        added = site.ask(server, "hold", "add", "case-1", "--service", "shop", "--reason", "a lawsuit")
        assert added.returncode == 0, added.stderr  # the server recorded that itself
        found = site.ask(server, "search", "--json", "--limit", "50")
        assert found.returncode == 0, found.stderr
        for text in ("over gRPC", "over HTTPS", "after the renewal, on the same connection", "on a new connection"):
            assert text in found.stdout
        refused = run_lognotary("status", "--api", server.api_grpc)
        assert refused.returncode == 2
        assert "if it has TLS, give https:// before the address" in refused.stderr
    assert "Traceback" not in server.log_text()


def test_workers_have_tls_renew_it_and_take_the_server_s_own_records(clickhouse_storage: str, tmp_path: Path) -> None:
    site, renewed = Site(tmp_path), new_authority("renewed")
    settings: dict[str, str | float] = {**site.settings, "workers": 2, "batch_age": 0.05}
    with LognotaryServer(clickhouse_storage, tmp_path / "data", **settings) as server:  # type: ignore[arg-type]
        with site.channel(server.otlp_grpc, site.authority) as channel:
            export(channel, "before")
            site.renew(renewed)
            wait_for(lambda: server.log_text().count("was read anew") == 3)  # by the server and both workers
            export(channel, "after")
        with site.channel(server.otlp_grpc, renewed) as channel:
            export(channel, "new")
        site.ca.write_bytes(renewed.issued.certificate + site.authority.issued.certificate)
        added = site.ask(server, "hold", "add", "case-1", "--service", "shop", "--reason", "a lawsuit")
        assert added.returncode == 0, added.stderr


def test_callers_of_the_api_have_the_roles_of_their_certificates(tmp_path: Path) -> None:
    site, config = Site(tmp_path), tmp_path / "lognotary.toml"
    config.write_text('[[roles]]\ncertificate = "DNS:checkout.example"\nrole = "auditor"\n')
    settings = {**site.settings, "config": str(config), "http_tls_client_certificates": "optional"}
    with LognotaryServer(f"chdb://{tmp_path / 'chdb'}", tmp_path / "data", **settings) as server:  # type: ignore[arg-type]
        api = server.http.replace("http://", "https://") + "/api/v1"
        with httpx.Client(verify=site.context(site.authority)) as client:
            assert client.get(f"{api}/logs").status_code == 200
            assert client.get(f"{api}/status").status_code == 403
            assert client.post(f"{api}/verify").status_code == 403  # a page of another site could send that
            json = {"Content-Type": "application/json"}
            assert client.post(f"{api}/verify", headers=json).status_code == 200
            assert client.get(f"{api}/logs", headers={"Authorization": "Bearer lgn_x"}).status_code == 401
        anybody = httpx.get(f"{api}/logs", verify=ssl.create_default_context(cafile=str(site.ca)))
        assert anybody.status_code == 401
        found, status = site.ask(server, "audit", "--access"), site.ask(server, "status")
        assert found.returncode in (0, 1), found.stderr  # 1: nothing is found yet
        assert (status.returncode, "do not permit" in status.stderr) == (2, True)


def test_openssl_gets_tls_1_2_and_nothing_older(tmp_path: Path) -> None:
    openssl = shutil.which("openssl") or lacking("no openssl")
    site = Site(tmp_path)
    settings = {**site.settings, "tls_client_ca": ""}
    with LognotaryServer(f"chdb://{tmp_path / 'chdb'}", tmp_path / "data", **settings) as server:  # type: ignore[arg-type]
        for address in (server.otlp_grpc, server.http.removeprefix("http://")):
            for version, accepted in (("-tls1_1", False), ("-tls1_2", True)):
                command = [openssl, "s_client", "-connect", address, version, "-cipher", "ALL:@SECLEVEL=0"]
                done = subprocess.run(
                    [*command, "-alpn", "h2,http/1.1", "-CAfile", str(site.ca)],
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=60,
                    check=False,
                )
                verified = b"Verify return code: 0 (ok)" in done.stdout and done.returncode == 0
                assert verified == accepted, done
