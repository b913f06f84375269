# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How pip reaches its index on this machine, so that the build reaches it in the same way.

What is secret in these settings goes to the build over its standard input and into memory there, never into a layer of the image, its
history or its configuration, and not on the container engine's command line. In the container, pip itself puts the URLs of indexes on a
command line if it builds a package from its source.
"""

from __future__ import annotations

import configparser
import netrc
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError

# Options that say where packages come from. Others, such as user and target, would change where they are installed.
OPTIONS = (
    *("index-url", "pypi-url", "extra-index-url", "find-links", "no-index", "trusted-host", "proxy", "cert", "client-cert"),
    *("timeout", "default-timeout", "retries", "prefer-binary", "only-binary", "no-binary", "pre"),
)
LISTS = ("extra-index-url", "find-links", "trusted-host")
# Options whose value is the path of a file on this machine.
FILES = ("cert", "client-cert")
URLS = ("index-url", "pypi-url", "extra-index-url", "find-links", "proxy")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
# Other variables by which programs find certificate authorities (requests: sessions.py; Python: ssl).
AUTHORITIES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
# What this machine trusts, with the authorities that its administrator has added: Debian, Red Hat, macOS and Alpine.
SYSTEM_AUTHORITIES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
# pip: _internal/configuration.py. A later file wins.
CONFIG_FILES = ("/etc/xdg/pip/pip.conf", "/etc/pip.conf", "~/.pip/pip.conf", "{config}/pip/pip.conf")
MACOS_FILES = ("/Library/Application Support/pip/pip.conf", "~/Library/Application Support/pip/pip.conf")
SECTIONS = ("global", "install")


@dataclass(frozen=True)
class PipSettings:
    """What pip needs in the build. ``files`` are texts by a short name, to which ``options`` refer by C({folder}/name)."""

    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    folders: tuple[str, ...] = ()  # of this machine, with packages
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def payload(self) -> dict[str, Any]:
        """What the program in the build reads (install_packages.py)."""
        return {"options": dict(self.options), "environment": dict(self.environment), "files": dict(self.files)}


class Machine:
    """The environment and the files that pip's settings come from."""

    def __init__(self, environment: Mapping[str, str] | None = None, root: str = "/") -> None:
        self.environment = os.environ if environment is None else environment
        self.root = root

    def path(self, name: str) -> Path:
        """A file of this machine. ``~`` is the user's home folder."""
        home = self.environment.get("HOME") or str(Path.home())
        absolute = re.sub(r"^~(?=/|$)", lambda _: home, name)
        return Path(self.root) / absolute.lstrip("/") if self.root != "/" else Path(absolute)

    def config_files(self) -> Iterator[Path]:
        """Those that pip reads, the most important one last."""
        named = self.environment.get("PIP_CONFIG_FILE", "")
        if named == os.devnull:
            return
        config = self.environment.get("XDG_CONFIG_HOME") or "~/.config"
        names = [*MACOS_FILES[:1], *CONFIG_FILES[:2]]
        # A file that the variable names stands for those of the user, if it exists.
        if not (named and self.path(named).exists()):
            names += [*MACOS_FILES[1:], *CONFIG_FILES[2:]]
        for name in names:
            yield self.path(name.format(config=config))
        if named:
            yield self.path(named)


def collect(machine: Machine, variables: Sequence[str] = (), urls: Sequence[str] = ()) -> PipSettings:
    """The settings of this machine. ``variables`` are environment variables that the requirements file names, ``urls`` its URLs.

    Raises CollectionError for a settings file that cannot be read, a file that an option names and that does not exist, or a variable
    without a value.
    """
    options = {**_of_files(machine), **_of_environment(machine.environment)}
    options = {name: value for name, value in options.items() if value}
    files = {name: _text(machine, name, options[name]) for name in FILES if name in options}
    if "cert" not in files and (authority := _authority(machine)):
        files["cert"] = authority
    options |= {name: "{folder}/" + name for name in files}
    if "find-links" in options:
        options["find-links"] = "\n".join(_links(options["find-links"]))
    folders = [item for item in options.get("find-links", "").split() if _is_folder(machine, item)]
    environment = _proxies(machine.environment) | _given(machine.environment, variables)
    if entries := _netrc(machine, [*_indexes(options), *urls]):
        files["netrc"] = entries
        environment["NETRC"] = "{folder}/netrc"
    secrets = [*_secrets_of(options), *passwords(environment.values()), *(environment[name] for name in variables)]
    secrets += [word for line in files.get("netrc", "").splitlines() for word in line.split("password ")[1:]]
    return PipSettings(options, environment, files, tuple(folders), tuple(dict.fromkeys(filter(None, secrets))))


