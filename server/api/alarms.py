"""Findings that raise the server's alarm, beside those that only the caller of a verification is told."""

from __future__ import annotations

from collections.abc import Callable

from server.access.tenants import tenant_of_log
from server.notary.findings import Finding, FindingKind
from storage.bound import scope_if_any

__all__ = ["alarming"]


def alarming(on_finding: Callable[[Finding], object], deployment: str) -> Callable[[Finding], None]:
    """Return a function that passes on the findings that do not only repeat what the caller has named.

    A missing log is one that the caller has named, maybe misspelled; if the server has kept a checkpoint of it, it is
    found to be truncated. A log of a tenant that the caller may not read looks like one that does not exist, so nothing
    that is found about it is passed on.

    Args:
        on_finding: function that is called with a finding, in the context of the call.
        deployment: name of the deployment, which tells its tenants.
    """

    def pass_on(finding: Finding) -> None:
        scope = scope_if_any()
        tenants = scope.tenants if scope else None
        tenant = tenant_of_log(finding.origin, deployment)
        if finding.kind is not FindingKind.LOG_MISSING and (tenants is None or tenant is None or tenant in tenants):
            on_finding(finding)

    return pass_on
