# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of Docker to build an image. Every call goes to a stand-in that keeps images as Docker does."""

from __future__ import annotations

import errno
import json
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._host.command import CommandMissing, CommandTimeout, Done
from ansible_collections.gitops.airflow.plugins.module_utils._image.build import Builder, Engine, Wanted
from ansible_collections.gitops.airflow.plugins.module_utils._image.pip_settings import Machine
from ansible_collections.gitops.airflow.plugins.module_utils._image.plan import INPUTS, inputs, tag
from ansible_collections.gitops.airflow.tests.unit.plugins.module_utils._image.test_archive import archive

BASE = "apache/airflow:2.6.3"
ID = "sha256:" + "ab" * 32
NAME = f"localhost/gitops-airflow/airflow:{tag(BASE, inputs(['pandas'], ID))}"
ADDED = [{"name": "numpy", "version": "1.25.1"}, {"name": "pandas", "version": "2.0.3"}]
PASSWORD = "s3cretpw"
REPORT: dict[str, Any] = {"code": 0, "output": "", "before": {"flask": "2.2.5"}, "added": ADDED, "replaced": []}
DOWN = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"


@dataclass
class Docker:
    """Images by their names and IDs. ``report`` is what pip ends in; ``fails`` has error outputs, by the first word of a command."""

    images: dict[str, dict[str, Any]] = field(default_factory=lambda: {BASE: {"id": ID, "labels": {}}})
    registry: dict[str, str] = field(default_factory=dict)
    report: dict[str, Any] | str = field(default_factory=lambda: dict(REPORT))
    fails: dict[str, str] = field(default_factory=dict)
    calls: list[list[str]] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    dockerfile: str = ""
    slow: bool = False
    exit_code: int = 0

    def __call__(self, args: Sequence[str], *, stdin: str = "", timeout: float | None = None, output: BinaryIO | None = None) -> Done:
        words = list(args[1:])
        self.calls.append(words)
        if words[0] in self.fails:
            return 1, "", self.fails[words[0]]
        action = getattr(self, f"_{words[0]}_{words[1]}" if words[0] == "image" else f"_{words[0]}")
        if words[0] == "run":
            self.inputs.append(stdin)
            return action(words, timeout, output)  # type: ignore[no-any-return]
        return action(words)  # type: ignore[no-any-return]

    def find(self, name: str) -> dict[str, Any] | None:
        return self.images.get(name) or next((image for image in self.images.values() if image["id"] == name), None)

    def _image_inspect(self, words: list[str]) -> Done:
        image = self.find(words[-1])
        if not image:
            return 1, "", f"Error: No such image: {words[-1]}"
        return 0, json.dumps(image["labels"] or None) if "json" in words[3] else image["id"], ""

    def _image_rm(self, words: list[str]) -> Done:
        del self.images[words[-1]]
        return 0, "", ""

    def _tag(self, words: list[str]) -> Done:
        found = self.find(words[1])
        assert found
        self.images[words[2]] = found
        return 0, "", ""

    def _pull(self, words: list[str]) -> Done:
        if words[-1] not in self.registry:
            return 1, "", f"Error response from daemon: manifest for {words[-1]} not found: manifest unknown"
        self.images[words[-1]] = {"id": self.registry[words[-1]], "labels": {}}
        return 0, "", ""

    def _load(self, words: list[str]) -> Done:
        with tarfile.open(words[-1]) as content:
            file = content.extractfile("manifest.json")
            assert file
            (entry,) = json.load(file)
        self.images[entry["RepoTags"][0]] = {"id": "sha256:loaded", "labels": {}}
        return 0, "", ""

    def _run(self, words: list[str], timeout: float | None, output: BinaryIO | None) -> Done:
        if self.slow:
            raise CommandTimeout(f"no answer within {timeout:g} s", "")
        assert self.find(words[words.index("python") + 1])
        assert output
        output.write(b"layer")
        text = self.report if isinstance(self.report, str) else f"pip's words\n{json.dumps(self.report)}\n"
        return (0 if isinstance(self.report, dict) and not self.report["code"] else 1) or self.exit_code, "", text

    def _rm(self, words: list[str]) -> Done:
        return 1, "", f"Error: No such container: {words[-1]}"

    def _build(self, words: list[str]) -> Done:
        self.dockerfile = (Path(words[-1]) / "Dockerfile").read_text()
        layer = Path(words[-1]) / "layer.tar"
        assert layer.read_bytes() == b"layer"
        labels = dict(words[index + 1].split("=", 1) for index, word in enumerate(words) if word == "--label")
        self.images[words[words.index("--tag") + 1]] = {"id": "sha256:built", "labels": labels}
        return 0, "sha256:built\n", ""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text("pandas\n")
    return path


