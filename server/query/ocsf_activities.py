"""Choice of the OCSF class and activity of an audit event, by its action, its category and the type of its target."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from itertools import pairwise

from server.query.ocsf_classes import (
    API_ACTIVITY,
    APPLICATION_LIFECYCLE,
    AUTHENTICATION,
    ENTITY_MANAGEMENT,
    GROUP_MANAGEMENT,
    OTHER,
    ROLE_MANAGEMENT,
    UNKNOWN,
    USER_MANAGEMENT,
    Activity,
    EventClass,
)

__all__ = ["choose_activity", "is_user"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LOGON = _words("login logon signin signon loggedin signedin authenticate authentication")
_LOGOFF = _words("logout logoff signout signoff loggedout signedout")
_OPENED, _CLOSED = _words("open opened start started"), _words("close closed end ended stop stopped")
_MEANS = _words("password publickey keyboard user hostbased gssapi")
_RESULTS = _words("accepted failed invalid")
_SWITCH = _words("impersonate impersonation sudo su")

_CREATE = _words("create add new insert register provision invite import generate")
_READ = _words("read get view list show download export search query fetch open access describe watch")
_UPDATE = _words("update change modify modified edit set patch put write rename configure replace")
_DELETE = _words("delete remove destroy drop purge erase")
_GIVE_ONLY = _words("grant assign give attach bind")
_TAKE_ONLY = _words("revoke unassign take detach unbind withdraw")
_GIVE, _TAKE = _GIVE_ONLY | {"add"}, _TAKE_ONLY | {"remove"}
_ENABLE = _words("enable activate reactivate restore")
_DISABLE = _words("disable deactivate suspend block ban")
_START, _STOP, _RESTART = _words("start boot launch"), _words("stop shutdown"), _words("restart reboot")
_INSTALL, _UNINSTALL = _words("install deploy"), _words("uninstall")

_ROLES = _words("role clusterrole")
_PRIVILEGES = _words("permission privilege grant access right")
_POLICIES = _words("policy policies")
_GROUPS = _words("group team usergroup")
_USERS = _words("user account member principal serviceaccount identity")
_MEMBERS = _words("user member account")
_PASSWORDS = _words("password passphrase")
_FACTORS = _words("mfa totp otp factor webauthn passkey 2fa")
_CREDENTIALS = _words("credential apikey accesskey pat sshkey")
_APPLICATIONS = _words("application app service software package process server")
_NOUNS = _ROLES | _PRIVILEGES | _POLICIES | _GROUPS | _USERS | _PASSWORDS | _FACTORS | _CREDENTIALS

# Nouns of what is given and taken -> the activities of giving and of taking it, for users, groups and roles.
_GIVEN = (
    (_ROLES, {USER_MANAGEMENT.uid: (16, 17), GROUP_MANAGEMENT.uid: (12, 13)}),
    (_POLICIES, {USER_MANAGEMENT.uid: (10, 11), GROUP_MANAGEMENT.uid: (10, 11), ROLE_MANAGEMENT.uid: (8, 9)}),
    (_PRIVILEGES, {USER_MANAGEMENT.uid: (14, 15), GROUP_MANAGEMENT.uid: (1, 2), ROLE_MANAGEMENT.uid: (4, 5)}),
)

# Class -> words of each activity; the first one that has a word of the action counts.
_ACTIVITIES: Mapping[int, tuple[tuple[Set[str], int], ...]] = {
    ENTITY_MANAGEMENT.uid: (
        (_CREATE, 1),
        (_DELETE, 4),
        (_ENABLE, 8),
        (_DISABLE, 9),
        (_words("move transfer"), 5),
        (_UPDATE, 3),
        (_READ, 2),
    ),
    GROUP_MANAGEMENT.uid: ((_CREATE, 6), (_DELETE, 5), (_UPDATE, 9)),
    USER_MANAGEMENT.uid: (
        (_words("unlock"), 7),
        (_words("lock lockout"), 6),
        (_ENABLE, 4),
        (_DISABLE, 5),
        (_CREATE, 1),
        (_DELETE, 3),
        (_UPDATE, 2),
    ),
    ROLE_MANAGEMENT.uid: ((_CREATE, 1), (_DELETE, 3), (_UPDATE, 2)),
    APPLICATION_LIFECYCLE.uid: (
        (_UNINSTALL, 2),
        (_INSTALL, 1),
        (_RESTART, 5),
        (_START, 3),
        (_STOP, 4),
        (_ENABLE, 6),
        (_DISABLE, 7),
        (_words("upgrade"), 8),
    ),
    API_ACTIVITY.uid: ((_CREATE, 1), (_DELETE, 4), (_UPDATE, 3), (_READ, 2)),
}

_CHANGES = _CREATE | _UPDATE | _DELETE | _GIVE | _TAKE

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9][a-z]*")
_LONGEST = 200  # characters of a name that are read


def choose_activity(action: str, category: str, target_type: str, *, has_target: bool) -> Activity:
    """Return the class and the activity of an audit event.

    Args:
        action: the action, such as ``user.create`` or ``ConsoleLogin``.
        category: the category; empty if it is unknown.
        target_type: the type of the target, such as ``user``; empty if it is unknown.
        has_target: True if the target is known.
    """
    words, types = _read(action), _read(target_type)
    is_read = bool(words & _READ) and not words & _CHANGES
    if not words & (_READ | _CHANGES) and words & (_LOGON | _LOGOFF):
        return Activity(AUTHENTICATION, 1 if words & _LOGON else 2)
    is_one_word = len(_WORD.findall(action, 0, _LONGEST)) == 1
    if not is_read and (is_one_word or words & _NOUNS) and (found := _access_activity(words, types, category)):
        return found
    if category == "auth":
        return Activity(AUTHENTICATION, 7 if words & _SWITCH else _of_attempt(words))
    if category == "system" and ((words | types) & _APPLICATIONS or (is_one_word and not types)):
        found = _of_class(APPLICATION_LIFECYCLE, words)
        if found.activity_id not in (OTHER, UNKNOWN):
            return found
    if category in ("admin", "system") and has_target:
        return _of_class(ENTITY_MANAGEMENT, words)
    return _of_class(API_ACTIVITY, words)


def is_user(target_type: str) -> bool:
    """Return whether a target of this type is a user."""
    return bool(_read(target_type) & _USERS)


def _access_activity(words: Set[str], types: Set[str], category: str) -> Activity | None:
    """Return the activity of an action on users, groups or roles; None for another action."""
    subject = _subject(words, types)
    if subject is None:
        return None
    gives, takes = bool(words & _GIVE), bool(words & _TAKE)
    for nouns, activities in _GIVEN:
        if words & nouns and (gives or takes) and subject.uid in activities:
            # "grant" is a verb and a noun, so that "privilege.revoke" and "grant.revoke" take.
            return Activity(subject, activities[subject.uid][takes])
    if subject is USER_MANAGEMENT and (activity_id := _of_secret(words)):
        return Activity(subject, activity_id)
    if subject is GROUP_MANAGEMENT and words & _MEMBERS and (gives or takes):
        return Activity(subject, 4 if takes else 3)
    if subject is GROUP_MANAGEMENT or not (words & _GROUPS and types & _USERS):
        found = _of_class(subject, words)
        if found.activity_id not in (OTHER, UNKNOWN):
            return found
    return Activity(subject, _unnamed(words)) if category == "admin" and types else None


def _subject(words: Set[str], types: Set[str]) -> EventClass | None:
    """Return the class of what is changed: the type of the target says it, or else the action."""
    classes = ((_USERS, USER_MANAGEMENT), (_GROUPS, GROUP_MANAGEMENT), (_ROLES, ROLE_MANAGEMENT))
    for nouns, found in classes:
        if types & nouns:
            return found
    if types and "iam" not in types:  # iam.amazonaws.com is the name of a service, not a type
        return None
    is_given = bool(words & (_ROLES | _PRIVILEGES)) and bool(words & (_GIVE_ONLY | _TAKE_ONLY))
    if words & _GROUPS:
        return GROUP_MANAGEMENT
    if words & (_USERS | _PASSWORDS | _FACTORS | _CREDENTIALS) or is_given:
        return USER_MANAGEMENT
    return ROLE_MANAGEMENT if words & _ROLES else None


def _of_attempt(words: Set[str]) -> int:
    """Return the activity of an attempt to log in that is named by its means, or by the session that it opens."""
    if "session" in words and words & _OPENED:
        return 1
    if "session" in words and words & _CLOSED:
        return 2
    return 1 if words & _MEANS and words & _RESULTS else _unnamed(words)


def _of_secret(words: Set[str]) -> int | None:
    """Return the activity of an action on a user's password, factors or credentials."""
    if words & _PASSWORDS:
        return 9 if "reset" in words else 8 if words & (_UPDATE | _CREATE) else None
    for nouns, given, taken in ((_FACTORS, 12, 13), (_CREDENTIALS, 18, 19)):
        if words & nouns:
            if words & (_DELETE | _TAKE | _DISABLE):
                return taken
            return given if words & (_CREATE | _GIVE | _ENABLE | _words("enroll")) else None
    return None


def _of_class(event_class: EventClass, words: Set[str]) -> Activity:
    for meant, activity_id in _ACTIVITIES[event_class.uid]:
        if words & meant:
            return Activity(event_class, activity_id)
    return Activity(event_class, _unnamed(words))


def _unnamed(words: Set[str]) -> int:
    return OTHER if words else UNKNOWN


def _read(name: str) -> frozenset[str]:
    """Return the words of a name, with their stems, and pairs of words as one: ``SignedIn`` has ``signedin``."""
    words = [word.lower() for word in _WORD.findall(name[:_LONGEST])]
    found = {*words, *(one + other for one, other in pairwise(words))}
    found |= {word[:-1] for word in words if word.endswith("s")}
    found |= {word[:-cut] for word in words if word.endswith("ed") for cut in (1, 2)}
    return frozenset(found)
