"""The files that the local user needs: private, complete, never half written."""

import base64

import pytest
import yaml
from kabanero.api.certificate import Trust
from kabanero.api.kubeconfig import local_token, local_url, secure, write_kubeconfig, write_private
from kabanero.model.errors import InvalidError


def test_a_token_is_made_once_and_kept(tmp_path):
    first = local_token(tmp_path)
    assert len(first) > 30
    assert local_token(tmp_path) == first


def test_an_empty_token_file_is_as_good_as_none(tmp_path):
    (tmp_path / "token").write_text("\n")
    assert len(local_token(tmp_path)) > 30


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"two words", b"a\nb", b"a\x00b"])
def test_a_token_file_that_holds_no_token_is_named_with_the_way_out(tmp_path, content):
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(InvalidError, match=r"token is invalid: is no token: .*delete it"):
        local_token(tmp_path)


def test_only_the_owner_reads_what_is_private(tmp_path):
    write_private(tmp_path / "deep" / "file", "text")
    assert (tmp_path / "deep" / "file").stat().st_mode & 0o777 == 0o600


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path):
    for text in ("one", "two"):
        write_private(tmp_path / "file", text)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["two"]


def test_a_kubeconfig_has_server_token_namespace_and_trust(tmp_path):
    authority = tmp_path / "ca.crt"
    authority.write_text("PEM")
    write_kubeconfig(tmp_path / "kubeconfig", "https://127.0.0.1:1", "t0ken", trust=Trust(authority, "runner.test"))
    found = yaml.safe_load((tmp_path / "kubeconfig").read_text())
    assert found["clusters"][0]["cluster"] == {
        "server": "https://127.0.0.1:1",
        "certificate-authority-data": base64.b64encode(b"PEM").decode(),
        "tls-server-name": "runner.test",
    }
    assert found["users"][0]["user"] == {"token": "t0ken"}
    assert found["contexts"][0]["context"]["namespace"] == "kabanero"


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("https://[::]:8443", "https://[::1]:8443"),
        ("http://10.1.2.3:80", "http://10.1.2.3:80"),
    ],
)
def test_a_server_on_every_address_is_called_by_the_local_one(url, local):
    assert local_url(url) == local


def test_the_secure_url_is_the_same_place(tmp_path):
    assert secure("http://127.0.0.1:8080") == "https://127.0.0.1:8080"
