# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that runs in the container, with a real pip: in an environment of its own, with wheels from a folder and no index."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.mask import Masker
from ansible_collections.gitops.airflow.plugins.module_utils._image import install_packages, pip_failure
from ansible_collections.gitops.airflow.plugins.module_utils._image.build import Report, parse_report
from ansible_collections.gitops.airflow.plugins.module_utils._image.install_packages import constraints, difference, pip_config
from ansible_collections.gitops.airflow.plugins.module_utils._image.plan import Package

BASE = "apache/airflow:2.6.3"


def wheel(folder: Path, name: str, version: str, *requires: str) -> None:
    """A wheel of one module and one command."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"VERSION = {version!r}\n\n\ndef main():\n    print(VERSION)\n",
        f"{info}/METADATA": "\n".join(
            ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {r}" for r in requires)]
        ),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
    }
    record = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, text)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    wheel(folder, "sqlalchemy", "1.4.49")
    wheel(folder, "sqlalchemy", "2.0.0")
    wheel(folder, "frames", "1.0", "figures>=1")
    wheel(folder, "figures", "1.5")
    wheel(folder, "new_orm", "3.0", "sqlalchemy>=2")
    return folder


@dataclass
class Image:
    """An environment in the place of an image's file system."""

    home: Path
    wheels: Path

    @property
    def local(self) -> Path:
        return self.home / "local"

    def files(self) -> Iterator[str]:
        return (str(path) for path in self.local.rglob("*") if path.is_symlink() or not path.is_dir())

    def pip(self, *arguments: str) -> None:
        subprocess.run([f"{self.local}/bin/python", "-m", "pip", "--quiet", *arguments], check=True, capture_output=True)

    def start(self, requirements: str, variables: dict[str, str] | None = None, **options: str) -> subprocess.Popen[bytes]:
        """The program, which has read its input."""
        payload: dict[str, Any] = {
            "options": {"no-index": "true", "find-links": str(self.wheels), **options},
            "environment": variables or {},
            "files": {},
            "requirements": requirements,
        }
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
        started = subprocess.Popen(
            [f"{self.local}/bin/python", "-c", Path(install_packages.__file__).read_text()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**environment, "HOME": str(self.home), "PIP_CONFIG_FILE": os.devnull},
        )
        assert started.stdin
        started.stdin.write(json.dumps(payload).encode())
        started.stdin.close()
        started.stdin = None
        return started

    def install(self, requirements: str, variables: dict[str, str] | None = None, **options: str) -> tuple[int, bytes, str]:
        """Exit code, standard output and standard error of the program."""
        with self.start(requirements, variables, **options) as started:
            output, errors = started.communicate()
        return started.returncode, output, errors.decode()

    def report(self, requirements: str, variables: dict[str, str] | None = None, **options: str) -> Report:
        report = parse_report(self.install(requirements, variables, **options)[2])
        assert report
        return report


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Image:
    """With sqlalchemy 1.4.49. Tests in it may fail to install, but must not add anything."""
    folder = tmp_path_factory.mktemp("image")
    venv.create(folder / "local", with_pip=True, symlinks=True)
    found = Image(folder, wheels)
    found.pip("install", "--no-index", "--find-links", str(wheels), "sqlalchemy==1.4.49")
    return found


@pytest.fixture
def cleaned(image: Image) -> Iterator[Image]:
    """The image, from which everything that the test adds is removed again."""
    yield image
    image.pip("uninstall", "--yes", "frames", "figures")


def test_new_files_are_the_layer_and_nothing_else(cleaned: Image) -> None:
    before = set(cleaned.files())
    code, output, errors = cleaned.install("frames\n")
    report = parse_report(errors)
    assert report
    assert (code, report.code, report.replaced) == (0, 0, ())
    assert report.added == (Package("figures", "1.5"), Package("frames", "1.0"))
    with tarfile.open(fileobj=io.BytesIO(output)) as layer:
        members = {f"/{member.name}": member for member in layer}
    assert {name for name, member in members.items() if not member.isdir()} == set(cleaned.files()) - before
    command = members[f"{cleaned.local}/bin/frames"]
    assert (command.mode & 0o777, command.uid) == (0o755, os.getuid())
    # Folders come before what they hold, with their own mode and owner.
    (info,) = cleaned.local.glob("lib/*/site-packages/frames-1.0.dist-info")
    names = list(members)
    assert names.index(str(info)) < names.index(f"{info}/METADATA")
    assert not [name for name in names if not name.startswith(str(cleaned.local))]
    # What is unpacked from the layer works where pip has installed it.
    cleaned.pip("uninstall", "--yes", "frames", "figures")
    assert set(cleaned.files()) == before
    with tarfile.open(fileobj=io.BytesIO(output)) as layer:
        layer.extractall("/", filter="fully_trusted")
    done = subprocess.run([f"{cleaned.local}/bin/frames"], check=True, capture_output=True, text=True)
    assert done.stdout == "1.0\n"


def test_nothing_to_add_is_no_change(image: Image) -> None:
    code, output, errors = image.install("sqlalchemy\n")
    report = parse_report(errors)
    assert report
    assert (code, report.added, report.replaced) == (0, (), ())
    assert report.before["sqlalchemy"] == "1.4.49"
    with tarfile.open(fileobj=io.BytesIO(output)) as layer:
        assert [member.name for member in layer if not member.isdir()] == []


