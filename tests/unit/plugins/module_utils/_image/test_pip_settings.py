# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a machine's settings for pip reach the build, and what of them is secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._image.pip_settings import Machine, PipSettings, collect

INDEX = "https://ann:s3cr%40tpw@packages.example.com/simple"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


def machine(root: Path, files: dict[str, str] | None = None, **environment: str) -> Machine:
    """A machine with these files. The home folder is /home/ann."""
    for name, text in (files or {}).items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)
    return Machine({"HOME": "/home/ann", **environment}, str(root))


def test_a_machine_without_settings(root: Path) -> None:
    assert collect(machine(root)) == PipSettings()


@pytest.mark.parametrize(
    ("files", "environment", "expected"),
    [
        ({"/etc/pip.conf": "[global]\nindex-url = https://a.example.com\n"}, {}, "https://a.example.com"),
        ({"/etc/pip.conf": "[install]\nindex_url = https://a.example.com\n"}, {}, "https://a.example.com"),
        (
            {"/etc/pip.conf": "[global]\nindex-url = https://a.example.com\n[install]\nindex-url = https://b.example.com\n"},
            {},
            "https://b.example.com",
        ),
        (
            {
                "/etc/pip.conf": "[global]\nindex-url = https://a.example.com\n",
                "/home/ann/.config/pip/pip.conf": "[global]\nindex-url = https://c.example.com\n",
            },
            {},
            "https://c.example.com",
        ),
        (
            {
                "/etc/pip.conf": "[global]\nindex-url = https://a.example.com\n",
                "/srv/pip.ini": "[global]\nindex-url = https://d.example.com\n",
            },
            {"PIP_CONFIG_FILE": "/srv/pip.ini"},
            "https://d.example.com",
        ),
        (
            {
                "/home/ann/.config/pip/pip.conf": "[global]\nindex-url = https://c.example.com\n",
                "/home/ann/.pip/pip.conf": "[global]\nindex-url = https://c.example.com\n",
                "/etc/pip.conf": "[global]\nindex-url = https://a.example.com\n",
                "/srv/pip.ini": "",
            },
            {"PIP_CONFIG_FILE": "/srv/pip.ini"},
            "https://a.example.com",
        ),
        (
            {"/home/ann/.config/pip/pip.conf": "[global]\nindex-url = https://c.example.com\n"},
            {"PIP_CONFIG_FILE": "/srv/none.ini"},
            "https://c.example.com",
        ),
        ({"/srv/x/pip/pip.conf": "[global]\nindex-url = https://e.example.com\n"}, {"XDG_CONFIG_HOME": "/srv/x"}, "https://e.example.com"),
        ({"/etc/pip.conf": "[global]\nindex-url = https://a.example.com\n"}, {"PIP_INDEX_URL": INDEX}, INDEX),
        ({"/etc/pip.conf": "[global]\nindex-url = https://a.example.com\n"}, {"PIP_CONFIG_FILE": "/dev/null"}, None),
        ({"/etc/pip.conf": "[download]\nindex-url = https://a.example.com\n"}, {}, None),
        ({}, {"PIP_INDEX_URL": ""}, None),
    ],
)
def test_the_index_that_pip_would_use_here(root: Path, files: dict[str, str], environment: dict[str, str], expected: str | None) -> None:
    assert collect(machine(root, files, **environment)).options.get("index-url") == expected


def test_only_what_says_where_packages_come_from() -> None:
    given = {"PIP_TIMEOUT": "60", "PIP_DEFAULT_TIMEOUT": "90", "PIP_TARGET": "/x", "PIP_USER": "1", "PIP_REQUIRE_VIRTUALENV": "1"}
    assert collect(Machine(given, "/no/such/folder")).options == {"timeout": "60", "default-timeout": "90"}


def test_lists_have_one_entry_a_line(root: Path) -> None:
    files = {"/etc/pip.conf": "[global]\nextra-index-url =\n  https://a.example.com\n  https://b.example.com\n"}
    found = collect(machine(root, files, PIP_TRUSTED_HOST="a.example.com  b.example.com"))
    assert found.options == {
        "extra-index-url": "https://a.example.com\nhttps://b.example.com",
        "trusted-host": "a.example.com\nb.example.com",
    }


@pytest.mark.parametrize(
    ("files", "environment", "expected"),
    [
        ({"/srv/ca.pem": "PIP"}, {"PIP_CERT": "/srv/ca.pem"}, "PIP"),
        ({"/srv/ca.pem": "PIP", "/srv/other.pem": "OTHER"}, {"PIP_CERT": "/srv/ca.pem", "REQUESTS_CA_BUNDLE": "/srv/other.pem"}, "PIP"),
        ({"/srv/other.pem": "OTHER"}, {"REQUESTS_CA_BUNDLE": "/srv/other.pem"}, "OTHER"),
        ({"/srv/other.pem": "OTHER"}, {"SSL_CERT_FILE": "/srv/other.pem"}, "OTHER"),
        ({"/etc/ssl/certs/ca-certificates.crt": "SYSTEM"}, {}, "SYSTEM"),
        ({"/etc/ssl/certs/ca-certificates.crt": "SYSTEM"}, {"SSL_CERT_FILE": "/srv/none.pem"}, "SYSTEM"),
        ({"/etc/ssl/certs/ca-certificates.crt": "SYSTEM"}, {"REQUESTS_CA_BUNDLE": "/etc/ssl/certs"}, "SYSTEM"),
    ],
)
def test_the_build_trusts_what_this_machine_trusts(root: Path, files: dict[str, str], environment: dict[str, str], expected: str) -> None:
    found = collect(machine(root, files, **environment))
    assert (found.files, found.options) == ({"cert": expected}, {"cert": "{folder}/cert"})


