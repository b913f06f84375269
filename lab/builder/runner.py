# GPL-3.0-or-later
"""Steps, what they are made from, and the loop that runs those which are not fresh, several at a time."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LAB = Path(__file__).resolve().parent.parent
LANES = {"compile": 2, "network": 2, "docker": 2}  # how many steps of each kind run at a time


class StepError(Exception):
    """A command of a step failed; the text says which."""


class Log:
    """Runs a step's commands and keeps what they print in the step's log file."""

    def __init__(self, path: Path, children: set[subprocess.Popen[bytes]]) -> None:
        self.path = path
        self._children = children
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")

    def say(self, text: str) -> None:
        with self.path.open("a") as file:
            file.write(text + "\n")

    def run(
        self,
        command: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        capture: bool = False,
        quiet: bool = False,
        stdout: Path | None = None,
    ) -> str:
        """Run COMMAND in a process group of its own; with capture give back its output, with stdout write it to that file."""
        words = [str(word) for word in command]
        self.say("+ " + shlex.join(words))
        with self.path.open("ab") as log, contextlib.ExitStack() as stack:
            target: Any = subprocess.PIPE if capture else subprocess.DEVNULL if quiet else log
            if stdout:
                target = stack.enter_context(stdout.open("wb"))
            child = subprocess.Popen(words, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=target, stderr=log, start_new_session=True)
            self._children.add(child)
            try:
                output, _ = child.communicate()
            finally:
                self._children.discard(child)
        if child.returncode:
            raise StepError(f"{words[0]} exited with {child.returncode}: {shlex.join(words)[:200]}")
        return (output or b"").decode()


@dataclass
class Step:
    """One product, or one stage on the way to it.

    made_from: values that go into the key. files: recipe files or folders whose content goes into it.
    needs: steps that run before; their keys are part of this one's. present: whether the products of that key still exist.
    """

    name: str
    action: Callable[[Log], None]
    lane: str
    made_from: Any = None
    files: Sequence[Path] = ()
    needs: Sequence[Step] = ()
    present: Callable[[str], bool] = lambda key: True
    key: str = field(init=False)

    def __post_init__(self) -> None:
        content = [(str(path.name), fingerprint(path)) for path in self.files]
        text = json.dumps([self.name, self.made_from, content, [step.key for step in self.needs]], sort_keys=True, default=str)
        self.key = hashlib.sha256(text.encode()).hexdigest()[:16]


def fingerprint(path: Path) -> str:
    """Content and modes of a file, or of all files below a folder."""
    files = sorted(file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts) if path.is_dir() else [path]
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(path)} {os.access(file, os.X_OK)}\0".encode() + file.read_bytes())
    return digest.hexdigest()


class Runner:
    """Brings the wanted steps up to date, and only what they need for it."""

    def __init__(self, folder: Path, say: Callable[[str], None] = lambda text: print(text, flush=True)) -> None:
        self.folder = folder
        self.say = say
        self._children: set[subprocess.Popen[bytes]] = set()
        self._printing = threading.Lock()

    def plan(self, wanted: Iterable[Step]) -> list[Step]:
        """The steps to run, needed ones first. Behind a fresh step nothing is looked at: its key covers what it needs."""
        planned: dict[str, Step] = {}

        def visit(step: Step) -> None:
            if step.name in planned or self._fresh(step):
                return
            for need in step.needs:
                visit(need)
            planned[step.name] = step

        for step in wanted:
            visit(step)
        return list(planned.values())

    def run(self, steps: Sequence[Step]) -> None:
        """Run STEPS, each as soon as what it needs is done and its lane has room. Raises StepError after the first failure."""
        waiting = {step.name: step for step in steps}
        running: dict[Future[None], Step] = {}
        with ThreadPoolExecutor(max_workers=sum(LANES.values())) as pool:
            try:
                while waiting or running:
                    for step in list(waiting.values()):
                        busy = [other.name for other in running.values()]
                        lane_full = sum(other.lane == step.lane for other in running.values()) >= LANES[step.lane]
                        if lane_full or any(need.name in waiting or need.name in busy for need in step.needs):
                            continue
                        running[pool.submit(self._run_one, step)] = waiting.pop(step.name)
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        del running[future]
                        future.result()
            except BaseException:
                self._stop_children()
                raise

    def _run_one(self, step: Step) -> None:
        log = Log(self.folder / "logs" / f"{step.name.replace(' ', '-')}.log", self._children)
        stamp = self._stamp(step)
        stamp.unlink(missing_ok=True)
        started = time.monotonic()
        try:
            step.action(log)
        except BaseException as error:
            tail = "\n".join("    " + line for line in log.path.read_text(errors="replace").splitlines()[-15:])
            raise StepError(f"step “{step.name}” failed: {error}\n{tail}\n  full log: {log.path}") from error
        seconds = time.monotonic() - started
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(json.dumps({"key": step.key, "seconds": round(seconds, 1)}))
        with self._printing:
            self.say(f"  {seconds:7.1f} s  {step.name}")

    def _fresh(self, step: Step) -> bool:
        try:
            stamped = json.loads(self._stamp(step).read_text())["key"]
        except (OSError, ValueError, KeyError):
            return False
        return bool(stamped == step.key and step.present(step.key))

    def _stamp(self, step: Step) -> Path:
        return self.folder / "stamps" / step.name.replace(" ", "-")

    def _stop_children(self) -> None:
        for child in list(self._children):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGTERM)
