# GPL-3.0-or-later
"""Docker images that carry the key of their recipe as a label, and archives of them under their public names."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from .runner import Log

LABEL = "gitops-airflow-lab.key"
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def has_image(image: str, key: str) -> bool:
    """Whether Docker holds IMAGE made from exactly that recipe."""
    command = ["docker", "image", "inspect", "--format", f'{{{{index .Config.Labels "{LABEL}"}}}}', image]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout.strip() == key


def build(
    image: str,
    key: str,
    dockerfile: Path,
    content: Iterable[tuple[str, Path]],
    context: Path,
    log: Log,
    arguments: Mapping[str, str] | None = None,
) -> None:
    """Build IMAGE; CONTENT names what the build context holds: files, or folders that are merged into it, "." being the context."""
    shutil.rmtree(context, ignore_errors=True)
    context.mkdir(parents=True)
    for name, source in content:
        _place(source, context / name)
    # The classic builder runs its steps by the engine's default runtime, which may be a wrapper that the machine needs.
    words = ["docker", "build", "--force-rm", "--network=host", "--label", f"{LABEL}={key}", "-t", image, "-f", str(dockerfile)]
    for name, value in (arguments or {}).items():
        words += ["--build-arg", f"{name}={value}"]
    log.run([*words, str(context)], env={**os.environ, "DOCKER_BUILDKIT": "0"})
    shutil.rmtree(context)


def import_tar(image: str, key: str, tar: Path, log: Log, changes: Sequence[str] = ()) -> None:
    """Make IMAGE of one layer from a tar of its root."""
    options = [word for change in [*changes, f"LABEL {LABEL}={key}"] for word in ("--change", change)]
    log.run(["docker", "import", *options, str(tar), image])


def import_program(image: str, key: str, program: Path, name: str, user: str, work: Path, log: Log) -> None:
    """Make IMAGE of nothing but one static program, found by NAME in its PATH and started when no command is given."""
    work.mkdir(parents=True, exist_ok=True)
    tar = work / f"{name}.tar"
    with tarfile.open(tar, "w") as archive:
        entry = archive.gettarinfo(program, f"usr/local/bin/{name}")
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        entry.mode = 0o755
        with program.open("rb") as content:
            archive.addfile(entry, content)
    changes = ["ENV PATH=/usr/local/bin", f'ENTRYPOINT ["/usr/local/bin/{name}"]', f"USER {user}"]
    import_tar(image, key, tar, log, changes)
    tar.unlink()


def flatten(image: str, key: str, source: str, work: Path, log: Log) -> None:
    """Make IMAGE of one layer from the built image SOURCE: files that a later layer deletes are truly gone."""
    work.mkdir(parents=True, exist_ok=True)
    tar = work / "flat.tar"
    container = log.run(["docker", "create", source, "true"], capture=True).strip()
    try:
        log.run(["docker", "export", "-o", str(tar), container])
    finally:
        log.run(["docker", "rm", container])
    import_tar(image, key, tar, log, [f"ENV PATH={DEFAULT_PATH}"])
    tar.unlink()


def save(images: Mapping[str, str], archive: Path, log: Log) -> None:
    """Write one archive of IMAGES (name in Docker -> name in the archive); layers that they share are in it once.

    The public names exist only in the archive: an image of that name that the user has in Docker is not touched.
    """
    raw = archive.with_suffix(".raw")
    new = archive.with_suffix(".new")
    log.run(["docker", "save", "-o", str(raw), *images])
    with tarfile.open(raw) as source, tarfile.open(new, "w", format=tarfile.PAX_FORMAT) as target:
        for member in source:
            # index.json and repositories hold the names too; manifest.json alone is understood everywhere.
            if member.name in ("manifest.json", "repositories", "index.json", "oci-layout"):
                continue
            target.addfile(member, source.extractfile(member) if member.isfile() else None)
        listed = source.extractfile("manifest.json")
        assert listed, "docker save wrote no manifest.json"
        manifest = json.load(listed)
        for entry in manifest:
            entry["RepoTags"] = [images[tag.removesuffix(":latest")] for tag in entry["RepoTags"] if tag.removesuffix(":latest") in images]
        content = json.dumps(manifest).encode()
        member = tarfile.TarInfo("manifest.json")
        member.size = len(content)
        target.addfile(member, io.BytesIO(content))
    raw.unlink()
    new.rename(archive)


def _place(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, copy_function=_link_or_copy)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        _link_or_copy(str(source), str(target))


def _link_or_copy(source: str, target: str) -> None:
    """Hard links spare copies of large programs; a build reads its context only. A later file replaces an earlier one, not its source."""
    Path(target).unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
