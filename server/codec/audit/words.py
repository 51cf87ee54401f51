"""Known words of outcomes, and the category of an action by the words of its name.

The category is looked up by whole words of the whole name: ``UserLoginFailed``, ``user.login`` and ``user_login`` are
``auth``, ``logistics.ship`` and ``author.update`` are not.
"""

from __future__ import annotations

import re
from itertools import pairwise

__all__ = [
    "ACTOR_TYPES",
    "ADMIN_OBJECTS",
    "ADMIN_VERBS",
    "AUTH_CHECKS",
    "AUTH_OBJECTS",
    "AUTH_PAIRS",
    "AUTH_WORDS",
    "CATEGORIES",
    "CHANGE_VERBS",
    "DATA_OBJECTS",
    "FAILURES",
    "SUCCESSES",
    "SYSTEM_OBJECTS",
    "SYSTEM_VERBS",
    "category_of",
    "outcome_of",
    "words_of",
]

ACTOR_TYPES = (b"user", b"service", b"system")

CATEGORIES = (b"admin", b"data", b"auth", b"system")

SUCCESSES = frozenset(
    b"success successful succeeded ok allow allowed accept accepted grant granted permit permitted pass passed "
    b"approved authorized authenticated completed true".split()
)
"""Outcomes as sent, in lower case, that are successes."""

FAILURES = frozenset(
    b"failure failed fail error denied deny forbidden forbid reject rejected refused block blocked unauthorized "
    b"unauthenticated invalid aborted timeout unsuccessful false".split()
)
"""Outcomes as sent, in lower case, that are failures."""

AUTH_WORDS = frozenset(
    b"login logins logon logout logoff signin signout signon signoff authenticate authenticated reauthenticate lockout "
    b"sudo impersonate impersonation denied forbidden unauthorized unauthenticated loggedin loggedout loggedon "
    b"loggedoff signedin signedout".split()
)
"""Words that make an action one of logins and denials."""

AUTH_OBJECTS = frozenset(
    b"sso mfa 2fa totp otp webauthn passkey auth authn authz authentication saml oidc oauth oauth2 kerberos".split()
)
"""Words for means of logins: a change of them is one of accounts, all else that is done with them is a login."""

AUTH_CHECKS = frozenset(b"challenge challenges challenged verify verified verification authorize generate".split())
"""Words that make an action with a means of logins a login, even if another word is one for changes."""

CHANGE_VERBS = frozenset(
    b"add added create created creates delete deleted deletes remove removed update updated updates change changed "
    b"modify modified edit edited set put patch replace insert attach attached detach detached enable enabled "
    b"disable disabled activate activated deactivate deactivated suspend suspended unsuspend reset rename renamed "
    b"register registered unregister provision provisioned deprovision import restore restored upsert write bind "
    b"unbind associate disassociate tag untag move transfer transferred link unlink generate regenerate purge lock "
    b"locked unlock unlocked authorize new recreate toggle creation deletion removal modification registration "
    b"activation deactivation suspension destroy destroyed destruction drop dropped alter altered alteration "
    b"close closed closure clear cleared erase erased wipe wiped rotate rotated rotation reactivate reactivated "
    b"provisioning deprovisioning del".split()
)
"""Words for changes."""

ADMIN_VERBS = frozenset(
    b"grant granted revoke revoked assign assigned unassign unassigned invite invited promote demote ban banned "
    b"unban unbanned elevate elevated elevation escalate escalated escalation deprovision block blocked unblock "
    b"unblocked revocation invitation promoted demoted promotion demotion "
    b"useradd userdel usermod adduser deluser groupadd groupdel groupmod addgroup delgroup".split()
)
"""Words for changes of permissions, whatever their object is, and names of programs that change accounts."""

ADMIN_OBJECTS = frozenset(
    b"user users account accounts group groups team member members membership role roles permission permissions "
    b"policy policies privilege privileges acl acls iam access password passwd principal serviceaccount "
    b"serviceaccounts identity identities collaborator owner admin administrator key keys apikey accesskey "
    b"rolebinding rolebindings clusterrole clusterroles clusterrolebinding clusterrolebindings token tokens "
    b"credential credentials entitlement entitlements scim factor factors".split()
)
"""Words for accounts and permissions."""

SYSTEM_VERBS = frozenset(
    b"deploy deployed undeploy start started stop stopped restart restarted reboot shutdown boot install installed "
    b"uninstall upgrade upgraded downgrade scale scaled rotate rotated terminate terminated launch run failover "
    b"backup migrate drain cordon uncordon halt reload".split()
)
"""Words for operations on infrastructure."""