def build(
    docker: Docker, file: Path, *, check: bool = False, archives: Sequence[dict[str, Any]] = (), **environment: str
) -> dict[str, Any]:
    builder = Builder(Engine(runner=docker, timeout=5), Machine({"HOME": "/none", **environment}, str(file.parent / "root")), check=check)
    return builder.present(Wanted(BASE, str(file), archives))


def test_an_absent_image_is_built_once(file: Path) -> None:
    docker = Docker()
    found = build(docker, file)
    assert found == {
        "changed": True,
        "image": NAME,
        "tag": NAME.rpartition(":")[2],
        "base": BASE,
        "base_id": ID,
        "pulled": False,
        "packages": ADDED,
        "diff": {"before": {"image": ""}, "after": {"image": NAME}},
    }
    # No name of the build is left.
    assert set(docker.images) == {BASE, NAME}
    docker.calls.clear()
    again = build(docker, file)
    assert (again["changed"], again["image"], again["packages"]) == (False, NAME, ADDED)
    assert {tuple(words[:2]) for words in docker.calls} == {("image", "inspect")}


def test_a_comment_in_the_file_changes_nothing(file: Path) -> None:
    docker = Docker()
    build(docker, file)
    file.write_text("# for the reports\npandas  # any version\n\n")
    assert build(docker, file)["changed"] is False


@pytest.mark.parametrize("text", ["pandas==2.0.3\n", "pandas\nnumpy\n"])
def test_another_file_is_another_image(file: Path, text: str) -> None:
    docker = Docker()
    build(docker, file)
    file.write_text(text)
    found = build(docker, file)
    assert found["changed"]
    assert found["image"] != NAME
    assert set(docker.images) == {BASE, NAME, found["image"]}


def test_another_base_image_of_the_same_name_is_another_image(file: Path) -> None:
    docker = Docker()
    build(docker, file)
    docker.images[BASE] = {"id": "sha256:" + "cd" * 32, "labels": {}}
    found = build(docker, file)
    assert found["changed"]
    assert found["image"] != NAME


def test_check_mode_says_what_it_would_build(file: Path) -> None:
    docker = Docker()
    found = build(docker, file, check=True)
    assert (found["changed"], found["image"], found["packages"]) == (True, NAME, [])
    assert set(docker.images) == {BASE}
    build(docker, file)
    assert build(docker, file, check=True)["changed"] is False


def test_a_base_image_that_docker_does_not_have_is_pulled(file: Path) -> None:
    docker = Docker(images={}, registry={BASE: ID})
    before = build(docker, file, check=True)
    assert (before["changed"], before["image"], before["base_id"]) == (True, "localhost/gitops-airflow/airflow:2.6.3-unknown", "")
    assert docker.images == {}
    found = build(docker, file)
    assert (found["changed"], found["pulled"], found["image"]) == (True, True, NAME)


def test_a_base_image_that_no_registry_has(file: Path) -> None:
    with pytest.raises(CollectionError, match=r"has no image apache/airflow:2\.6\.3") as caught:
        build(Docker(images={}), file)
    assert (caught.value.code, caught.value.next_action) == ("image_unknown", "Correct name or tag of apache/airflow:2.6.3.")


