# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be asked over HTTP, and the words of the refusal (V10)."""

from __future__ import annotations

from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.download import check_download
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.url import check_http_url, public_url, scheme, ssh_server
from hypothesis import given
from hypothesis import strategies as st

RIGHT = [
    "http://localhost",
    "http://localhost:8080",
    "http://localhost:8080/",
    "https://airflow.example.com/base/path",
    "HTTPS://Airflow.Example.com",
    "http://localhost:1",
    "http://localhost:65535",
    "http://localhost:",
    "http://localhost.:8080",
    "http://127.0.0.1:8080",
    "http://[::1]",
    "http://[::1]:8080/x",
    "http://[fe80::1%25eth0]:8080",
    "http://my_service.airflow-core.svc:8080",
    "http://m\u00fcnchen.example:8080",
    "http://host/a%20b/@x",
]
PORT = "Port could not be cast to a number from 1 to 65535: "
BEGIN = "it must begin with http:// or https:// and name a host"
USER = "it holds a user or password, which would be seen"
BRACKETS = "an IPv6 address in it must stand in brackets, such as http://[::1]:8080"
CHARACTER = "it holds a space or another character that no URL may have; such a character must be percent-encoded"
# What is given: the rule that it breaks
WRONG = {
    "http://localhost:80a": PORT + "'80a'",
    "http://localhost:0": PORT + "'0'",
    "http://localhost:70000": PORT + "'70000'",
    "http://localhost:65536/x": PORT + "'65536'",
    "http://localhost:-1": PORT + "'-1'",
    "http://localhost:+80": PORT + "'+80'",
    "http://localhost:8_0": PORT + "'8_0'",
    "http://localhost:\uff18\uff10": PORT + "'\uff18\uff10'",
    "http://[::1]:80a": PORT + "'80a'",
    "": "it is empty",
    "http://": BEGIN,
    "http://:8080": BEGIN,
    "http:///path": BEGIN,
    "http:localhost": BEGIN,
    "http:/localhost": BEGIN,
    "localhost:8080": BEGIN,
    "//localhost:8080": BEGIN,
    "ftp://localhost": BEGIN,
    "file:///srv/x": BEGIN,
    "httpss://localhost": BEGIN,
    " http://localhost": CHARACTER,
    "http://localhost ": CHARACTER,
    "http://local host": CHARACTER,
    "http://localhost:80 80": CHARACTER,
    "http://localhost/a b": CHARACTER,
    "http://localhost:8080\n": CHARACTER,
    "http://local\thost": CHARACTER,
    "http://local\\host": CHARACTER,
    "http://{{ host }}": CHARACTER,
    "http://local\u00a0host": "local\u00a0host is neither a host name nor an address",
    "http://localhost/\u00fc": "its path holds a character that is not ASCII; such a character must be percent-encoded",
    "http://localhost?a=b": "it must have no query (?\u2026), because paths are added to it",
    "http://localhost:8080/?": "it must have no query (?\u2026), because paths are added to it",
    "http://localhost#top": "it must have no fragment (#\u2026), which is never sent",
    "http://localhost:8080/#": "it must have no fragment (#\u2026), which is never sent",
    "http://::1": BRACKETS,
    "http://::1:8080": BRACKETS,
    "http://fe80::1": BRACKETS,
    "http://[::1": BRACKETS,
    "http://::1]:8080": BRACKETS,
    "http://[::1]8080": BRACKETS,
    "http://[localhost]:8080": "[localhost] is neither a host name nor an address",
    "http://[]": "[] is neither a host name nor an address",
    "http://[127.0.0.1]": "[127.0.0.1] is neither a host name nor an address",
    "http://256.0.0.1": "256.0.0.1 is neither a host name nor an address",
    "http://8080": "8080 is neither a host name nor an address",
    "http://a..b": "a..b is neither a host name nor an address",
    "http://.": ". is neither a host name nor an address",
    "http://a,b": "a,b is neither a host name nor an address",
    "http://" + "a" * 64: "a" * 64 + " is neither a host name nor an address",
}
SECRET = {
    "http://admin:s3cret@localhost:8080": "http://localhost:8080",
    "http://s3cret@localhost": "http://localhost",
    "http://admin:s3/cret@localhost": "http://localhost",
    "http://admin:s3?cret@localhost": "http://localhost",
    "http://admin:s3#cret@localhost": "http://localhost",
    "http://admin:s3 cret@localhost": "http://localhost",
    "http://admin:s3@cret@localhost": "http://localhost",
    "http://admin:s3]cret[@localhost": "http://localhost",
    "ftp://admin:s3cret@localhost": "ftp://localhost",
}


def check(url: str, option: str = "url", query: bool = False) -> None:
    check_http_url(url, option, example="http://localhost:8080", user_goes="Give username and password.", query=query)


@pytest.mark.parametrize("url", RIGHT)
def test_what_can_be_asked(url: str) -> None:
    """V10"""
    check(url)


