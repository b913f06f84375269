# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds an image with the packages of a requirements file: the calls to Docker that it takes.

pip runs in a container that is thrown away. Its new files become one layer of the image (docs/adr/0022-python-packages.md).
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.mask import Masker
from ansible_collections.gitops.airflow.plugins.module_utils._base.program_text import program_text
from ansible_collections.gitops.airflow.plugins.module_utils._host import command, preflight
from ansible_collections.gitops.airflow.plugins.module_utils._host.command import CommandError, CommandMissing, CommandTimeout, Done
from ansible_collections.gitops.airflow.plugins.module_utils._image import archive as archives
from ansible_collections.gitops.airflow.plugins.module_utils._image import install_packages, pip_failure, requirements
from ansible_collections.gitops.airflow.plugins.module_utils._image.pip_settings import Machine, collect, passwords
from ansible_collections.gitops.airflow.plugins.module_utils._image.plan import BUILD, INPUTS, PACKAGES, REPOSITORY, Package, Plan, plan

# The name that the base image has during a build. No registry serves it.
BASE = "localhost/gitops-airflow/base"
LAYER = "layer.tar"


class ImageError(CollectionError):
    """What the container engine could not do."""

    default_code = "image_failed"


class Runner(Protocol):
    """Runs one command to its end, as _host.command.run does."""

    def __call__(self, args: Sequence[str], *, stdin: str = "", timeout: float | None = None, output: BinaryIO | None = None) -> Done: ...


@dataclass(frozen=True)
class Wanted:
    """An image: Airflow's image ``base`` with the packages of a requirements file. ``archives`` may hold the base image."""

    base: str
    file: str
    archives: Sequence[Mapping[str, Any]] = ()
    repository: str = REPOSITORY


@dataclass(frozen=True)
class Report:
    """What install_packages.py says."""

    code: int
    output: str
    before: Mapping[str, str]
    added: tuple[Package, ...]
    replaced: tuple[str, ...]


