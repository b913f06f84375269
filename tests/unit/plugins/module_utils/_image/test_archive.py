# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One image out of an archive, by its name."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._image.archive import archive_with, extract, find

CONFIGS = {"a.json": b'{"a": 1}', "b.json": b'{"b": 1}'}
MANIFEST: list[dict[str, Any]] = [
    {"Config": "a.json", "RepoTags": ["docker.io/apache/airflow:2.6.3"], "Layers": ["1/layer.tar", "2/layer.tar"]},
    {"Config": "b.json", "RepoTags": ["mysql:8.0"], "Layers": ["3/layer.tar"]},
]


def archive(path: Path, manifest: Any = None) -> str:
    """As docker save writes it: the second layer of the first image is a link to that of the other image."""
    with tarfile.open(path, "w") as target:
        for name, content in {
            **CONFIGS,
            "1/layer.tar": b"one",
            "3/layer.tar": b"three",
            "manifest.json": json.dumps(MANIFEST if manifest is None else manifest).encode(),
        }.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            target.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("2/layer.tar")
        link.type, link.linkname = tarfile.SYMTYPE, "../3/layer.tar"
        target.addfile(link)
    return str(path)


@pytest.mark.parametrize(
    ("reference", "path"),
    [
        ("apache/airflow:2.6.3", "a.tar"),
        ("docker.io/apache/airflow:2.6.3", "a.tar"),
        ("mysql:8.0", "b.tar"),
        ("apache/airflow:2.10.5", ""),
        ("registry.example.com/apache/airflow:2.6.3", ""),
    ],
)
def test_which_archive_lists_the_image(reference: str, path: str) -> None:
    archives = [
        {"path": "a.tar", "images": ["apache/airflow:2.6.3", "redis:7"]},
        {"path": "b.tar", "images": ["docker.io/library/mysql:8.0"]},
    ]
    assert archive_with(reference, archives) == path


def test_the_id_is_the_checksum_of_the_configuration(tmp_path: Path) -> None:
    found = find(archive(tmp_path / "a.tar"), "apache/airflow:2.6.3")
    assert found.id == f"sha256:{hashlib.sha256(CONFIGS['a.json']).hexdigest()}"
    assert (found.config, found.layers) == ("a.json", ("1/layer.tar", "2/layer.tar"))


def test_an_archive_of_the_image_alone(tmp_path: Path) -> None:
    found = find(archive(tmp_path / "a.tar"), "apache/airflow:2.6.3")
    with (tmp_path / "one.tar").open("wb") as target:
        extract(found, "localhost/base:1", target)
    with tarfile.open(tmp_path / "one.tar") as alone:
        assert sorted(alone.getnames()) == ["1/layer.tar", "2/layer.tar", "3/layer.tar", "a.json", "manifest.json"]
        contents = {name: file.read() for name in alone.getnames() if (file := alone.extractfile(name))}
    assert json.loads(contents["manifest.json"]) == [{**MANIFEST[0], "RepoTags": ["localhost/base:1"]}]
    assert (contents["a.json"], contents["1/layer.tar"], contents["2/layer.tar"]) == (CONFIGS["a.json"], b"one", b"three")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (str, "No such file or directory"),
        (lambda path: path.write_text("no archive") and str(path), "cannot be read as an archive of images"),
        (lambda path: archive(path, {"a": 1}), "cannot be read as an archive of images"),
        (lambda path: archive(path, [{"RepoTags": ["apache/airflow:2.6.3"], "Config": "none", "Layers": []}]), "none"),
        (lambda path: archive(path, []), "has no image apache/airflow:2.6.3"),
        (lambda path: archive(path, [{"RepoTags": None, "Config": "a.json", "Layers": []}]), "has no image apache/airflow:2.6.3"),
    ],
)
def test_an_archive_that_does_not_have_it(tmp_path: Path, make: Any, words: str) -> None:
    with pytest.raises(CollectionError) as caught:
        find(make(tmp_path / "a.tar"), "apache/airflow:2.6.3")
    assert words in caught.value.message
    assert (caught.value.code, caught.value.next_action[:11]) == ("bad_archive", "Write it ag")
