# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D10: what scripts/engine changes on a machine, that it says so, and that it can be undone. The machine is a folder of programs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from ansible_collections.gitops.airflow.tests.limits import HANG_SECONDS
from ansible_collections.gitops.airflow.tests.unit.places import ROOT
from docker_engine import EngineError, forbidden, lacks_sys_resource, planned, removable, restored, simulated, with_runtime

WRAPPER = "/usr/local/sbin/runc-lab"
FOREIGN = '{"log-driver": "json-file",\n "runtimes": {"nvidia": {"path": "n"}}, "default-runtime": "nvidia"}\n'
TOOLS = "sh env install mv cp rm rmdir mkdir cat test ls sleep setsid nohup tail touch".split()  # noqa: SIM905

DOCKER = """#!/bin/sh
case "$1 $2" in
  "info --format") echo overlay2 ;;
  "info "*) [ -e {root}/running ] || { echo "Cannot connect to the Docker daemon" >&2; exit 1; } ;;
  "version "*) echo 20.10.24 ;;
  "ps -a") cat {root}/containers 2>/dev/null ;;
  "ps "*) cat {root}/running-containers 2>/dev/null ;;
  "volume "*) cat {root}/volumes 2>/dev/null ;;
esac
exit 0
"""
DOCKERD = """#!/bin/sh
mkdir -p {root}/var/run {root}/var/lib/docker
trap 'rm -rf {root}/running {root}/var/run/docker.pid {root}/proc/'$$'; exit 0' TERM
mkdir {root}/proc/$$
echo dockerd >{root}/proc/$$/comm
cat /proc/$$/stat >{root}/proc/$$/stat
echo $$ >{root}/var/run/docker.pid
mkdir -p {root}/etc/docker {root}/var/lib/containerd
echo image >{root}/var/lib/docker/image
echo key >{root}/etc/docker/key.json
touch {root}/running
while :; do sleep 0.1; done
"""
DPKG_QUERY = "#!/bin/sh\nfor p in $(cat {root}/packages); do echo $p installed; done\necho gone config-files\n"
APT_GET = """#!{python}
import json, pathlib, shutil, sys
root = pathlib.Path("{root}")
words = sys.argv[1:]
with (root / "apt.log").open("a") as log:
    print(*words, file=log)
needs = json.loads((root / "needs.json").read_text())
packages = (root / "packages").read_text().split()
verb = next(word for word in words if word in ("install", "purge", "remove", "update"))
names = [word for word in words[words.index(verb) + 1 :] if not word.startswith("-")]
if verb == "install":
    if (root / "broken").exists():
        sys.exit("E: the mirror is away")
    if "--simulate" in words:
        print(*[f"Inst {{item}} (1.0 Debian:12 [amd64])" for name in names for item in [name, *needs.get(name, [])]], sep="\\n")
        sys.exit()
    packages += (root / "meanwhile").read_text().split() if (root / "meanwhile").exists() else []
    for name in names:
        packages += [item for item in [name, *needs.get(name, [])] if item not in packages]
    if "docker.io" in names:
        for program in ("docker", "dockerd"):
            shutil.copy(root / "shelf" / program, root / "bin" / program)
elif verb != "update":
    gone = set(names)
    while more := {{name for name in packages if gone & set(needs.get(name, []))}} - gone:
        gone |= more
    if "--simulate" in words:
        print(*[f"Purg {{name}} [1.0]" for name in gone if name in packages], sep="\\n")
        sys.exit()
    packages = [name for name in packages if name not in gone]
    if "docker.io" in gone:
        for program in ("docker", "dockerd"):
            (root / "bin" / program).unlink()
(root / "packages").write_text("\\n".join(packages))
"""
NEEDS = {"docker.io": ["containerd", "runc", "tini"], "containerd": ["runc"], "compose": ["containerd"]}