@pytest.mark.parametrize(
    ("requirements", "words"),
    [
        ("sqlalchemy==2.0.0\n", ["sqlalchemy==2.0.0", "the image has sqlalchemy 1.4.49", "never replaced"]),
        ("frames\nSQLAlchemy>=2\n", ["SQLAlchemy>=2", "the image has sqlalchemy 1.4.49"]),
        ("new_orm\n", ["depends on sqlalchemy>=2", "the image has sqlalchemy 1.4.49"]),
    ],
)
def test_another_version_of_what_the_image_has_is_refused(image: Image, requirements: str, words: list[str]) -> None:
    code, output, errors = image.install(requirements)
    report = parse_report(errors)
    assert report
    assert (code, output, report.added) == (1, b"", ())
    error = pip_failure.failure(report.output, "team/requirements.txt", BASE, report.before, Masker(()))
    assert error.code == "conflict", report.output
    assert [word for word in words if word not in error.message] == []
    assert "pip said:" in error.message
    assert "team/requirements.txt so that they fit sqlalchemy 1.4.49" in error.next_action
    assert "docs/python-packages.md" in error.next_action


def test_requirements_that_contradict_each_other(image: Image) -> None:
    report = image.report("figures==1.5\nfigures==1.6\n")
    error = pip_failure.failure(report.output, "r.txt", BASE, report.before, Masker(()))
    assert error.code == "conflict", report.output
    assert "they contradict each other (figures==1.5; figures==1.6)" in error.message
    assert error.next_action == "Change these lines of r.txt so that one version fits all."


def test_a_package_that_the_index_does_not_have(image: Image) -> None:
    report = image.report("no-such-package-of-mine==9\n")
    error = pip_failure.failure(report.output, "r.txt", BASE, report.before, Masker(()))
    assert error.code == "not_found"
    assert "no-such-package-of-mine==9 for the image's Python" in error.message


def test_a_line_that_is_no_requirement(image: Image) -> None:
    report = image.report("pandas = 2.0\n")
    error = pip_failure.failure(report.output, "r.txt", BASE, report.before, Masker(()))
    assert (error.code, error.next_action) == ("bad_requirement", "Correct the line in r.txt.")


def test_output_that_is_not_utf_8(image: Image) -> None:
    report = image.report("caf\xe9 = 1\n", {"PYTHONIOENCODING": "latin-1"})
    assert "caf\N{REPLACEMENT CHARACTER} = 1" in report.output


def test_a_run_that_is_stopped_ends_pip(image: Image) -> None:
    """The index accepts and does not answer."""
    with socket.create_server(("127.0.0.1", 0)) as index:
        index.settimeout(60)
        url = f"http://127.0.0.1:{index.getsockname()[1]}/simple"
        with image.start("frames-of-mine\n", {"no_proxy": "*"}, **{"no-index": "false", "index-url": url}) as started:
            asked, _address = index.accept()
            with asked:
                asked.settimeout(30)
                assert asked.recv(4).startswith(b"GET")
                started.terminate()
                while asked.recv(65536):
                    pass
            assert started.wait(30) == 143


def test_a_password_that_pip_repeats_is_masked(image: Image) -> None:
    """The index does not answer: pip names it."""
    report = image.report(
        "frames-of-mine\n", {}, **{"no-index": "false", "index-url": "http://ann:s3cretpw@127.0.0.1:9/simple", "retries": "1"}
    )
    error = pip_failure.failure(report.output, "r.txt", BASE, report.before, Masker(["s3cretpw"]))
    assert error.code == "index_unreachable", report.output
    assert "s3cretpw" not in error.text


def test_an_image_without_pip() -> None:
    """Python alone: without the packages of this environment."""
    done = subprocess.run([sys.executable, "-I", "-S", "-m", "pip"], capture_output=True, text=True, check=False)
    error = pip_failure.failure(done.stdout + done.stderr, "r.txt", BASE, {}, Masker(()))
    assert (error.code, "the image has no pip" in error.message) == ("no_pip", True)


def test_the_constraints_keep_every_version() -> None:
    assert constraints({"SQLAlchemy": "1.4.49", "apache-airflow": "2.6.3"}) == "SQLAlchemy==1.4.49\napache-airflow==2.6.3\n"
    assert constraints({}) == ""


def test_the_settings_are_a_file_of_pip() -> None:
    text = pip_config(
        {"index-url": "https://a:%40b@example.com", "extra-index-url": "https://a\nhttps://b", "cert": "{folder}/cert"}, "/dev/shm/x"
    )
    expected = "[global]\ncert = /dev/shm/x/cert\nextra-index-url = https://a\n    https://b\nindex-url = https://a:%40b@example.com\n"
    assert text == expected


@pytest.mark.parametrize(
    ("before", "after", "added", "gone"),
    [
        ({"a": "1"}, {"a": "1"}, [], []),
        ({"a": "1"}, {"a": "1", "b": "2"}, [{"name": "b", "version": "2"}], []),
        ({"My_Package": "1"}, {"my-package": "1"}, [], []),
        ({"a": "1"}, {"a": "2"}, [], ["a"]),
        ({"a": "1", "b": "1"}, {"b": "1"}, [], ["a"]),
    ],
)
def test_what_pip_has_changed(before: dict[str, str], after: dict[str, str], added: list[dict[str, str]], gone: list[str]) -> None:
    assert difference(before, after) == {"added": added, "replaced": gone}


@pytest.mark.parametrize("text", ["", "docker: Error response from daemon", "[]", '{"code": 0}', "null"])
def test_what_is_no_report(text: str) -> None:
    assert parse_report(text) is None