def test_authorities_that_the_user_may_not_read_are_left_out(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, _mode: Path(path).name != "other.pem")  # root may read every file
    files = {"/srv/other.pem": "OTHER", "/etc/ssl/cert.pem": "SYSTEM"}
    assert collect(machine(root, files, SSL_CERT_FILE="/srv/other.pem")).files == {"cert": "SYSTEM"}


def test_the_home_folder_without_its_variable() -> None:
    assert Machine({}, "/root-of-test").path("~/.netrc") == Path("/root-of-test") / str(Path.home() / ".netrc").lstrip("/")


def test_local_folders_with_packages(root: Path) -> None:
    for folder in ("srv/wheels", "srv/a:b", "wheels"):
        (root / folder).mkdir(parents=True)
    found = collect(machine(root, PIP_FIND_LINKS="/srv/wheels file:///srv/none https://example.com/wheels /srv/a:b wheels"))
    assert found.options["find-links"] == "/srv/wheels\n/srv/none\nhttps://example.com/wheels\n/srv/a:b\nwheels"
    assert found.folders == ("/srv/wheels",)


def test_proxies_in_either_case(root: Path) -> None:
    given = {
        "https_proxy": "http://bob:hunter22@proxy.example.com:3128",
        "HTTP_PROXY": "http://proxy.example.com",
        "no_proxy": "",
        "FTP_PROXY": "x",
    }
    found = collect(machine(root, {}, **given))
    assert found.environment == {name: given[name] for name in ("https_proxy", "HTTP_PROXY")}
    assert found.secrets == ("hunter22",)


def test_passwords_for_the_hosts_of_the_indexes_alone(root: Path) -> None:
    text = "machine packages.example.com login ann password s3cretpw\nmachine bank.example.com login ann password 0therpw\n"
    found = collect(machine(root, {"/home/ann/.netrc": text}, PIP_INDEX_URL="https://packages.example.com/simple"))
    assert found.files == {"netrc": "machine packages.example.com login ann password s3cretpw\n"}
    assert found.environment == {"NETRC": "{folder}/netrc"}
    assert found.secrets == ("s3cretpw",)


@pytest.mark.parametrize(
    ("urls", "hosts"),
    [
        (["https://a.example.com/simple"], ["a.example.com"]),
        (["https://ann@a.example.com:8443/simple", "https://b.example.com"], ["a.example.com", "b.example.com"]),
        (["https://without.example.com/simple", "https://half.example.com/simple"], []),
        (["https://[a.example.com/simple", "https:///simple"], []),
    ],
)
def test_passwords_for_hosts_that_the_requirements_file_names(root: Path, urls: list[str], hosts: list[str]) -> None:
    entries = {host: f"machine {host} login ann password s3cretpw\n" for host in ("a.example.com", "b.example.com", "c.example.com")}
    text = "".join(entries.values()) + "machine without.example.com password s3cretpw\nmachine half.example.com login ann\n"
    found = collect(machine(root, {"/home/ann/.netrc": text}), urls=urls)
    assert found.files.get("netrc", "") == "".join(entries[host] for host in hosts)


def test_variables_that_the_file_names(root: Path) -> None:
    found = collect(machine(root, INDEX_TOKEN="t0ken-value", OTHER="x"), ["INDEX_TOKEN"])
    assert (found.environment, found.secrets) == ({"INDEX_TOKEN": "t0ken-value"}, ("t0ken-value",))
    with pytest.raises(CollectionError) as caught:
        collect(machine(root, INDEX_TOKEN=""), ["INDEX_TOKEN"])
    assert (caught.value.code, "INDEX_TOKEN" in caught.value.message) == ("bad_pip_settings", True)


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        (INDEX, {"s3cr%40tpw", "s3cr@tpw"}),
        ("https://t0ken-value@packages.example.com/simple", {"t0ken-value"}),
        ("https://t0ken-value:@packages.example.com/simple", {"t0ken-value"}),
        ("https://packages.example.com/simple", set()),
    ],
)
def test_what_is_secret_in_a_url(root: Path, url: str, secrets: set[str]) -> None:
    assert set(collect(machine(root, PIP_INDEX_URL=url)).secrets) == secrets
    assert set(collect(machine(root, PIP_EXTRA_INDEX_URL=f"https://a.example.com {url}")).secrets) == secrets


def test_settings_show_no_secret() -> None:
    """Where an object is printed, such as in a traceback."""
    found = collect(Machine({"PIP_INDEX_URL": INDEX}, "/no/such/folder"))
    assert "s3cr" not in repr(found)


@pytest.mark.parametrize(
    ("files", "environment", "words"),
    [
        (
            {"/etc/pip.conf": "index-url = https://ann:s3cretpw@example.com\n"},
            {},
            "/etc/pip.conf cannot be read (MissingSectionHeaderError)",
        ),
        ({}, {"PIP_CERT": "/srv/none.pem"}, "option cert is /srv/none.pem, which cannot be read: No such file or directory"),
    ],
)
def test_settings_that_cannot_be_read(root: Path, files: dict[str, str], environment: dict[str, str], words: str) -> None:
    with pytest.raises(CollectionError) as caught:
        collect(machine(root, files, **environment))
    assert words in caught.value.message
    assert "s3cretpw" not in caught.value.text
    assert caught.value.code == "bad_pip_settings"