class Machine:
    """A folder that stands for a Debian machine."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("bin", "shelf", "proc/self", "etc", "var/lib"):
            (root / folder).mkdir(parents=True)
        for name in TOOLS:
            (root / "bin" / name).symlink_to(shutil.which(name) or "/missing")
        (root / "bin/python3").symlink_to(sys.executable)
        for folder, name, text in [
            ("shelf", "docker", DOCKER),
            ("shelf", "dockerd", DOCKERD),
            ("bin", "dpkg-query", DPKG_QUERY),
        ]:
            self._program(folder, name, text.replace("{root}", str(root)))
        self._program("bin", "apt-get", APT_GET.format(root=root, python=sys.executable))
        (root / "etc/os-release").write_text("ID=debian\n")
        (root / "packages").write_text("base-files\nruncible")
        (root / "needs.json").write_text(json.dumps(NEEDS))
        self.capability(False)

    def _program(self, folder: str, name: str, text: str) -> None:
        path = self.root / folder / name
        path.write_text(text)
        path.chmod(0o755)

    def capability(self, there: bool) -> None:
        (self.root / "proc/self/status").write_text(f"Name:\tx\nCapBnd:\t{'000001ffffffffff' if there else '000001fffeffffff'}\n")

    def docker(self) -> None:
        """As if a person had installed Docker."""
        for name in ("docker", "dockerd"):
            shutil.copy(self.root / "shelf" / name, self.root / "bin" / name)

    def config(self, text: str) -> Path:
        path = self.root / "etc/docker/daemon.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)
        return path

    def engine(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        known = {"PATH": str(self.root / "bin"), "ENGINE_ROOT": str(self.root), "ENGINE_PATIENCE": "10", **environment}
        command = [sys.executable, str(ROOT / "scripts/docker_engine.py"), *arguments]
        return subprocess.run(command, env=known, capture_output=True, text=True, timeout=HANG_SECONDS, check=False)

    def files(self) -> dict[str, str]:
        """What the machine has in the places that scripts/engine may change."""
        places = [self.root / name for name in ("etc", "usr", "var", "packages")]
        paths = [path for place in places for path in ([place] if place.is_file() else place.rglob("*"))]
        return {
            str(path.relative_to(self.root)): f"{path.stat().st_mode:o} {path.read_text() if path.is_file() else ''}"
            for path in paths
            if path.is_file() or not any(path.iterdir())
        }

    @property
    def running(self) -> bool:
        return (self.root / "running").exists()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path / "machine")
    yield made
    pid = made.root / "var/run/docker.pid"
    if pid.exists():
        os.kill(int(pid.read_text()), 15)
        end = time.monotonic() + 10
        while made.running and time.monotonic() < end:
            time.sleep(0.05)


def lines(done: subprocess.CompletedProcess[str]) -> str:
    assert done.stdout == ""  # standard output is for the command's own
    return done.stderr


@pytest.mark.parametrize("config", [None, FOREIGN])
def test_d10_what_was_installed_is_undone(machine: Machine, config: str | None) -> None:
    if config:
        machine.config(config)
    before = machine.files()
    done = machine.engine()
    assert done.returncode == 0, done.stderr
    said = lines(done)
    assert "engine: no Docker engine answers: installing docker.io, iptables, jq (ENGINE=no refuses; make engine-remove undoes it)" in said
    assert said.index("installing") < said.index("starting") < said.index("answers, storage driver")
    live = json.loads((machine.root / "etc/docker/daemon.json").read_text())
    assert live["default-runtime"] == "runc-lab"
    if config:
        assert (live["log-driver"], live["runtimes"]["nvidia"]) == ("json-file", {"path": "n"})
        assert (machine.root / "etc/docker/daemon.json").stat().st_mode & 0o777 == 0o600  # it may hold secrets
        assert "json-file" not in (machine.root / "var/lib/gitops-airflow/engine/record.json").read_text()
    assert (machine.root / WRAPPER[1:]).read_bytes() == (ROOT / "lab/node/files/runc-lab").read_bytes()
    assert machine.engine().stderr == ""  # a second run changes nothing and says nothing
    done = machine.engine("--remove")
    assert done.returncode == 0, done.stderr
    assert "removing the packages containerd, docker.io, iptables, jq, runc, tini, with the images in" in lines(done)
    assert not machine.running
    after = machine.files()
    assert {name: text for name, text in after.items() if name not in before and not text.endswith(" ")} == {}
    assert {name: after.get(name) for name in before if before[name].rpartition(" ")[2]} == {
        name: text for name, text in before.items() if text.rpartition(" ")[2]
    }


def test_d10_what_another_installed_meanwhile_is_not_recorded(machine: Machine) -> None:
    """apt-get waits up to two minutes for another one, such as a new machine's unattended upgrades."""
    (machine.root / "meanwhile").write_text("nginx")
    assert machine.engine().returncode == 0
    record = json.loads((machine.root / "var/lib/gitops-airflow/engine/record.json").read_text())
    assert record["packages"] == ["containerd", "docker.io", "iptables", "jq", "runc", "tini"]
    assert machine.engine("--remove").returncode == 0
    assert "nginx" in (machine.root / "packages").read_text().split()


def test_d10_without_a_list_of_packages_nothing_is_installed(machine: Machine) -> None:
    (machine.root / "bin/dpkg-query").write_text("#!/bin/sh\necho 'error: bad status file' >&2\nexit 2\n")
    before = machine.files()
    done = machine.engine()
    assert done.returncode == 1
    assert "dpkg-query cannot list the installed packages: error: bad status file\nengine: Next: mend dpkg" in lines(done)
    assert machine.files() == before