@pytest.mark.parametrize("known", [True, False])
def test_the_base_image_of_an_archive(file: Path, tmp_path: Path, known: bool) -> None:
    """It counts, whatever image Docker has under the name. It is loaded only if Docker does not have it under any name."""
    path = archive(tmp_path / "images.tar")
    archives = [{"path": path, "images": [BASE]}]
    docker = Docker()
    first = build(docker, file, check=True, archives=archives)
    assert first["base_id"] not in ("", ID)
    if known:
        docker.images["lab/airflow"] = {"id": first["base_id"], "labels": {}}
    found = build(docker, file, archives=archives)
    assert (found["changed"], found["image"], found["pulled"]) == (True, first["image"], False)
    assert ["load"] * (not known) == [words[0] for words in docker.calls if words[0] == "load"]
    assert set(docker.images) == {BASE, found["image"], *(["lab/airflow"] if known else [])}
    assert build(docker, file, archives=archives)["changed"] is False


def test_the_image_is_its_base_and_one_layer(file: Path) -> None:
    docker = Docker()
    build(docker, file)
    lines = docker.dockerfile.splitlines()
    assert (lines[0].startswith("FROM localhost/gitops-airflow/base:abababababab-"), lines[1:]) == (True, ["ADD layer.tar /"])
    assert docker.images[NAME]["labels"][INPUTS] == inputs(["pandas"], ID)


def test_nothing_to_add_is_no_layer(file: Path) -> None:
    docker = Docker(report={**REPORT, "added": []})
    assert build(docker, file)["packages"] == []
    assert "ADD" not in docker.dockerfile


def test_secrets_go_over_standard_input_alone(file: Path) -> None:
    docker = Docker()
    file.write_text("--extra-index-url https://${INDEX_TOKEN}@b.example.com/simple\npandas\n")
    build(
        docker,
        file,
        PIP_INDEX_URL=f"https://ann:{PASSWORD}@a.example.com/simple",
        INDEX_TOKEN="t0ken-value",
        https_proxy="http://x:pr0xypw@p",
    )
    given = json.loads(docker.inputs[0])
    assert given["options"]["index-url"] == f"https://ann:{PASSWORD}@a.example.com/simple"
    assert given["environment"] == {"INDEX_TOKEN": "t0ken-value", "https_proxy": "http://x:pr0xypw@p"}
    assert given["requirements"] == file.read_text()
    seen = json.dumps([docker.calls, docker.images, docker.dockerfile])
    assert [secret for secret in (PASSWORD, "t0ken-value", "pr0xypw") if secret in seen] == []


def test_local_folders_with_packages_are_mounted(file: Path) -> None:
    docker = Docker()
    (file.parent / "root/srv/wheels").mkdir(parents=True)
    build(docker, file, PIP_FIND_LINKS="/srv/wheels")
    (words,) = [words for words in docker.calls if words[0] == "run"]
    assert words[words.index("--volume") + 1] == "/srv/wheels:/srv/wheels:ro"


FAILED = {
    **REPORT,
    "code": 1,
    "added": [],
    "output": f"WARNING: https://ann:{PASSWORD}@a.example.com\nERROR: No matching distribution found for x",
}


@pytest.mark.parametrize(
    ("report", "code", "words"),
    [
        (FAILED, "not_found", "no x for the image's Python"),
        ({**REPORT, "replaced": ["flask"]}, "conflict", "pip would replace flask"),
        (f"docker: Error {PASSWORD}: toomanyrequests.", "image_failed", "ended with exit code 1:\ndocker: Error"),
        ('exec: "python": executable file not found in $PATH: unknown.', "no_python", "has no command python"),
    ],
)
def test_a_failure_leaves_no_image(file: Path, report: dict[str, Any] | str, code: str, words: str) -> None:
    docker = Docker(report=report)
    with pytest.raises(CollectionError) as caught:
        build(docker, file, PIP_INDEX_URL=f"https://ann:{PASSWORD}@a.example.com/simple")
    assert (caught.value.code, words in caught.value.message) == (code, True), caught.value.message
    assert PASSWORD not in caught.value.text
    assert caught.value.next_action
    assert set(docker.images) == {BASE}


def test_a_layer_that_did_not_arrive_whole(file: Path) -> None:
    docker = Docker(exit_code=1)
    with pytest.raises(CollectionError, match="ended with exit code 1"):
        build(docker, file)
    assert set(docker.images) == {BASE}