class Engine:
    """The container engine of this machine."""

    def __init__(self, docker: str = "docker", runner: Runner = command.run, timeout: float = 1800) -> None:
        self.docker, self.runner, self.timeout = docker, runner, timeout

    def run(self, *args: str) -> Done:
        """Raises ImageError if there is no such command or no engine answers."""
        try:
            done = self.runner([self.docker, *args])
        except CommandMissing as error:
            raise _problem(preflight.engine_problem(self.docker, None, "", {})) from error
        if done[0] and ("docker daemon" in done[2].lower() or preflight.PERMISSION.search(done[2])):
            raise _problem(preflight.engine_problem(self.docker, done[0], done[2], {}))
        return done

    def do(self, *args: str) -> str:
        """What a command prints. Raises ImageError if it fails."""
        code, out, err = self.run(*args)
        if code:
            words = err.strip() or out.strip() or f"exit code {code}"
            advice = "Correct the problem that the message names, and run again."
            if "buildx" in words and os.environ.get("DOCKER_BUILDKIT"):
                advice = "Install buildx, or unset the environment variable DOCKER_BUILDKIT."
            raise ImageError(f"{self.docker} {args[0]} failed: {words}", advice)
        return out

    def inspect(self, image: str, template: str) -> str | None:
        """A field of an image on this machine; None if there is no such image. Raises ImageError."""
        code, out, err = self.run("image", "inspect", "--format", template, image)
        if code and "no such image" not in err.lower():
            raise ImageError(f"{self.docker} cannot inspect the image {image}: {err.strip()}", "Correct its name, or repair the engine.")
        return None if code else out.strip()

    def labels(self, image: str) -> Mapping[str, str] | None:
        """The labels of an image; None if there is no such image on this machine."""
        found = self.inspect(image, "{{json .Config.Labels}}")
        return None if found is None else json.loads(found) or {}

    def id(self, image: str) -> str:
        """Empty if there is no such image on this machine."""
        return self.inspect(image, "{{.Id}}") or ""

    def pull(self, image: str) -> None:
        code, out, err = self.run("pull", "--quiet", image)
        if code:
            status, words = preflight.image_status(code, err or out)
            raise _problem(preflight.image_problems([{"name": image, "status": status, "message": words}])[0])

    def load(self, image: archives.ArchivedImage, name: str) -> None:
        """Loads one image of an archive under another name."""
        with _folder() as folder:
            path = folder / "image.tar"
            with path.open("wb") as file:
                archives.extract(image, name, file)
            self.do("load", "--quiet", "--input", str(path))

    def install(self, image: str, payload: Mapping[str, Any], folders: Sequence[str], layer: Path) -> tuple[int, str]:
        """Runs install_packages.py in a container of the image, which writes the new files to ``layer``. Exit code and standard error.

        Raises ImageError.
        """
        name = f"gitops-airflow-packages-{os.getpid()}-{os.urandom(4).hex()}"
        volumes = [word for folder in folders for word in ("--volume", f"{folder}:{folder}:ro")]
        # The network of the machine: what pip reaches here, also by a proxy on localhost, it reaches there.
        words = ["run", "--rm", "--interactive", "--name", name, "--network", "host", "--security-opt", "no-new-privileges"]
        # The layer goes through standard output: a log would be another copy of it.
        words += ["--log-driver", "none", *volumes]
        program = program_text(install_packages, "installs packages into an image")
        try:
            with layer.open("wb") as output:
                code, _out, err = self.runner(
                    [self.docker, *words, "--entrypoint", "python", image, "-c", program],
                    stdin=json.dumps(payload),
                    timeout=self.timeout,
                    output=output,
                )
        except CommandTimeout as error:
            raise ImageError(
                f"pip has not ended within {self.timeout:g} s.",
                "Find out what takes so long (a package without a wheel is compiled), or set timeout to more seconds.",
                "timeout",
            ) from error
        finally:
            # The client may have ended before the container.
            with suppress(CommandError):
                self.runner([self.docker, "rm", "--force", name])
        return code, err

    def add_layer(self, base: str, image: str, context: Path, labels: Mapping[str, str], *, empty: bool) -> None:
        """Makes the image from its base and the new files in the folder. Nothing runs in this build."""
        lines = [f"FROM {base}"] if empty else [f"FROM {base}", f"ADD {LAYER} /"]
        (context / "Dockerfile").write_text("\n".join(lines) + "\n", encoding="utf-8")
        named = [word for key, value in labels.items() for word in ("--label", f"{key}={value}")]
        self.do("build", "--quiet", "--force-rm", *named, "--tag", image, str(context))


