# GPL-3.0-or-later
"""Compile programs of a Go module from the module proxy; Go's checksum database verifies what is taken."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .runner import Log

OLDEST_LANGUAGE = (1, 22)  # of the wrapping module; older ones lack what the replaced modules need


@dataclass(frozen=True)
class GoPart:
    """One module of parts.yml and what to build of it."""

    module: str
    version: str
    binaries: dict[str, str]
    ldflags: str = ""
    tags: str = ""
    cgo: bool = False
    staging: bool = False
    staging_exceptions: dict[str, str] = field(default_factory=dict)

    @property
    def packages(self) -> list[str]:
        return [f"{self.module}/{path}".rstrip("/") for path in self.binaries.values()]

    def environment(self) -> dict[str, str]:
        # Static programs start FROM scratch. Less frequent garbage collection makes the compiler quicker.
        return {**os.environ, "CGO_ENABLED": str(int(self.cgo)), "GOFLAGS": "-mod=mod -trimpath -buildvcs=false", "GOGC": "400"}

    def linker_flags(self) -> str:
        bare = self.version.removeprefix("v")
        major, minor, _ = bare.split(".", 2)
        return "-s -w " + self.ldflags.format(version=self.version, bare=bare, major=major, minor=minor)


def fetch(part: GoPart, work: Path, log: Log) -> None:
    """Write the module that wraps the part, and download all that its packages need."""
    work.mkdir(parents=True, exist_ok=True)
    (work / "go.sum").unlink(missing_ok=True)
    (work / "go.mod").write_text(_wrapping_module(part, Path(str(_download(part, log)["GoMod"])).read_text()))
    log.run(
        ["go", "list", "-deps", "-tags", part.tags, "-f", "{{.ImportPath}}", *part.packages], cwd=work, env=part.environment(), quiet=True
    )


def compile_part(part: GoPart, work: Path, out: Path, log: Log) -> None:
    """Build the part's programs into OUT, several by one command so that they share what they have in common."""
    out.mkdir(parents=True, exist_ok=True)
    target = str(out) + "/" if len(part.binaries) > 1 else str(out / next(iter(part.binaries)))
    log.run(
        ["go", "build", "-tags", part.tags, "-ldflags", part.linker_flags(), "-o", target, *part.packages], cwd=work, env=part.environment()
    )


def module_folder(part: GoPart, log: Log) -> Path:
    """The downloaded source, for the files besides the code that a part needs."""
    return Path(str(_download(part, log)["Dir"]))


def _download(part: GoPart, log: Log) -> dict[str, Any]:
    text = log.run(["go", "mod", "download", "-json", f"{part.module}@{part.version}"], env=part.environment(), capture=True)
    answer: dict[str, Any] = json.loads(text)
    return answer


def _wrapping_module(part: GoPart, go_mod: str) -> str:
    """A module that requires the part and carries its replace directives, which `go install` would refuse."""
    stated = re.search(r"^go (\d+)\.(\d+)(\.\d+)?$", go_mod, re.M)
    language = "{}.{}.0".format(*OLDEST_LANGUAGE)
    if stated and (int(stated[1]), int(stated[2])) >= OLDEST_LANGUAGE:
        language = f"{stated[1]}.{stated[2]}{stated[3] or '.0'}"
    lines = ["module wrapped", f"go {language}", f"require {part.module} {part.version}"]
    if part.staging:
        published = "v0." + part.version.removeprefix("v").split(".", 1)[1]
        for name in sorted(set(re.findall(r"^\s+(k8s\.io/\S+) v0\.0\.0$", go_mod, re.M))):
            lines.append(f"replace {name} => {name} {part.staging_exceptions.get(name, published)}")
    else:
        block = "\n".join(re.findall(r"^replace \((.*?)^\)", go_mod, re.M | re.S) + re.findall(r"^replace ([^(\n]+)$", go_mod, re.M))
        lines += [f"replace {line.strip()}" for line in block.splitlines() if "=>" in line and "=> ." not in line]
    return "\n".join(lines) + "\n"