def test_d10_engine_no_refuses(machine: Machine) -> None:
    before = machine.files()
    done = machine.engine(ENGINE="no")
    assert done.returncode == 1
    assert "ENGINE=no forbids to install one.\nengine: Next: start Docker, or run this without ENGINE=no." in lines(done)
    machine.docker()
    done = machine.engine(ENGINE="no")
    assert "ENGINE=no forbids to start the one that is installed." in lines(done)
    assert machine.files() == before
    assert not (machine.root / "apt.log").exists()


def test_d10_start_installs_nothing(machine: Machine) -> None:
    before = machine.files()
    done = machine.engine("--start")
    assert (done.returncode, machine.files()) == (3, before)
    assert "no Docker engine is installed on this machine, and this command installs none" in lines(done)
    machine.docker()
    machine.capability(True)
    assert machine.engine("--start").returncode == 0
    assert machine.running
    assert not (machine.root / "apt.log").exists()
    assert not (machine.root / "etc/docker/daemon.json").exists()


def test_an_engine_of_another_program_is_named(machine: Machine) -> None:
    """A Mac has neither /etc/os-release nor dockerd: Docker Desktop's engine runs in a virtual machine."""
    (machine.root / "etc/os-release").unlink()
    done = machine.engine()
    assert (done.returncode, "macOS: Docker Desktop" in lines(done)) == (1, True)
    assert machine.engine("--start").returncode == 3
    shutil.copy(machine.root / "shelf/docker", machine.root / "bin/docker")
    before = machine.files()
    for arguments in ([], ["--start"]):
        done = machine.engine(*arguments)
        assert done.returncode == 1
        assert "one that this script cannot start (Docker Desktop, Colima).\nengine: Next: start it, then run this again." in lines(done)
    assert machine.files() == before


def test_d10_only_what_was_started_is_stopped(machine: Machine) -> None:
    machine.docker()
    machine.capability(True)
    (machine.root / "packages").write_text("docker.io\niptables")
    assert machine.engine().returncode == 0
    (machine.root / "containers").write_text("kept (busybox)\n")  # one that is stopped survives the engine's end
    assert machine.engine("--remove").returncode == 0
    assert not machine.running
    assert (machine.root / "packages").read_text() == "docker.io\niptables"
    assert "there is no record of changes" in machine.engine("--remove").stderr


def test_d10_an_engine_of_another_start_goes_on(machine: Machine) -> None:
    machine.docker()
    machine.capability(True)
    (machine.root / "packages").write_text("docker.io\niptables")
    assert machine.engine().returncode == 0
    record = machine.root / "var/lib/gitops-airflow/engine/record.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "process": "1 1"}))
    assert "was started by another program: it goes on" in machine.engine("--remove").stderr
    assert machine.running


@pytest.mark.parametrize(
    ("file", "text"),
    [("containers", "db (postgres:15)\n"), ("containers", "airflow-control-plane (kindest/node)\n"), ("volumes", "data\n")],
)
def test_d10_what_the_engine_holds_is_not_lost(machine: Machine, file: str, text: str) -> None:
    assert machine.engine().returncode == 0
    (machine.root / file).write_text(text)
    before = machine.files()
    done = machine.engine("--remove")
    assert done.returncode == 1
    assert f"engine: - {file.rstrip('s')} {text.strip()}\nengine: Next: make destroy removes" in lines(done)
    assert machine.files() == before
    assert machine.running


def test_d10_an_engine_that_does_not_answer_is_not_removed(machine: Machine) -> None:
    assert machine.engine().returncode == 0
    (machine.root / "running").unlink()
    before = machine.files()
    done = machine.engine("--remove")
    assert (done.returncode, machine.files()) == (1, before)
    assert "what it holds is unknown, and nothing is removed" in lines(done)


def test_d10_packages_that_others_need_stay(machine: Machine) -> None:
    assert machine.engine().returncode == 0
    with (machine.root / "packages").open("a") as packages:
        packages.write("\ncompose")
    done = machine.engine("--remove")
    assert "the package containerd stays, because compose needs it" in lines(done)
    assert "removing the packages docker.io, iptables, jq, tini" in done.stderr
    assert set((machine.root / "packages").read_text().split()) == {"base-files", "runcible", "containerd", "runc", "compose"}
    assert (machine.root / "var/lib/containerd").exists()
    assert not (machine.root / "var/lib/docker").exists()


def test_d10_data_from_before_stays(machine: Machine) -> None:
    (machine.root / "var/lib/docker").mkdir()
    (machine.root / "var/lib/docker/old").write_text("kept")
    assert machine.engine().returncode == 0
    assert "was there before and stays" in machine.engine("--remove").stderr
    assert (machine.root / "var/lib/docker/old").exists()