def test_a_password_in_the_file_is_masked(file: Path) -> None:
    docker = Docker(report={**FAILED, "output": f"ERROR: {PASSWORD} at the end"})
    file.write_text(f"a @ https://ann:{PASSWORD}@example.com/a-1.0-py3-none-any.whl\n")
    with pytest.raises(CollectionError) as caught:
        build(docker, file)
    assert PASSWORD not in caught.value.text
    assert "ERROR: ******** at the end" in caught.value.message


def test_a_container_that_does_not_end_is_removed(file: Path) -> None:
    docker = Docker(slow=True)
    with pytest.raises(CollectionError, match="pip has not ended within 5 s") as caught:
        build(docker, file)
    assert caught.value.code == "timeout"
    (started,) = [words for words in docker.calls if words[0] == "run"]
    assert ["rm", "--force", started[started.index("--name") + 1]] in docker.calls
    assert set(docker.images) == {BASE}


@pytest.mark.parametrize(
    ("command", "words", "code"),
    [
        ("image", DOWN, "engine_not_running"),
        ("image", "permission denied while trying to connect to the Docker daemon socket", "engine_permission"),
        ("build", "no space left on device", "image_failed"),
        ("tag", DOWN, "engine_not_running"),
    ],
)
def test_an_engine_that_does_not_do_it(file: Path, command: str, words: str, code: str) -> None:
    with pytest.raises(CollectionError) as caught:
        build(Docker(fails={command: words}), file)
    assert (caught.value.code, words in caught.value.message) == (code, True)
    assert caught.value.next_action


def test_the_layer_is_not_logged(file: Path) -> None:
    docker = Docker()
    build(docker, file)
    (words,) = [words for words in docker.calls if words[0] == "run"]
    assert words[words.index("--log-driver") + 1] == "none"


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), FileNotFoundError(2, "No usable temporary directory")])
def test_a_disk_that_is_full(file: Path, monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    def full(*_args: Any, **_options: Any) -> str:
        raise error

    docker = Docker()
    monkeypatch.setattr("tempfile.mkdtemp", full)
    with pytest.raises(CollectionError, match=f"cannot be written: {error.strerror}") as caught:
        build(docker, file)
    assert (caught.value.code, "TMPDIR" in caught.value.next_action, set(docker.images)) == ("disk_full", True, {BASE})


def test_a_disk_that_becomes_full(file: Path) -> None:
    class Full(Docker):
        def _run(self, words: list[str], timeout: float | None, output: BinaryIO | None) -> Done:
            raise OSError(errno.ENOSPC, "No space left on device")

    docker = Full()
    with pytest.raises(CollectionError, match="No space left on device") as caught:
        build(docker, file)
    assert (caught.value.code, set(docker.images)) == ("disk_full", {BASE})


def test_passwords_for_the_hosts_that_the_file_names(file: Path) -> None:
    docker = Docker()
    home = file.parent / "root/home"
    home.mkdir(parents=True)
    (home / ".netrc").write_text(f"machine b.example.com login ann password {PASSWORD}\nmachine c.example.com login ann password x\n")
    (home / ".netrc").chmod(0o600)
    file.write_text("--extra-index-url https://${INDEX_HOST}/simple\npandas\n")
    build(docker, file, HOME="/home", INDEX_HOST="b.example.com")
    assert json.loads(docker.inputs[0])["files"] == {"netrc": f"machine b.example.com login ann password {PASSWORD}\n"}


def test_a_machine_without_docker(file: Path) -> None:
    def missing(args: Sequence[str], **_options: Any) -> Done:
        raise CommandMissing(f"the command {args[0]} was not found", "")

    with pytest.raises(CollectionError) as caught:
        Builder(Engine(runner=missing)).present(Wanted(BASE, str(file)))
    assert caught.value.code == "engine_missing"


@pytest.mark.parametrize(("content", "words"), [(None, "No such file or directory"), (b"\xff\xfe", "it is not text in UTF-8")])
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "r.txt"
    if content is not None:
        path.write_bytes(content)
    docker = Docker()
    with pytest.raises(CollectionError, match=words) as caught:
        build(docker, path)
    assert (caught.value.code, docker.calls) == ("bad_path", [])
