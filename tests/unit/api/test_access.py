"""Tokens: who is let in, what a read-only user may not do, and what a tokens file must look like."""

import hashlib

import pytest
from kabanero.api.access import Role, Tokens, User, load_tokens, review
from kabanero.model.errors import InvalidError

ADMIN, VIEWER = User("ann"), User("vic", Role.VIEW)
TOKEN = "t0ken-of-sixteen-characters"


def test_a_token_names_its_user():
    tokens = Tokens()
    tokens.add(TOKEN, ADMIN)
    assert tokens.user(f"Bearer {TOKEN}") == ADMIN


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer \udcff"])
def test_anything_else_names_nobody(header):
    tokens = Tokens()
    tokens.add(TOKEN, ADMIN)
    assert tokens.user(header) is None


def test_an_issued_token_is_valid_until_it_is_revoked():
    tokens = Tokens()
    token = tokens.issue("stage-1")
    before = tokens.user(f"Bearer {token}")
    tokens.revoke(token)
    assert (before, tokens.user(f"Bearer {token}")) == (User("stage-1"), None)


def test_tokens_themselves_are_not_kept():
    tokens = Tokens()
    tokens.add(TOKEN, ADMIN)
    assert TOKEN not in repr(tokens)


@pytest.mark.parametrize("verb", ["create", "update", "patch", "delete", "deletecollection"])
def test_a_viewer_may_not_write(verb):
    assert not VIEWER.may(verb, "strategyruns")


@pytest.mark.parametrize(("plural", "allowed"), [("strategyruns", True), ("configmaps", True), ("secrets", False)])
def test_a_viewer_may_read_all_but_secrets(plural, allowed):
    assert all(VIEWER.may(verb, plural) is allowed for verb in ("get", "list", "watch"))


def test_a_tokens_file_may_hold_digests_instead_of_tokens(tmp_path):
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    file = tmp_path / "tokens.yaml"
    file.write_text(f"- {{user: ci, role: view, sha256: {digest}}}\n- {{user: ops, token: another-long-token-1}}\n")
    tokens = Tokens()
    load_tokens(file, tokens)
    found = (tokens.user(f"Bearer {TOKEN}"), tokens.user("Bearer another-long-token-1"))
    assert found == (User("ci", Role.VIEW), User("ops", Role.ADMIN))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("user: ci", "is not a list"),
        ("- {token: abc}", "has no user"),
        ("- {user: ci, token: short}", "has no usable token"),
        ("- {user: ci, sha256: abc}", "has no usable token"),
        (f"- {{user: ci, role: veiw, token: {TOKEN}}}", "did you mean view"),
        ("- [", "can't be read"),
    ],
)
def test_a_mistake_in_a_tokens_file_is_named(tmp_path, text, says):
    file = tmp_path / "tokens.yaml"
    file.write_text(text)
    with pytest.raises(InvalidError, match=says):
        load_tokens(file, Tokens())


def test_a_tokens_file_that_is_not_there_is_an_error_and_no_empty_list(tmp_path):
    with pytest.raises(InvalidError, match="can't be read"):
        load_tokens(tmp_path / "missing.yaml", Tokens())


@pytest.mark.parametrize(("user", "allowed"), [(ADMIN, True), (VIEWER, False)])
def test_an_access_review_says_whether_the_user_may(user, allowed):
    body = {"spec": {"resourceAttributes": {"verb": "delete", "resource": "strategyruns"}}}
    assert review("SelfSubjectAccessReview", body, user)["status"]["allowed"] is allowed


def test_a_self_review_names_the_user():
    assert review("SelfSubjectReview", {}, VIEWER)["status"]["userInfo"]["username"] == "vic"


@pytest.mark.parametrize("body", [None, 5, [], {"spec": 5}, {"spec": {"resourceAttributes": "x"}}])
def test_a_review_of_nonsense_is_answered_all_the_same(body):
    assert "allowed" in review("SelfSubjectAccessReview", body, VIEWER)["status"]
