# GPL-3.0-or-later
"""Makes sure that a Docker engine answers on this machine, and undoes what that took.

usage: scripts/engine             Where an engine answers, nothing happens. Else one is started, and installed before that if there is none
                                  (Debian or Ubuntu, as root or with sudo). Everything that is changed is said and recorded.
       scripts/engine --start     Starts an engine that is installed, and installs none. Exit code 3: none is installed.
       scripts/engine --remove    Undoes what the record holds, and nothing else.

ENGINE=no refuses to install or start anything. The record and the backups are in /var/lib/gitops-airflow/engine.
ENGINE_ROOT, for tests, is a folder before every path that is read or written; programs are found by PATH.
Needs nothing but Python: it also runs where there is no .venv yet.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

NOT_INSTALLED = 3  # exit code of --start
RUNTIME = "runc-lab"
PACKAGES = ("docker.io", "iptables")
WRAPPER_PACKAGES = ("jq",)  # runc-lab rewrites its request with it
PATIENCE = 60.0  # seconds for the engine to answer, or to end
WRAPPER_SOURCE = Path(__file__).resolve().parents[1] / "lab/node/files/runc-lab"


class EngineError(Exception):
    """What cannot be done, why, and what to do."""


@dataclass
class Record:
    """What this script has changed on the machine. Paths are in ``Engine``."""

    packages: list[str] = field(default_factory=list)  # installed by apt-get, dependencies included
    new: list[str] = field(default_factory=list)  # of what an engine leaves behind: the paths that were not there before
    config_written: str | None = None  # its SHA-256; None: the configuration was left alone
    config_existed: bool = False
    wrapper_written: str | None = None  # likewise
    wrapper_existed: bool = False
    started: bool = False
    process: str = ""  # the engine that was started without systemd: its id and when it began, as /proc has it
    enabled: bool = False  # systemd: at each boot

    def text(self) -> str:
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def parse(cls, text: str) -> Record:
        """Raises ValueError if the text is not a record."""
        known = json.loads(text)
        if not isinstance(known, dict) or set(known) - set(asdict(cls())):
            raise ValueError("it is not a record of scripts/engine")
        return cls(**known)


def _object(text: str) -> dict[str, Any]:
    value = json.loads(text) if text.strip() else {}
    if not isinstance(value, dict):
        raise ValueError("it is not a JSON object")
    return value


def with_runtime(text: str, wrapper: str) -> str:
    """daemon.json with the wrapper as the default runtime; every other key stays. The same text where nothing is missing.

    Raises ValueError if the text is not a JSON object.
    """
    config = _object(text)
    wanted = {**config, "runtimes": {**(config.get("runtimes") or {}), RUNTIME: {"path": wrapper}}, "default-runtime": RUNTIME}
    return text if wanted == config else json.dumps(wanted, indent=2) + "\n"


def restored(original: str | None, current: str | None, *, untouched: bool) -> str | None:
    """daemon.json as it must be without the wrapper; None: without the file.

    A file that was not touched since gets the original's text. From one that was edited since, only the wrapper is taken out.
    Raises ValueError if the edited file is not a JSON object.
    """
    if current is None or untouched:
        return None if current is None else original
    config, before = _object(current), _object(original or "")
    runtimes = {key: value for key, value in (config.get("runtimes") or {}).items() if key != RUNTIME}
    config.pop("runtimes", None)
    if runtimes or "runtimes" in before:
        config["runtimes"] = runtimes
    if config.get("default-runtime") == RUNTIME:
        del config["default-runtime"]
        if "default-runtime" in before:
            config["default-runtime"] = before["default-runtime"]
    return json.dumps(config, indent=2) + "\n" if config or original is not None else None


def installed(listing: str) -> set[str]:
    """Packages that are installed, from ``dpkg-query -W -f '${Package} ${db:Status-Status}\\n'``."""
    return {words[0] for line in listing.splitlines() if (words := line.split()) and words[1:] == ["installed"]}


def simulated(output: str) -> set[str]:
    """Packages that ``apt-get --simulate`` would remove."""
    return set(re.findall(r"^(?:Remv|Purg) ([^ :]+)", output, re.MULTILINE))


def planned(output: str) -> set[str]:
    """Packages that ``apt-get --simulate`` would install."""
    return set(re.findall(r"^Inst ([^ :]+)", output, re.MULTILINE))


def removable(
    recorded: Iterable[str], present: set[str], simulate: Callable[[Sequence[str]], set[str]]
) -> tuple[list[str], dict[str, list[str]]]:
    """Of the recorded packages, those that can go alone; and those that others need, with these others.

    simulate says what removing some packages removes.
    """
    mine = sorted(set(recorded) & present)
    kept: dict[str, list[str]] = {}
    if mine and simulate(mine) - set(mine):
        kept = {name: others for name in mine if (others := sorted(simulate([name]) - set(mine)))}
    return [name for name in mine if name not in kept], kept


def blockers(containers: Sequence[str], volumes: Sequence[str]) -> str:
    """Why the engine may not go, or nothing. containers: name and image of each; volumes: names."""
    found = [f"- container {item}" for item in containers] + [f"- volume {item}" for item in volumes]
    if not found:
        return ""
    listed = "\n".join(found)
    return (
        f"the engine is not removed, because it still holds:\n{listed}\n"
        "Next: make destroy removes what belongs to a platform; remove the rest with docker rm and docker volume rm, then run this again."
    )


def lacks_sys_resource(status: str) -> bool:
    """Whether /proc/self/status withholds CAP_SYS_RESOURCE (bit 24): without it runc cannot start a privileged container."""
    found = re.search(r"^CapBnd:\s*([0-9a-f]+)", status, re.MULTILINE)
    return bool(found) and not int(found[1], 16) >> 24 & 1  # type: ignore[index]


def forbidden(environment: Mapping[str, str]) -> bool:
    """Whether ENGINE=no. Raises EngineError on any other value than none."""
    given = environment.get("ENGINE", "")
    if given not in ("", "no"):
        raise EngineError(f"ENGINE is {given!r}; it must be 'no' (nothing is installed or started) or unset.\nNext: correct it.")
    return given == "no"


def say(text: str) -> None:
    print(f"engine: {text}", file=sys.stderr, flush=True)


class Engine:
    """The machine's Docker engine, seen through its programs and files."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        root = Path(environment.get("ENGINE_ROOT") or "/")
        self.config, self.wrapper = root / "etc/docker/daemon.json", root / "usr/local/sbin" / RUNTIME
        self.log, self.pid, self.data = root / "var/log/dockerd.log", root / "var/run/docker.pid", root / "var/lib/docker"
        # What an engine leaves behind, also after these packages have been purged.
        self.remains = {self.data: "docker.io", root / "etc/docker/key.json": "docker.io", root / "var/lib/containerd": "containerd"}
        self.state = root / "var/lib/gitops-airflow/engine"
        self.systemd, self.os_release, self.proc = root / "run/systemd/system", root / "etc/os-release", root / "proc"
        self._sudo = [] if os.geteuid() == 0 or environment.get("ENGINE_ROOT") else ["sudo"]

    def run(self, *args: str, root: bool = False) -> subprocess.CompletedProcess[str]:
        """Runs a program to its end; exit code 127 where there is none."""
        command = [*(self._sudo if root else []), *args]
        try:
            return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False)
        except FileNotFoundError:
            return subprocess.CompletedProcess(command, 127, "", f"the command {command[0]} was not found")

    def must(self, *args: str) -> str:
        """Runs a program as root. Raises EngineError where it fails."""
        done = self.run(*args, root=True)
        if done.returncode:
            raise EngineError(
                f"{' '.join(args[:3])} failed: {(done.stderr or done.stdout).strip()}\nNext: remove that cause, then run this again."
            )
        return done.stdout

    def answers(self) -> bool:
        return self.run("docker", "info").returncode == 0

    def has(self, program: str) -> bool:
        return self.run("sh", "-c", f"command -v {program}").returncode == 0

    def read(self, path: Path) -> str | None:
        """A file's text; None where there is none."""
        if not path.exists() and self.run("test", "-e", str(path), root=True).returncode:
            return None
        try:
            return path.read_text(encoding="utf-8")
        except PermissionError:
            return self.must("cat", str(path))

    def write(self, path: Path, text: str, mode: str = "0644") -> None:
        """Replaces a file whole: who reads it meanwhile sees the old one or the new one."""
        with tempfile.NamedTemporaryFile("w", encoding="utf-8") as new:
            new.write(text)
            new.flush()
            self.must("install", "-D", "-m", mode, new.name, f"{path}.new")
        self.must("mv", f"{path}.new", str(path))

    def _holds(self, path: Path) -> bool:
        """Whether there is such a file, or a folder with something in it."""
        return bool(self.run("ls", "-A", str(path), root=True).stdout.strip())

    def _delete(self, path: str) -> None:
        self.run("rm", "-rf", path, root=True)
        if self._holds(Path(path)):
            say(f"{path} could not be deleted whole. Next: delete the rest by hand")

    # What was changed.

    def record(self) -> Record | None:
        text = self.read(self.state / "record.json")
        try:
            return None if text is None else Record.parse(text)
        except ValueError as error:
            raise EngineError(
                f"the record {self.state}/record.json cannot be read: {error}. What was changed is unknown, so nothing is undone.\n"
                "Next: remove the engine by hand, then that folder."
            ) from error

    def keep(self, record: Record) -> None:
        self.write(self.state / "record.json", record.text())

    # Installing and starting.

    def ensure(self, install: bool) -> int:
        """Exit code. Raises EngineError."""
        if self.answers():
            return 0
        refuses = forbidden(self.environment)
        self._explain_silence()
        there = self.has("dockerd")
        if not there and self.has("docker") and not self._can_install():
            raise EngineError(
                "Docker's engine does not answer, and it is one that this script cannot start (Docker Desktop, Colima).\n"
                "Next: start it, then run this again."
            )
        if not there and not install:
            say("no Docker engine is installed on this machine, and this command installs none.")
            return NOT_INSTALLED
        if refuses:
            what = "start the one that is installed" if there else "install one"
            raise EngineError(
                f"no Docker engine answers, and ENGINE=no forbids to {what}.\nNext: start Docker, or run this without ENGINE=no."
            )
        self._check_rights(there)
        record = self.record() or Record()
        wrapped = lacks_sys_resource((self.proc / "self/status").read_text(encoding="ascii"))
        if install:
            self._install(record, there, wrapped)
        if wrapped:
            self._wrap(record)
        self._start(record)
        self._wait()
        if record.started and not self.systemd.is_dir():
            record.process = self._process(self._dockerd())
            self.keep(record)
        self._describe()
        return 0

    def _explain_silence(self) -> None:
        said = self.run("docker", "info").stderr.strip()
        if "permission denied" in said:
            raise EngineError(
                f"Docker's engine runs, but this user may not use it: {said}\n"
                "Next: run as root, or add this user to the group docker (usermod -aG docker USER) and log in again."
            )
        if host := self.environment.get("DOCKER_HOST"):
            raise EngineError(f"nothing answers at DOCKER_HOST={host}.\nNext: start that engine, or unset DOCKER_HOST to use a local one.")

    def _can_install(self) -> bool:
        words = self.os_release.read_text(encoding="utf-8") if self.os_release.exists() else ""
        return bool(re.search(r"^ID(?:_LIKE)?=.*(?:debian|ubuntu)", words, re.MULTILINE)) and self.has("apt-get")

    def _check_rights(self, there: bool) -> None:
        if not there and not self._can_install():
            raise EngineError(
                "no Docker engine answers, and this is neither Debian nor Ubuntu, where one could be installed.\n"
                "Next: install Docker (https://docs.docker.com/engine/install/; macOS: Docker Desktop), start it and run this again."
            )
        if self._sudo and self.run("sudo", "-n", "true").returncode:
            raise EngineError(
                f"no Docker engine answers, and {'starting' if there else 'installing'} one needs root.\n"
                "Next: run scripts/engine once as root, or with sudo allowed for this user."
            )

    def _packages(self) -> set[str]:
        """None where there is no dpkg. Raises EngineError where it does not answer: what is installed would look new."""
        done = self.run("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n")
        if done.returncode not in (0, 127):
            said = done.stderr.strip()
            raise EngineError(f"dpkg-query cannot list the installed packages: {said}\nNext: mend dpkg, then run this again.")
        return installed(done.stdout)

    def _planned(self, names: Sequence[str]) -> set[str]:
        return planned(self.run("apt-get", "--simulate", "install", "--no-install-recommends", *names).stdout)

    def _install(self, record: Record, there: bool, wrapped: bool) -> None:
        wanted = [*PACKAGES[1 if there else 0 :], *(WRAPPER_PACKAGES if wrapped else ())]  # an engine of another origin stays
        if not self.has("dpkg-query"):
            return
        before = self._packages()
        missing = [name for name in wanted if name not in before]
        if not missing:
            return
        say(f"no Docker engine answers: installing {', '.join(missing)} (ENGINE=no refuses; make engine-remove undoes it)")
        if not record.packages:
            record.new += [str(path) for path in self.remains if not self._holds(path)]
        record.packages = sorted({*record.packages, *missing})
        self.keep(record)  # before: an interrupted installation can be undone too
        apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120"]
        install = [*apt, "install", "-y", "--no-install-recommends", *missing]
        own = self._planned(missing)
        done = self.run(*install, root=True)
        if done.returncode and self.run(*apt, "update", root=True).returncode == 0:
            own |= self._planned(missing)
            done = self.run(*install, root=True)
        # What another apt-get installed meanwhile, whose end this one waited for, is not this script's.
        record.packages = sorted({*record.packages, *((self._packages() - before) & own)})
        self.keep(record)
        if done.returncode:
            last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
            raise EngineError(
                f"apt-get could not install {', '.join(missing)}:\n{last}\n"
                "Next: make the Debian mirror reachable, or install Docker by hand."
            )

    def _wrap(self, record: Record) -> None:
        source = WRAPPER_SOURCE.read_text(encoding="utf-8")
        present, config = self.read(self.wrapper), self.read(self.config)
        try:
            wanted = with_runtime(config or "", str(self.wrapper))
        except ValueError as error:
            raise EngineError(f"{self.config} cannot be extended: {error}.\nNext: correct that file, then run this again.") from error
        if present != source:
            if record.wrapper_written is None and present is not None:
                self.must("install", "-D", "-m", "0755", str(self.wrapper), str(self.state / RUNTIME))
                record.wrapper_existed = True
            record.wrapper_written = _digest(source)
            self.keep(record)
            say(f"this machine withholds CAP_SYS_RESOURCE: containers start through {self.wrapper}, which does not ask for it")
            self.write(self.wrapper, source, "0755")
        if wanted != config:
            if record.config_written is None and config is not None:
                self.must("mkdir", "-p", str(self.state))
                self.must("cp", "-p", str(self.config), str(self.state / "daemon.json"))
                record.config_existed = True
            record.config_written = _digest(wanted)
            self.keep(record)
            kept = f"; the earlier file is kept as {self.state}/daemon.json" if record.config_existed else ""
            say(f"{self.config} gets the runtime {RUNTIME}{kept}")
            self.write(self.config, wanted, "0644" if config is None else f"{self.config.stat().st_mode & 0o777:o}")

    def _start(self, record: Record) -> None:
        say("starting the Docker engine")
        by_systemd = self.systemd.is_dir()
        if not by_systemd and self._dockerd():
            record.started = False  # it is still coming up, and was started by another program
            return
        if not record.started:
            record.started = True
            record.new += [] if self.log.exists() else [str(self.log)]
        if by_systemd and not record.packages:
            record.enabled = record.enabled or self.run("systemctl", "is-enabled", "--quiet", "docker").returncode != 0
        self.keep(record)
        if by_systemd:
            if self.run("systemctl", "enable", "--quiet", "--now", "docker", root=True).returncode:
                raise EngineError(f"systemd could not start docker:\n{self._last_lines()}\nNext: see journalctl -u docker.")
            return
        self.must("rm", "-f", str(self.pid))  # one that is left over stops dockerd from starting
        self.must("mkdir", "-p", str(self.log.parent))
        self.must("sh", "-c", f"setsid nohup dockerd </dev/null >>'{self.log}' 2>&1 &")

    def _dockerd(self) -> str:
        """The id of the engine's process, which runs or is coming up, or nothing. There may be others: those of containers."""
        pid = (self.read(self.pid) or "").strip()
        try:
            return pid if pid and (self.proc / pid / "comm").read_text().strip() == "dockerd" else ""
        except OSError:
            return ""

    def _process(self, pid: str) -> str:
        """A process's id and when it began (field 22 of /proc/PID/stat): together of no other process."""
        try:
            return f"{pid} {(self.proc / pid / 'stat').read_text().rpartition(')')[2].split()[19]}"
        except (OSError, IndexError):
            return ""

    def _last_lines(self) -> str:
        journal = ["journalctl", "-u", "docker", "-n", "15", "--no-pager"]
        return self.run(*(journal if self.systemd.is_dir() else ["tail", "-n", "15", str(self.log)]), root=True).stdout.strip()

    def _wait(self) -> None:
        end = time.monotonic() + float(self.environment.get("ENGINE_PATIENCE") or PATIENCE)
        while not self.answers():
            if time.monotonic() >= end:
                raise EngineError(
                    f"the Docker engine did not answer in time. Its last lines:\n{self._last_lines()}\n"
                    "Next: remove the cause that they name, then run this again."
                )
            time.sleep(0.5)

    def _describe(self) -> None:
        driver = self.run("docker", "info", "--format", "{{.Driver}}").stdout.strip()
        if driver == "vfs":
            say("warning: the storage driver is vfs, which copies every image whole: slow, and it fills the disk.")
            say("         Give /var/lib/docker a file system that overlay2 works on (ext4, xfs).")
        version = self.run("docker", "version", "--format", "{{.Server.Version}}").stdout.strip()
        say(f"Docker {version} answers, storage driver {driver}")

    # Undoing.

    def remove(self) -> int:
        """Exit code. Raises EngineError before anything is changed where the engine holds what is not to be lost."""
        record = self.record()
        if record is None:
            say("nothing to undo: there is no record of changes by scripts/engine on this machine.")
            return 0
        if self._sudo and self.run("sudo", "-n", "true").returncode:
            raise EngineError(
                "removing the engine needs root.\nNext: run scripts/engine --remove as root, or with sudo allowed for this user."
            )
        packages = self._packages()
        purge, kept = removable(record.packages, packages, self._simulate)
        self._check_unused(gone=bool({"docker.io", "containerd"} & set(purge)))
        config = self._restored_config(record)
        if record.started or "docker.io" in purge:
            self._stop(record, force="docker.io" in purge)
        self._restore(record, config)
        self._purge(record, purge, kept)
        for path in record.new:
            if (package := self.remains.get(Path(path))) is None or package in purge:
                self._delete(path)
        self.run("rmdir", "--ignore-fail-on-non-empty", str(self.config.parent), root=True)
        self.must("rm", "-rf", str(self.state))
        self.run("rmdir", "--ignore-fail-on-non-empty", str(self.state.parent), root=True)
        say("what scripts/engine changed on this machine is undone.")
        return 0

    def _simulate(self, names: Sequence[str]) -> set[str]:
        return simulated(self.run("apt-get", "--simulate", "purge", *names).stdout)

    def _check_unused(self, gone: bool) -> None:
        """Raises EngineError where the engine holds something, or cannot be asked."""
        if not self.has("docker"):
            return
        if not self.answers():
            if not gone and not self._dockerd():
                return  # it is stopped, and its data stays
            raise EngineError(
                "the Docker engine does not answer, so what it holds is unknown, and nothing is removed.\n"
                "Next: start it (scripts/engine --start), then run this again."
            )
        listed = self.run("docker", "ps", *(["-a"] if gone else []), "--format", "{{.Names}} ({{.Image}})").stdout.splitlines()
        volumes = self.run("docker", "volume", "ls", "-q").stdout.split() if gone else []
        if why := blockers(listed, volumes):
            raise EngineError(why)

    def _restored_config(self, record: Record) -> str | None:
        if record.config_written is None:
            return None
        original = self.read(self.state / "daemon.json") if record.config_existed else None
        try:
            current = self.read(self.config)
            return restored(original, current, untouched=_digest(current or "") == record.config_written)
        except ValueError as error:
            raise EngineError(
                f"{self.config} was edited and cannot be restored: {error}. Nothing was changed.\n"
                f"Next: correct that file, then run this again. The file from before is {self.state}/daemon.json, if there was one."
            ) from error

    def _stop(self, record: Record, *, force: bool) -> None:
        if self.systemd.is_dir():
            say("stopping the Docker engine")
            self.run("systemctl", "stop", "docker.socket", "docker.service", root=True)
            if record.enabled:
                self.run("systemctl", "disable", "--quiet", "docker", root=True)
            return
        held = self._dockerd()
        if not held:
            return
        if record.process != self._process(held) and not force:
            say("the Docker engine that runs was started by another program: it goes on")
            return
        say("stopping the Docker engine")
        self.must("sh", "-c", f"kill {held}")  # a small Debian has no program of that name
        end = time.monotonic() + PATIENCE
        while self._dockerd() == held:
            if time.monotonic() >= end:
                raise EngineError(f"the Docker engine (process {held}) does not end.\nNext: end it, then run this again.")
            time.sleep(0.2)

    def _restore(self, record: Record, config: str | None) -> None:
        if record.config_written is not None and (current := self.read(self.config)) is not None:
            if config is None:
                say(f"removing {self.config}, which was not there before")
                self.must("rm", "-f", str(self.config))
            elif record.config_existed and config == self.read(self.state / "daemon.json"):
                say(f"restoring {self.config}")
                self.must("cp", "-p", str(self.state / "daemon.json"), str(self.config))
            elif config != current:
                say(f"taking the runtime {RUNTIME} out of {self.config}; what was edited since stays")
                self.write(self.config, config, f"{self.config.stat().st_mode & 0o777:o}")
        if record.wrapper_written is not None and (current := self.read(self.wrapper)) is not None:
            if _digest(current) != record.wrapper_written:
                say(f"{self.wrapper} was edited since: it stays")
            elif record.wrapper_existed:
                say(f"restoring {self.wrapper}")
                self.must("cp", "-p", str(self.state / RUNTIME), str(self.wrapper))
            else:
                say(f"removing {self.wrapper}")
                self.must("rm", "-f", str(self.wrapper))

    def _purge(self, record: Record, purge: Sequence[str], kept: Mapping[str, Sequence[str]]) -> None:
        for name, others in kept.items():
            say(f"the package {name} stays, because {', '.join(others)} needs it")
        if not purge:
            return
        had_data = str(self.data) not in record.new
        verb = "remove" if had_data else "purge"  # some versions' purge deletes the data
        note = f"; {self.data} was there before and stays" if had_data else f", with the images in {self.data}"
        say(f"removing the packages {', '.join(purge)}{note}")
        self.must("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120", verb, "-y", *purge)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def main(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> int:
    engine = Engine(os.environ if environment is None else environment)
    actions: dict[tuple[str, ...], Callable[[], int]] = {
        (): lambda: engine.ensure(install=True),
        ("--start",): lambda: engine.ensure(install=False),
        ("--remove",): engine.remove,
    }
    action = actions.get(tuple(arguments))
    if action is None:
        print("usage: scripts/engine [--start | --remove]", file=sys.stderr)
        return 2
    try:
        return action()
    except EngineError as error:
        for line in str(error).splitlines():
            say(line)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