def _of_files(machine: Machine) -> dict[str, str]:
    found: dict[str, dict[str, str]] = {section: {} for section in SECTIONS}
    for path in machine.config_files():
        parser = configparser.RawConfigParser()
        try:
            if path.is_file():
                parser.read_string(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, configparser.Error) as error:
            # The error of the parser quotes lines, which may hold a password.
            raise CollectionError(
                f"pip's settings in {path} cannot be read ({type(error).__name__}).",
                f"Correct {path} (pip config debug), or set PIP_CONFIG_FILE to another file.",
                "bad_pip_settings",
            ) from None
        for section in SECTIONS:
            if parser.has_section(section):
                found[section] |= {name.replace("_", "-"): _value(value) for name, value in parser.items(section)}
    return {name: value for section in SECTIONS for name, value in found[section].items() if name in OPTIONS}


def _of_environment(environment: Mapping[str, str]) -> dict[str, str]:
    given = {name[4:].lower().replace("_", "-"): _value(value) for name, value in environment.items() if name.startswith("PIP_")}
    return {name: "\n".join(value.split()) if name in LISTS else value for name, value in given.items() if name in OPTIONS}


def _value(value: str) -> str:
    return "\n".join(line.strip() for line in value.splitlines() if line.strip())


def _text(machine: Machine, option: str, path: str) -> str:
    try:
        return machine.path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CollectionError(
            f"pip's option {option} is {path}, which cannot be read: {getattr(error, 'strerror', None) or 'it is not text'}.",
            f"Correct {option} in pip's settings (pip config debug), or PIP_{option.upper().replace('-', '_')}.",
            "bad_pip_settings",
        ) from error


def _authority(machine: Machine) -> str:
    """The certificate authorities that other programs of this machine trust. Empty if there is no such file."""
    for path in (*filter(None, map(machine.environment.get, AUTHORITIES)), *SYSTEM_AUTHORITIES):
        file = machine.path(path)
        if file.is_file() and os.access(file, os.R_OK):
            return file.read_text(encoding="utf-8", errors="replace")
    return ""


def _links(value: str) -> list[str]:
    return [item.removeprefix("file://") for item in value.split()]


def _is_folder(machine: Machine, item: str) -> bool:
    return item.startswith("/") and ":" not in item and machine.path(item).is_dir()


def _proxies(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.lower() in PROXIES and value}


def _given(environment: Mapping[str, str], variables: Sequence[str]) -> dict[str, str]:
    missing = [name for name in variables if not environment.get(name)]
    if missing:
        raise CollectionError(
            f"The requirements file uses environment variables that have no value here: {', '.join(missing)}.",
            f"Set {', '.join(missing)} in the environment of the command, or remove ${{{missing[0]}}} from the file.",
            "bad_pip_settings",
        )
    return {name: environment[name] for name in variables}


def _indexes(options: Mapping[str, str]) -> list[str]:
    return [url for name in URLS if name != "proxy" for url in options.get(name, "").split()]


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # pip says what is wrong with it
        return ""


def _netrc(machine: Machine, urls: Sequence[str]) -> str:
    """The lines for the hosts of these URLs, from the user's .netrc. Passwords for other hosts stay on this machine."""
    path = machine.path(machine.environment.get("NETRC") or "~/.netrc")
    if not path.is_file():
        return ""
    try:
        known = netrc.netrc(path)
    except (OSError, netrc.NetrcParseError):  # requests ignores such a file, too
        return ""
    hosts = dict.fromkeys(host for url in urls if (host := _host(url)) in known.hosts)
    entries = ((host, *known.hosts[host]) for host in hosts)
    return "".join(
        f"machine {host} login {login} password {password}\n" for host, login, _account, password in entries if login and password
    )


def _secrets_of(options: Mapping[str, str]) -> Iterator[str]:
    yield from passwords(url for name in URLS for url in options.get(name, "").split())


def passwords(texts: Iterable[str]) -> Iterator[str]:
    """The passwords of URLs in texts, as they are and decoded. A token may be the user."""
    for text in texts:
        for part in re.findall(r"://([^/@\s]+)@", text):
            user, _colon, password = part.partition(":")
            secret = password or user
            yield from {secret, unquote(secret)}
