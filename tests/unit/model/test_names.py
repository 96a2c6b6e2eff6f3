import pytest
from hypothesis import given
from hypothesis import strategies as st
from kabanero.model.names import is_label, is_label_key, is_label_value, is_subdomain, legal_name


@pytest.mark.parametrize(
    ("name", "legal"),
    [
        ("appsody_build", "appsody-build"),
        ("FVT", "fvt"),
        ("main_201909030817000", "main-201909030817000"),
        ("-a..b-", "a.b"),
        ("Ü", ""),
        ("a" * 300, "a" * 253),
    ],
)
def test_the_legal_name_nearest_to_an_illegal_one(name, legal):
    assert legal_name(name) == legal


@given(st.text(max_size=400), st.booleans())
def test_whatever_is_left_of_a_name_is_legal(name, dots):
    legal = legal_name(name, dots=dots)
    assert legal == "" or (is_subdomain(legal) if dots else is_label(legal))


@given(st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?(\.[a-z0-9]{1,5}){0,3}", fullmatch=True))
def test_a_legal_name_stays_as_it_is(name):
    assert legal_name(name) == name


@pytest.mark.parametrize("name", ["", "A", "a_b", "-a", "a-", "a..b", ".a", "a" * 254, "a\n"])
def test_no_resource_is_called(name):
    assert not is_subdomain(name)


@pytest.mark.parametrize("name", ["a.b", "a" * 64])
def test_no_namespace_is_called(name):
    assert not is_label(name)


@pytest.mark.parametrize("value", ["", "a", "A_b.c-1", "x" * 63])
def test_a_label_may_hold(value):
    assert is_label_value(value)


@pytest.mark.parametrize("value", ["-a", "a/b", "a b", "x" * 64])
def test_a_label_may_not_hold(value):
    assert not is_label_value(value)


@pytest.mark.parametrize(("key", "legal"), [("a", True), ("kabanero.io/run", True), ("/a", False), ("A.b/", False)])
def test_label_keys(key, legal):
    assert is_label_key(key) is legal
