# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lines of a requirements file reach the build."""

from __future__ import annotations

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import InputError
from ansible_collections.gitops.airflow.plugins.module_utils._image.requirements import check, lines, urls, variables

FILE = """\
# packages of team a
pandas  ==2.0.3   # pinned

numpy>=1.24; python_version >= '3.8'
requests==2.31.0 \\
    --hash=sha256:aaaa
"""


def test_the_logical_lines() -> None:
    assert lines(FILE) == ["pandas ==2.0.3", "numpy>=1.24; python_version >= '3.8'", "requests==2.31.0 --hash=sha256:aaaa"]


@pytest.mark.parametrize(
    "line",
    [
        "pandas",
        "pandas==2.0.3",
        "pandas[excel,parquet]~=2.0",
        "pandas; sys_platform == 'linux'",
        "my-package @ https://example.com/my_package-1.0-py3-none-any.whl",
        "my-package@https://example.com/my_package-1.0.tar.gz",
        "https://example.com/my_package-1.0-py3-none-any.whl",
        "git+https://example.com/team/project.git@v1",
        "tool @ git+ssh://git@example.com/team/tool.git",
        "tool @ https://${USER}:${INDEX_TOKEN}@example.com/tool-1.0-py3-none-any.whl",
        "https://${INDEX_TOKEN}@example.com/tool-1.0.tar.gz#egg=tool",
        "pandas==${PANDAS}",
    ],
)
def test_a_line_that_the_build_can_use(line: str) -> None:
    assert check(line, "requirements.txt") == [line]


@pytest.mark.parametrize(
    "option",
    [
        "--index-url https://packages.example.com/simple",
        "--extra-index-url=https://packages.example.com/simple",
        "-i https://packages.example.com/simple",
        "-c https://example.com/constraints.txt",
        "-c https://example.com/constraints.txt?token=${INDEX_TOKEN}",
        "--find-links https://example.com/wheels",
        "--pre",
        "--no-binary :all:",
        "--require-hashes",
    ],
)
def test_an_option_that_the_build_can_use(option: str) -> None:
    assert check(f"{option}\npandas", "requirements.txt") == [option, "pandas"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("-r other.txt", "Put the other file's lines into it."),
        ("--requirement=other.txt", "Put the other file's lines into it."),
        ("-r https://example.com/other.txt", "Put the other file's lines into it."),
        ("-c constraints.txt", "--constraint must have a URL here"),
        ("-f wheels", "--find-links must have a URL here"),
        ("-e .", "a folder of this machine is not in the image"),
        ("--editable=git+https://example.com/a.git", "a folder of this machine is not in the image"),
        ("--target /tmp/x", "this option of pip is not supported here"),
        ("./my_package", "a file of this machine is not in the image"),
        ("../my_package-1.0.tar.gz", "a file of this machine is not in the image"),
        ("/srv/my_package-1.0-py3-none-any.whl", "a file of this machine is not in the image"),
        ("my_package-1.0-py3-none-any.whl", "a file of this machine is not in the image"),
        ("file:///srv/x-1.0.tar.gz", "a file of this machine is not in the image"),
        ("my-package @ file:///srv/x-1.0.tar.gz", "a file of this machine is not in the image"),
        ("my-package @ wheels/x", "a file of this machine is not in the image"),
        ("my-package @ ./x", "a file of this machine is not in the image"),
    ],
)
def test_a_line_that_cannot_reach_the_build(line: str, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        check(f"pandas\n{line}\n", "team/requirements.txt")
    assert f"- {line}: " in caught.value.message
    assert reason in caught.value.message
    assert caught.value.message.count("\n- ") == 1
    assert (caught.value.code, caught.value.next_action) == ("bad_requirement", "Correct these lines of team/requirements.txt.")


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("tool @ https://example.com/tool-1.0-py3-none-any.whl?token=s3cretpw", "query"),
        ("tool@https://example.com/tool-1.0.tar.gz?token=s3cretpw#sha256=aa ; python_version > '3'", "query"),
        ("https://example.com/tool-1.0.tar.gz?token=s3cretpw", "query"),
        ("git+https://example.com/tool.git?private_token=s3cretpw", "query"),
        ("https://${USER}:${PASSWORD}@example.com/tool-1.0.tar.gz?token=${INDEX_TOKEN}", "query"),
        ("tool @ https://example.com/${INDEX_TOKEN}/tool-1.0-py3-none-any.whl", "variable"),
        ("https://${USER}@example.com/${INDEX_TOKEN}/tool-1.0-py3-none-any.whl", "variable"),
        ("https://${HOST}/tool-1.0.tar.gz", "variable"),
        ("tool @ hg+https://example.com/tool?token=s3cretpw", "query"),
        ("tool @ ${TOOL_URL}", "variable"),
        ("${TOOL_URL}", "variable"),
    ],
)
def test_a_url_that_pip_would_store_in_the_image(line: str, what: str) -> None:
    with pytest.raises(InputError) as caught:
        check(f"pandas\n{line}\n", "requirements.txt")
    assert f"pip stores this URL in the image (direct_url.json), with its {what}" in caught.value.message
    assert "Use a package index, or " in caught.value.message
    assert caught.value.message.count("\n- ") == 1
    assert "s3cretpw" not in caught.value.text


def test_the_urls_that_a_file_names() -> None:
    text = "# https://example.com/no\ngit+https://git.example.com/no\n"
    text += "-i https://u:${INDEX_TOKEN}@${HOST}/simple\n-c http://b.example.com/c.txt\na @ https://c.example.com/a.whl"
    assert urls(text, {"INDEX_TOKEN": "t", "HOST": "a.example.com"}) == [
        "https://u:t@a.example.com/simple",
        "http://b.example.com/c.txt",
        "https://c.example.com/a.whl",
    ]


def test_all_wrong_lines_are_named_and_no_password() -> None:
    with pytest.raises(InputError) as caught:
        check("-r https://ann:s3cretpw@example.com/a.txt\n-e .\npandas", "r.txt")
    assert caught.value.message.count("\n- ") == 2
    assert "s3cretpw" not in caught.value.message


@pytest.mark.parametrize("text", ["", "\n\n", "# pandas\n", "--pre\n", "--index-url https://packages.example.com/simple\n"])
def test_a_file_without_a_package(text: str) -> None:
    with pytest.raises(InputError, match=r"r\.txt names no package") as caught:
        check(text, "r.txt")
    assert "such as pandas==2.1.4" in caught.value.next_action


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("pandas", []),
        (
            "--index-url https://${USER}:${INDEX_TOKEN}@example.com/simple\na @ https://${INDEX_TOKEN}@example.com/a.whl",
            ["USER", "INDEX_TOKEN"],
        ),
        ("# ${IGNORED}\n$HOME ${lower}\npandas", []),
    ],
)
def test_the_environment_variables_that_a_file_names(text: str, names: list[str]) -> None:
    assert variables(text) == names