@pytest.mark.parametrize("url", WRONG)
def test_what_cannot_be_asked(url: str) -> None:
    """V10: retried until the timeout."""
    with pytest.raises(InputError) as caught:
        check(url, "airflow_url")
    assert caught.value.message == f"airflow_url is {url!r}: {WRONG[url]}."
    assert caught.value.next_action == "Correct airflow_url, for instance http://localhost:8080."
    assert caught.value.code == "bad_url"


@pytest.mark.parametrize("url", SECRET)
def test_a_password_is_not_shown(url: str) -> None:
    """V10: whatever the password holds."""
    with pytest.raises(InputError) as caught:
        check(url)
    assert caught.value.message.startswith(f"url is {SECRET[url]!r}: ")
    assert "s3" not in caught.value.text


def test_user_and_password_have_a_place_of_their_own() -> None:
    """V10"""
    with pytest.raises(InputError) as caught:
        check("http://admin:s3cret@localhost")
    assert (caught.value.message, caught.value.next_action) == (f"url is 'http://localhost': {USER}.", "Give username and password.")


def test_a_whole_address_may_have_a_query() -> None:
    check("https://mirror.example.com/kind?signature=a%2Fb", query=True)


DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("url", "checksum", "words"),
    [
        ("https://mirror:80a/kind", DIGEST, "kind_url is 'https://mirror:80a/kind': Port"),
        ("mirror/kind", DIGEST, "kind_url is 'mirror/kind': it must begin"),
        ("", DIGEST, "kind_url is '': it is empty"),
        ("https://mirror/kind", "sha256:https://mirror:0/sums", "kind_checksum is 'https://mirror:0/sums': Port"),
        ("https://mirror/kind#x", DIGEST, "kind_url is 'https://mirror/kind#x': it must have no fragment"),
        ("https://mirror/kind", "", "checksum is ''"),
    ],
)
def test_a_download_that_cannot_be_is_refused(url: str, checksum: str, words: str) -> None:
    """V10: before anything is asked, with the module's own name of the option."""
    with pytest.raises(InputError) as caught:
        check_download(url, checksum, "kind_")
    assert words in caught.value.message


def test_a_password_for_a_download_goes_into_netrc() -> None:
    """V10"""
    with pytest.raises(InputError) as caught:
        check_download("https://me:s3cret@mirror/kind", DIGEST)
    assert ("s3cret" in caught.value.text, "~/.netrc" in caught.value.next_action) == (False, True)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        *SECRET.items(),
        ("ssh://git:s3cret@localhost", "ssh://git@localhost"),
        ("ssh://git:s3/cret@git.example.com/a.git", "ssh://git.example.com/a.git"),
        ("bob:s3cret@git.example.com/a.git", "git.example.com/a.git"),
        ("bob:s3cret@git.example.com:a/b.git", "git.example.com:a/b.git"),
        # No password.
        ("git@git.example.com:a/b.git", "git@git.example.com:a/b.git"),
        ("https://git.example.com:443/a@b.git", "https://git.example.com:443/a@b.git"),
        ("https://[::1]/a@b.git", "https://[::1]/a@b.git"),
        ("ssh://git@git.example.com:team/a.git", "ssh://git@git.example.com:team/a.git"),
        ("C:/a/b", "C:/a/b"),
        ("file:///srv/a@b.git", "file:///srv/a@b.git"),
    ],
)
def test_s3_what_may_be_shown_of_a_url(url: str, shown: str) -> None:
    """S3: whatever the password holds, in messages of every module."""
    assert public_url(url) == shown


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("git@[fd00::1]:a/b.git", ("fd00::1", 22)),
        ("[fd00::1]:a/b.git", ("fd00::1", 22)),
        ("ssh://git@[fd00::1]:2222/a.git", ("fd00::1", 2222)),
        ("git@git.example.com:a/b.git", ("git.example.com", 22)),
        ("git@git.example.com", None),
    ],
)
def test_v12_the_server_of_a_git_url_over_ssh(url: str, server: tuple[str, int] | None) -> None:
    assert ssh_server(url) == server


def test_a_text_that_cannot_be_taken_apart_is_shown_without_a_password() -> None:
    assert public_url("https://me:s3cret@[git/x.git") == "https://[git/x.git"


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("git@git.example.com:a/b.git", "ssh"),
        ("SSH://git@git.example.com/a.git", "ssh"),
        ("HTTPS://git.example.com/a.git", "https"),
        ("file:///srv/a.git", "file"),
        ("srv/a.git", ""),
        ("https://[git/a.git", ""),
    ],
)
def test_the_scheme_of_a_repository(url: str, found: str) -> None:
    assert scheme(url) == found


@given(
    st.one_of(
        st.text(max_size=30),
        st.from_regex(r"https?://[a-z0-9.:@\[\]%_-]{0,12}(:[0-9a-z]{0,6})?[a-z/?# ]{0,4}", fullmatch=True),
    )
)
def test_fuzz_what_is_not_refused_can_be_asked(url: str) -> None:
    """V10: no exception but the refusal, and what is accepted has a host and a port for the HTTP client."""
    try:
        check(url)
    except InputError:
        return
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port is None or 0 < parts.port < 2**16
    HTTPConnection(parts.netloc).close()