class Builder:
    """Brings one image about. In check mode it only says what it would do."""

    def __init__(self, engine: Engine, machine: Machine | None = None, *, check: bool = False) -> None:
        self.engine, self.machine, self.check = engine, machine or Machine(), check

    def present(self, wanted: Wanted) -> dict[str, Any]:
        """Builds the image if it does not exist; the module's result. Raises CollectionError."""
        text = _read(wanted.file)
        lines = requirements.check(text, wanted.file)
        path = archives.archive_with(wanted.base, wanted.archives)
        archived = archives.find(path, wanted.base) if path else None
        base_id, pulled = self._base_id(wanted.base, archived)
        todo = plan(wanted.base, base_id, lines, self.engine.labels, wanted.repository)
        packages = list(todo.packages)
        if todo.action == BUILD and not self.check:
            packages = self._build(wanted, text, base_id, archived, todo)
        return {
            "changed": todo.action == BUILD,
            "image": todo.image,
            "tag": todo.image.rpartition(":")[2],
            "base": wanted.base,
            "base_id": base_id,
            "pulled": pulled,
            "packages": [package.as_dict() for package in packages],
            "diff": {"before": {"image": "" if todo.action == BUILD else todo.image}, "after": {"image": todo.image}},
        }

    def _base_id(self, base: str, archived: archives.ArchivedImage | None) -> tuple[str, bool]:
        """The ID of the base image, and whether it had to be pulled. In check mode it is empty if the image is not on this machine."""
        if archived:
            return archived.id, False
        found = self.engine.id(base)
        if found or self.check:
            return found, False
        self.engine.pull(base)
        return self.engine.id(base), True

    def _build(self, wanted: Wanted, text: str, base_id: str, archived: archives.ArchivedImage | None, todo: Plan) -> list[Package]:
        settings = collect(self.machine, requirements.variables(text), requirements.urls(text, self.machine.environment))
        masker = Masker([*settings.secrets, *passwords([text])])
        with _folder() as folder, self._named(base_id, archived) as base:
            code, err = self.engine.install(base, settings.payload() | {"requirements": text}, settings.folders, folder / LAYER)
            report = parse_report(err)
            # The program has ended well, but its output did not arrive: the disk may be full.
            if report is None or (code and not report.code):
                raise _no_report(wanted.base, code, masker.text(err))
            if report.code:
                raise pip_failure.failure(report.output, wanted.file, wanted.base, report.before, masker)
            if report.replaced:
                raise pip_failure.replaced(list(report.replaced), wanted.file, wanted.base)
            added = list(report.added)
            listed = json.dumps([package.as_dict() for package in added])
            # An empty archive would be added as a file.
            self.engine.add_layer(base, todo.image, folder, {INPUTS: todo.inputs, PACKAGES: listed}, empty=not added)
        return added

    @contextmanager
    def _named(self, base_id: str, archived: archives.ArchivedImage | None) -> Iterator[str]:
        """A name for the base image as long as the build lasts: a Dockerfile cannot name an ID."""
        name = f"{BASE}:{base_id.removeprefix('sha256:')[:12]}-{os.getpid()}"
        if archived and not self.engine.id(archived.id):
            self.engine.load(archived, name)
        else:
            self.engine.do("tag", base_id, name)
        try:
            yield name
        finally:
            self.engine.run("image", "rm", "--no-prune", name)


def parse_report(text: str) -> Report | None:
    """The last line of what install_packages.py writes to standard error; None if it is not the report."""
    try:
        given = json.loads((text.strip().splitlines() or [""])[-1])
        return Report(
            int(given["code"]),
            str(given["output"]),
            dict(given["before"]),
            tuple(Package(str(item["name"]), str(item["version"])) for item in given["added"]),
            tuple(map(str, given["replaced"])),
        )
    except (ValueError, TypeError, KeyError):
        return None


def _no_report(base: str, code: int, text: str) -> ImageError:
    if "executable file not found" in text or "no such file or directory" in text:
        return ImageError(f"The image {base} has no command python.", "Use an image of Airflow, such as the official one.", "no_python")
    return ImageError(
        f"The container of {base} in which pip runs ended with exit code {code}:\n{pip_failure.last_lines(text)}",
        "Correct the problem that the message names, and run again.",
    )


def _problem(problem: preflight.Problem | None) -> ImageError:
    if problem is None:
        raise AssertionError("a failed command is a problem")
    return ImageError(str(problem), problem.next_action, problem.code)


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        words = getattr(error, "strerror", None) or "it is not text in UTF-8"
        raise ImageError(f"The requirements file {path} cannot be read: {words}.", "Correct its path.", "bad_path") from error


@contextmanager
def _folder() -> Iterator[Path]:
    """For temporary files. Raises ImageError if they cannot be written, there or in the body."""
    try:
        with tempfile.TemporaryDirectory(prefix="gitops-airflow-image-") as folder:
            yield Path(folder)
    except OSError as error:
        raise ImageError(
            f"A temporary file of the image cannot be written: {error.strerror or error}.",
            "Free disk space in the folder for temporary files, or set TMPDIR to another folder, and run again.",
            "disk_full",
        ) from error
