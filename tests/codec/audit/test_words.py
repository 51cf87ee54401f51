"""Categories of actions by the words of their names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.codec.audit import words
from server.codec.audit.words import category_of, words_of


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("user.login", "user login"),
        ("UserLoginFailed", "user login failed"),
        ("user_data.read", "user data read"),
        ("AWSConsoleSignIn", "aws console sign in"),
        ("getHTTPStatus", "get http status"),
        ("LOGIN_ERROR", "login error"),
        ("Add member to role.", "add member to role"),
        ("v1/Delete-2FA", "v1 delete 2 fa"),
        ("é.login", "login"),
        ("", ""),
    ],
)
def test_a_name_has_words_in_any_spelling(name: str, parts: str) -> None:
    assert words_of(name.encode()) == parts.encode().split()


@pytest.mark.parametrize(
    ("category", "actions"),
    [
        (
            "auth",
            "login LOGOUT signin user.login user_login user.session.start user.authentication.auth_via_mfa sign_in "
            "UserLoginFailed UserLoggedIn ConsoleLogin LOGIN_ERROR REFRESH_TOKEN token.refresh AssumeRole mfa.enroll "
            "access.denied logged-out sso.start authorization.failure SwitchRole user.loggedin user.loggedout "
            "UNAUTHORIZED invalid_credentials role.assumed session.start CreateSession SESSION_EXPIRED "
            "admin.sessions.revoke mfa.challenge mfa.verify user.authentication.auth_via_mfa org.sso_response "
            "authz.deny oauth.authorize auth.session.created oauth.token.created mfa.challenge.created LogonUser "
            "login.changed",
        ),
        (
            "admin",
            "CreateUser user.create user.delete org.add_member grant.role password.reset UPDATE_PASSWORD "
            "AttachRolePolicy PutBucketPolicy CreateAccessKey user.lock team.member.remove permission.change "
            "google.iam.admin.v1.CreateServiceAccountKey invite.user role.assign repo.add_member user.block "
            "Microsoft.Authorization/roleAssignments/write user.destroy user.destroyed user_blocked DropUser "
            "ALTER_USER user.deletion UserCreation role.revocation account.closed password.rotation two_factor.enable "
            "two_factor.disabled key.rotate api_key.rotated mfa.disable mfa.delete user.mfa.factor.reset_all "
            "auth.policy.update org.disable_saml group_saml_provider_updated two_factor_authentication.disabled "
            "oauth_application.create app.oauth2.client.lifecycle.create totp.removed useradd userdel del_user "
            "groupmod",
        ),
        (
            "system",
            "config.change Restart RunInstances StopLogging deploy.app cluster.update node.drain audit.log.cleared",
        ),
        (
            "data",
            "logs.export logistics.ship author.update user_data.read catalog.update blog.update signal.send GetObject "
            "storage.objects.get ListUsers user.read read file.lock authority.update loginless.view roles.list "
            "conference.session.create order.session.start game.challenge.accepted CreateGameSession",
        ),
    ],
)
def test_an_action_has_the_category_of_its_words(category: str, actions: str) -> None:
    assert {action: category_of(action.encode(), b"").decode() for action in actions.split()} == dict.fromkeys(
        actions.split(), category
    )


@pytest.mark.parametrize(
    ("action", "target_type", "category"),
    [
        ("delete", "User", "admin"),
        ("create", "rolebindings", "admin"),
        ("patch", "deployments", "system"),
        ("update", "configuration", "system"),
        ("update", "invoice", "data"),
        ("delete", "secrets", "data"),
        ("list", "rolebindings", "data"),
        ("get", "nodes", "data"),
        ("user.create", "invoice", "admin"),
        ("delete", "saml_provider", "admin"),
        ("get", "oauth_client", "data"),
        ("", "", "data"),
        ("", "user", "admin"),
        ("-", "node", "system"),
    ],
)
def test_the_type_of_the_target_counts_if_the_action_names_no_object(
    action: str, target_type: str, category: str
) -> None:
    assert category_of(action.encode(), target_type.encode()).decode() == category


def test_no_word_is_in_two_sets_that_contradict_each_other() -> None:
    assert not words.SUCCESSES & words.FAILURES
    objects = [words.ADMIN_OBJECTS, words.SYSTEM_OBJECTS, words.DATA_OBJECTS]
    assert sum(map(len, objects)) == len(frozenset().union(*objects))
    logins = words.AUTH_WORDS | words.AUTH_OBJECTS
    assert not logins & (words.CHANGE_VERBS | words.ADMIN_VERBS | words.SYSTEM_VERBS).union(*objects)
    assert not words.AUTH_WORDS & words.AUTH_OBJECTS


@given(st.text(st.sampled_from("ABab01._- é"), max_size=12))
def test_the_words_of_a_name_are_all_of_its_letters_and_digits(name: str) -> None:
    assert b"".join(words_of(name.encode())) == "".join(c for c in name if c.isascii() and c.isalnum()).lower().encode()
