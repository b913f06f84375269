# GPL-3.0-or-later
"""Debian roots as Docker images, made by debootstrap, which verifies the archive's signatures and each package's hash."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from . import docker
from .runner import LAB, Log

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
RECIPE = LAB / "images" / "debian"
# On the host: command -> Debian package. gcc links Gitea's SQLite.
HOST_TOOLS = {"debootstrap": "debootstrap", "gcc": "gcc", str(KEYRING): "debian-archive-keyring", "/usr/include/stdlib.h": "libc6-dev"}
NEEDLESS = [
    "usr/share/doc",
    "usr/share/man",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/lintian",
    "var/lib/apt/lists",
    "var/cache/apt",
]


def install_host_tools(log: Log) -> None:
    missing = [package for tool, package in HOST_TOOLS.items() if not (Path(tool).exists() or shutil.which(tool))]
    if not missing:
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    log.run([*_root(), "apt-get", "-qq", "update"], env=environment)
    log.run(
        [*_root(), "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", "install", "-y", "--no-install-recommends", *missing], env=environment
    )


def import_root(image: str, key: str, suite: str, mirror: str, work: Path, log: Log) -> None:
    """Make the Docker image IMAGE of SUITE's smallest root, without documentation and package lists."""
    root = work / f"debian-{suite}"
    log.run([*_root(), "rm", "-rf", root])
    log.run([*_root(), "debootstrap", "--variant=minbase", f"--keyring={KEYRING}", "--force-check-gpg", suite, root, mirror])
    log.run([*_root(), "cp", RECIPE / "slim.cfg", root / "etc/dpkg/dpkg.cfg.d/slim"])
    log.run([*_root(), "cp", RECIPE / "install-packages", root / "usr/local/sbin/install-packages"])
    sources = work / f"sources-{suite}.list"
    sources.write_text(_sources(suite, mirror))
    log.run([*_root(), "cp", sources, root / "etc/apt/sources.list"])
    tar = work / f"debian-{suite}.tar"
    excludes = [f"--exclude=./{folder}/*" for folder in [*NEEDLESS, "dev", "proc", "sys", "var/log", "etc/resolv.conf", "etc/hostname"]]
    log.run([*_root(), "tar", "-C", root, *excludes, "-cf", tar, "."])
    docker.import_tar(image, key, tar, log, [f"ENV PATH={docker.DEFAULT_PATH}", 'CMD ["bash"]'])
    log.run([*_root(), "rm", "-rf", root, tar])


def _sources(suite: str, mirror: str) -> str:
    lines = [f"deb {mirror} {suite} main"]
    if suite != "sid":
        lines += [f"deb {mirror} {suite}-updates main", f"deb {mirror}-security {suite}-security main"]
    return "\n".join(lines) + "\n"


def _root() -> list[str]:
    return [] if os.geteuid() == 0 else ["sudo"]
