# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a message says of pip's output, as versions of pip have written it."""

from __future__ import annotations

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.mask import Masker
from ansible_collections.gitops.airflow.plugins.module_utils._image.pip_failure import LONGEST, failure, last_lines, replaced

BASE = "apache/airflow:2.6.3"
BEFORE = {"SQLAlchemy": "1.4.49", "apache-airflow": "2.6.3", "Flask": "2.2.5"}
CONFLICT = """\
ERROR: Cannot install sqlalchemy==2.0.0 because these package versions have conflicting dependencies.

The conflict is caused by:
    The user requested sqlalchemy==2.0.0
    The user requested (constraint) sqlalchemy==1.4.49

To fix this you could try to:
1. loosen the range of package versions you've specified
2. remove package versions to allow pip attempt to solve the dependency conflict

ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/en/latest/topics/dependency-resolution/
"""
INDIRECT = """\
ERROR: Cannot install -r /dev/shm/x/requirements.txt (line 2) because these package versions have conflicting dependencies.

The conflict is caused by:
    dash 2.18.0 depends on Flask<3.1 and >=3.0
    other 1.0 depends on pytz
    The user requested (constraint) flask==2.2.5
ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/en/latest/topics/dependency-resolution/
"""


def test_a_version_that_the_image_has_otherwise() -> None:
    error = failure(CONFLICT, "r.txt", BASE, BEFORE, Masker(()))
    assert error.code == "conflict"
    assert error.message.startswith(
        "The packages of r.txt cannot be added to apache/airflow:2.6.3: the file needs another version of what the image has "
        "(sqlalchemy==2.0.0; the image has SQLAlchemy 1.4.49). Packages of the image are never replaced"
    )
    assert error.message.splitlines()[-1].startswith("ERROR: ResolutionImpossible")
    assert error.next_action.startswith("Change these lines of r.txt so that they fit SQLAlchemy 1.4.49, or leave the version out.")


def test_a_dependency_that_the_image_has_otherwise() -> None:
    error = failure(INDIRECT, "r.txt", BASE, BEFORE, Masker(()))
    assert "(dash 2.18.0 depends on Flask<3.1 and >=3.0; the image has Flask 2.2.5)" in error.message


def test_requirements_that_contradict_each_other() -> None:
    text = CONFLICT.replace("(constraint) sqlalchemy==1.4.49", "pandas>=2").replace("sqlalchemy==2.0.0", "pandas<2")
    error = failure(text, "r.txt", BASE, BEFORE, Masker(()))
    assert "they contradict each other (pandas<2; pandas>=2)." in error.message
    assert error.next_action == "Change these lines of r.txt so that one version fits all."


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (
            INDIRECT.replace("    The user requested (constraint) flask==2.2.5\n", ""),
            " (dash 2.18.0 depends on Flask<3.1 and >=3.0; other 1.0 ",
        ),
        ("ERROR: Cannot install pandas<2 and\n  pandas>=2 because of conflicting dependencies", " (pandas<2 and pandas>=2)."),
        ("ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/", "."),
    ],
)
def test_what_contradicts_each_other_is_named_if_pip_names_it(output: str, words: str) -> None:
    error = failure(output, "r.txt", BASE, BEFORE, Masker(()))
    assert f"cannot be added to {BASE}: they contradict each other{words}" in error.message
    assert error.message.count("contradict") == 1


def test_a_package_of_the_image_is_named_without_what_needs_another_version() -> None:
    error = failure("  The user requested (constraint) flask==2.2.5\nERROR: ResolutionImpossible", "r.txt", BASE, BEFORE, Masker(()))
    assert "the file needs another version of what the image has (the image has Flask 2.2.5)." in error.message


UNREACHABLE = """\
WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError': Failed to establish a new connection: /simple/pandas/
ERROR: Could not find a version that satisfies the requirement pandas (from versions: none)
ERROR: No matching distribution found for pandas
"""


@pytest.mark.parametrize(
    ("output", "code", "words"),
    [
        (UNREACHABLE, "index_unreachable", "the package index cannot be reached"),
        (
            UNREACHABLE.replace("NewConnectionError", "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]"),
            "certificate",
            "not trusted",
        ),
        (UNREACHABLE.replace("NewConnectionError", "ProxyError('Cannot connect to proxy.'"), "index_unreachable", "cannot be reached"),
        ("\n".join(UNREACHABLE.splitlines()[1:]), "not_found", "no pandas for the image's Python"),
        ("ERROR: HTTP error 403 while getting https://example.com/a.whl", "unauthorized", "refuses the credentials"),
        (
            "requests.exceptions.HTTPError: 401 Client Error: Unauthorized for url: https://example.com/",
            "unauthorized",
            "refuses the credentials",
        ),
        ("OSError: Tunnel connection failed: 407 Proxy Authentication Required", "unauthorized", "refuses the credentials"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "hash_mismatch", "does not have the hash"),
        ("ERROR: Invalid requirement: 'pandas = 2' (from line 1 of /x/requirements.txt)", "bad_requirement", "not a requirement"),
        ("/usr/local/bin/python: No module named pip", "no_pip", "has no pip"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk_full", "disk is full"),
        ("error: subprocess-exited-with-error\n  x gcc failed: No such file or directory: 'gcc'", "build_failed", "has no wheel"),
        ("ERROR: Failed building wheel for mysqlclient", "build_failed", "has no wheel"),
        ("Segmentation fault", "pip_failed", "pip failed."),
    ],
)
def test_why_pip_failed(output: str, code: str, words: str) -> None:
    error = failure(output, "r.txt", BASE, BEFORE, Masker(()))
    assert (error.code, words in error.message) == (code, True), error.message
    assert error.message.endswith(f"pip said:\n{last_lines(output)}")
    assert "{file}" not in error.next_action
    assert error.next_action


def test_passwords_are_masked() -> None:
    output = (
        "WARNING: Skipping https://ann:s3cretpw@packages.example.com/simple, https://t0kenvalue@b.example.com\nERROR: s3cretpw t0kenvalue"
    )
    error = failure(output, "r.txt", BASE, BEFORE, Masker(["s3cretpw", "t0kenvalue"]))
    assert "s3cretpw" not in error.text
    assert "t0kenvalue" not in error.text
    assert "packages.example.com" in error.message


@pytest.mark.parametrize("line", ["Looking in indexes: https://a.example.com, https://b.example.com", "Looking in links: /srv/wheels"])
def test_where_pip_looks_is_not_quoted(line: str) -> None:
    assert last_lines(f"{line}\nERROR: x") == "ERROR: x"


def test_the_last_lines_without_advice_about_pip() -> None:
    text = "\n".join(
        [
            *(f"line {number}" for number in range(20)),
            "y" * LONGEST,
            "",
            "x" * 1000,
            "[notice] A new release of pip is available: 23.1 -> 26.0",
        ]
    )
    assert last_lines(text).splitlines() == [*(f"line {number}" for number in range(14, 20)), "y" * LONGEST, "x" * LONGEST + " …"]


def test_a_package_that_was_replaced_in_spite_of_the_constraints() -> None:
    error = replaced(["Flask"], "r.txt", BASE)
    assert (error.code, "pip would replace Flask" in error.message) == ("conflict", True)
    assert "Remove what replaces Flask from r.txt" in error.next_action