SYSTEM_OBJECTS = frozenset(
    b"config configs configuration configurations configmap configmaps setting settings deployment deployments "
    b"instance instances cluster clusters node nodes host hosts server servers vm network networks subnet vpc "
    b"firewall route routes pod pods service services daemonset daemonsets statefulset statefulsets replicaset "
    b"replicasets namespace namespaces volume volumes snapshot image container containers pipeline workflow runner "
    b"webhook hook feature flag flags certificate certificates domain dns endpoint function lambda trail logging "
    b"alarm job cronjob cronjobs ingress ingresses integration plugin extension package module kernel system "
    b"audit".split()
)
"""Words for configuration and infrastructure."""

DATA_OBJECTS = frozenset(
    b"data record records file files document documents object objects row rows table tables secret secrets report "
    b"reports message messages invoice order orders item items page comment".split()
)
"""Words for data; an action on data is not one on the account or setting that stands before it."""

# Other sessions are those of conferences, games and orders.
_OF_SESSIONS = (
    *(b"", b"ssh", b"rdp", b"console", b"shell", b"web", b"remote", b"browser", b"idle", b"active"),
    *ADMIN_OBJECTS,
    *CHANGE_VERBS,
    *ADMIN_VERBS,
    *(b"start", b"started", b"stop", b"stopped", b"terminate", b"terminated", b"end", b"ended", b"open", b"opened"),
)

AUTH_PAIRS = frozenset(
    {
        *(
            (first, second)
            for first in (b"log", b"sign", b"logged", b"signed")
            for second in (b"in", b"on", b"out", b"off")
        ),
        *((verb, b"token") for verb in (b"refresh", b"exchange", b"introspect", b"issue", b"validate")),
        *((b"token", verb) for verb in (b"refresh", b"exchange", b"introspect", b"issue", b"validate")),
        *((b"authorization", result) for result in (b"failure", b"failed", b"error", b"rejected")),
        *((verb, b"role") for verb in (b"assume", b"assumed", b"switch", b"switched")),
        *((b"role", verb) for verb in (b"assume", b"assumed", b"switch", b"switched")),
        *((b"invalid", what) for what in (b"credential", b"credentials", b"password", b"passwd", b"token")),
        *((b"token", verb) for verb in (b"issued", b"refreshed", b"exchanged", b"validated")),
        *((owner, session) for owner in (*_OF_SESSIONS, *AUTH_OBJECTS) for session in (b"session", b"sessions")),
        *((owner, token) for owner in AUTH_OBJECTS for token in (b"token", b"tokens")),
    }
)
"""Neighbouring words that make an action one of logins and denials. Before the first word stands an empty one."""

_HTTP_STATUS = re.compile(rb"[1-5][0-9]{2}")
_WORD = re.compile(rb"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+|[0-9]+")


def outcome_of(sent: bytes) -> bytes:
    """Return the outcome for a word or an HTTP status: ``success``, ``failure``, or ``unknown`` for all else."""
    word = sent.lower()
    if _HTTP_STATUS.fullmatch(word):
        return b"success" if word < b"400" else b"failure"
    if word in SUCCESSES:
        return b"success"
    return b"failure" if word in FAILURES else b"unknown"


def category_of(action: bytes, target_type: bytes) -> bytes:
    """Return the category of an action on a target of some type."""
    words = words_of(action)
    known = frozenset(words)
    if known & AUTH_WORDS or not AUTH_PAIRS.isdisjoint(pairwise((b"", *words))):
        return b"auth"
    changes = not words or bool(known & CHANGE_VERBS)  # without an action, a change is assumed
    if known & AUTH_OBJECTS:
        return b"admin" if changes and not known & AUTH_CHECKS else b"auth"
    if known & ADMIN_VERBS:
        return b"admin"
    objects = words_of(target_type) if not (known & (ADMIN_OBJECTS | SYSTEM_OBJECTS | DATA_OBJECTS)) else words
    about = frozenset(objects)
    if about & DATA_OBJECTS:
        return b"data"
    if changes and about & (ADMIN_OBJECTS | AUTH_OBJECTS):
        return b"admin"
    if known & SYSTEM_VERBS or (changes and about & SYSTEM_OBJECTS):
        return b"system"
    return b"data"


def words_of(name: bytes) -> list[bytes]:
    """Return the words of a name, in lower case: parted by anything but letters and digits, and by capitals."""
    return [word.lower() for word in _WORD.findall(name)]