def test_d10_what_was_edited_since_stays(machine: Machine) -> None:
    assert machine.engine().returncode == 0
    config = machine.root / "etc/docker/daemon.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "mtu": 1400}))
    (machine.root / WRAPPER[1:]).write_text("#!/bin/sh\n# mine\n")
    said = machine.engine("--remove").stderr
    assert json.loads(config.read_text()) == {"mtu": 1400}
    assert (machine.root / WRAPPER[1:]).exists()
    assert "runc-lab was edited since: it stays" in said


def test_d10_an_installation_that_failed_is_undone_too(machine: Machine) -> None:
    (machine.root / "broken").touch()
    done = machine.engine()
    assert done.returncode == 1
    assert "apt-get could not install docker.io, iptables, jq:\nengine: E: the mirror is away" in lines(done)
    (machine.root / "broken").unlink()
    assert machine.engine("--remove").returncode == 0
    assert (machine.root / "packages").read_text().split() == ["base-files", "runcible"]


@pytest.mark.parametrize("text", ["{", "[]", '"x"'])
def test_d10_a_broken_configuration_is_not_touched(machine: Machine, text: str) -> None:
    path = machine.config(text)
    done = machine.engine()
    assert done.returncode == 1
    assert "daemon.json cannot be extended" in lines(done)
    assert path.read_text() == text
    assert not machine.running


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {"runtimes": {"runc-lab": {"path": WRAPPER}}, "default-runtime": "runc-lab"}),
        ('{"mtu": 1}', {"mtu": 1, "runtimes": {"runc-lab": {"path": WRAPPER}}, "default-runtime": "runc-lab"}),
        (
            '{"runtimes": {"a": {"path": "b"}}, "default-runtime": "a"}',
            {"runtimes": {"a": {"path": "b"}, "runc-lab": {"path": WRAPPER}}, "default-runtime": "runc-lab"},
        ),
    ],
)
def test_d10_the_runtime_is_added(text: str, expected: dict[str, object]) -> None:
    made = with_runtime(text, WRAPPER)
    assert json.loads(made) == expected
    assert with_runtime(made, WRAPPER) is made


@pytest.mark.parametrize(
    ("original", "current", "expected"),
    [
        pytest.param(FOREIGN, "written", FOREIGN, id="untouched since"),
        pytest.param(None, "written", None, id="made by us, untouched since"),
        pytest.param(FOREIGN, None, None, id="deleted since: stays so"),
        pytest.param(None, '{"runtimes": {"runc-lab": {}}, "default-runtime": "runc-lab"}', None, id="rewritten, nothing else in it"),
        pytest.param("{}", '{"runtimes": {"runc-lab": {}}}', {}, id="there was an empty one"),
        pytest.param(
            FOREIGN,
            '{"mtu": 2, "runtimes": {"runc-lab": {}, "new": {}}, "default-runtime": "runc-lab"}',
            {"mtu": 2, "runtimes": {"new": {}}, "default-runtime": "nvidia"},
            id="edited since",
        ),
        pytest.param(None, '{"default-runtime": "other"}', {"default-runtime": "other"}, id="another default since"),
    ],
)
def test_d10_the_runtime_is_taken_out(original: str | None, current: str | None, expected: object) -> None:
    found = restored(original, current, untouched=current == "written")
    assert (json.loads(found) if isinstance(expected, dict) and found else found) == expected


def test_d10_packages_that_go() -> None:
    def simulate(names: Sequence[str]) -> set[str]:
        return set(names) | ({"compose"} if "containerd" in names else set())

    assert removable(["docker.io", "containerd", "gone"], {"docker.io", "containerd", "x"}, simulate) == (
        ["docker.io"],
        {"containerd": ["compose"]},
    )
    assert removable(["docker.io"], set(), simulate) == ([], {})
    output = "Reading\nRemv docker-x [1]\nPurg docker.io [20.10] [a b]\nPurg runc:amd64 [1]\n"
    assert simulated(output) == {"docker-x", "docker.io", "runc"}
    assert planned("Reading\nInst runc (1.1 Debian:12 [amd64])\nInst libx:i386 [1] (2)\nConf runc (1.1)\n") == {"runc", "libx"}


@pytest.mark.parametrize(("given", "expected"), [({}, False), ({"ENGINE": ""}, False), ({"ENGINE": "no"}, True)])
def test_d10_engine_no(given: dict[str, str], expected: bool) -> None:
    assert forbidden(given) is expected


def test_d10_a_typing_error_in_engine_installs_nothing() -> None:
    with pytest.raises(EngineError, match=r"ENGINE is 'No'; it must be 'no' .*or unset"):
        forbidden({"ENGINE": "No"})


@pytest.mark.parametrize(("text", "expected"), [("CapBnd:\t000001fffeffffff\n", True), ("CapBnd:\t000001ffffffffff\n", False), ("", False)])
def test_sys_resource(text: str, expected: bool) -> None:
    assert lacks_sys_resource(text) is expected
