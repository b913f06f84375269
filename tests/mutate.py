#!/usr/bin/env python
# GPL-3.0-or-later
"""Break each rule of the verdicts in turn: a unit test must fail for each.

usage: tests/mutate.py [-j JOBS] [FILE ...]     paths below plugins/module_utils, by default those below

A rule is broken by negating a condition, by leaving out a part of an and/or, or by shifting a comparison. Prints what no
test noticed. Exit code 0: all was noticed.
"""

from __future__ import annotations

import argparse
import ast
import concurrent.futures
import copy
import multiprocessing
import os
import queue
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

# Imported once, before the processes of the tests are copied from this one. Nothing of the collection is.
import ansible.module_utils.basic  # noqa: F401 # pylint: disable=unused-import
import ansible_collections.kubernetes.core.plugins.module_utils.k8s.client  # noqa: F401 # pylint: disable=unused-import
import hypothesis  # noqa: F401 # pylint: disable=unused-import
import pytest
import yaml  # noqa: F401 # pylint: disable=unused-import

# A test that takes this many times as long as with the whole file waits for ever. At least so many seconds are given.
TIMES, SECONDS = 10, 20
ROOT = Path(__file__).resolve().parents[1]
UTILS = Path("plugins/module_utils")
TESTS = {
    "_airflow/dag_run.py": ["test_airflow_dag_run.py"],
    "_argocd/application.py": ["test_application_verdict.py", "test_application_wait.py", "test_recorded.py"],
    "_argocd/diagnosis.py": ["test_application_wait.py"],
    "_argocd/differences.py": ["test_differences.py"],
    "_argocd/messages.py": ["test_messages.py"],
    "_argocd/verdict.py": ["test_application_verdict.py", "test_application_wait.py", "test_recorded.py"],
    "_base/download.py": ["test_download.py", "test_url.py"],
    "_base/url.py": ["test_url.py", "test_git_words.py"],
    "_kind/bootstrap_token.py": ["test_bootstrap_token.py"],
    "_kind/config.py": ["test_kind_drift.py", "test_kind_cluster.py"],
    "_kind/drift.py": ["test_kind_drift.py", "test_bootstrap_token.py"],
    "_kind/evidence.py": ["test_kind_host.py", "test_kind_cluster.py"],
    "_kind/output.py": ["test_kind_drift.py"],
    "_base/verdict.py": ["test_verdict.py", "test_application_verdict.py"],
    "_kube/causes.py": ["test_causes.py", "test_recorded.py"],
    "_kube/pods.py": ["test_pods.py", "test_causes.py", "test_worker.py", "test_recorded.py"],
    "_kube/settle.py": ["test_settle.py", "test_settle_objects.py"],
    "_placement/events.py": ["test_placement_events.py", "test_placement_wait.py"],
    "_placement/evidence.py": ["test_placement_evidence.py", "test_placement_wait.py"],
    "_placement/verdict.py": ["test_placement_verdict.py", "test_placement_evidence.py", "test_placement_wait.py"],
    "_placement/wait.py": ["test_placement_wait.py"],
    "_status/runs.py": ["test_status_runs.py", "test_status.py"],
    "_argocd/resource_health.py": ["test_resource_health.py"],
    "_kube/watch.py": ["test_watch.py"],
    "_kube/workload_verdict.py": ["test_workload_wait.py", "test_resource_health.py"],
    "_status/logs.py": ["test_status_logs.py"],
    "_status/rows.py": ["test_status.py"],
    "_placement/worker.py": ["test_worker.py", "test_placement_verdict.py", "test_placement_wait.py"],
}
SHIFTED: dict[type[ast.cmpop], ast.cmpop] = {
    ast.Eq: ast.NotEq(),
    ast.NotEq: ast.Eq(),
    ast.Lt: ast.LtE(),
    ast.LtE: ast.Lt(),
    ast.Gt: ast.GtE(),
    ast.GtE: ast.Gt(),
    ast.In: ast.NotIn(),
    ast.NotIn: ast.In(),
    ast.Is: ast.IsNot(),
    ast.IsNot: ast.Is(),
}
# What no test can notice, by the broken source text, with the reason.
EQUIVALENT = {
    "clock() + pause > end  ->  clock() + pause >= end": "the pauses never add up to the end exactly",
    "self._clock() - self._since < REFUSAL_SECONDS  ->  self._clock() - self._since <= REFUSAL_SECONDS": "no clock meets the very moment",
}


def broken(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """The ways to break one expression."""
    if isinstance(node, ast.If | ast.IfExp):
        yield "condition", ast.UnaryOp(ast.Not(), node.test)
    if isinstance(node, ast.BoolOp) and not fills_in(node):
        for index in range(len(node.values)):
            rest = [value for place, value in enumerate(node.values) if place != index]
            yield "part", rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SHIFTED:
        yield "whole", ast.Compare(node.left, [SHIFTED[type(node.ops[0])], *node.ops[1:]], node.comparators)


def fills_in(node: ast.BoolOp) -> bool:
    """Whether it only puts something in the place of what is absent (`x or {}`): no rule."""
    return isinstance(node.op, ast.Or) and isinstance(node.values[-1], ast.Constant | ast.Dict | ast.List | ast.Tuple)


def mutants(source: str) -> Iterator[tuple[int, str, str]]:
    """Line, what was broken into what, and the whole text with it."""
    tree: ast.AST = ast.parse(source)
    # The index of a node in this walk is the same in every copy of the tree.
    for index, node in enumerate(ast.walk(tree)):
        for way, replacement in broken(node):
            changed = copy.deepcopy(tree)
            target = list(ast.walk(changed))[index]
            if isinstance(target, ast.If | ast.IfExp) and way == "condition":
                old, target.test = ast.unparse(target.test), replacement
            else:
                old = ast.unparse(target)
                changed = Swap(target, replacement).visit(changed)
            yield getattr(node, "lineno", 0), f"{old}  ->  {ast.unparse(replacement)}", ast.unparse(ast.fix_missing_locations(changed))


class Swap(ast.NodeTransformer):
    """Puts another expression in the place of one node."""

    def __init__(self, target: ast.AST, replacement: ast.expr) -> None:
        self.target, self.replacement = target, replacement

    def visit(self, node: ast.AST) -> ast.AST:
        return self.replacement if node is self.target else super().visit(node)


def workspace(folder: Path) -> None:
    """A copy of what the tests need, linked as the collection, that may be broken."""
    for part in ("plugins", "tests/unit"):
        shutil.copytree(ROOT / part, folder / "checkout" / part, ignore=shutil.ignore_patterns("__pycache__"))
    link = folder / "collections/ansible_collections/gitops/airflow"
    link.parent.mkdir(parents=True)
    link.symlink_to(folder / "checkout")
    (folder / "pytest.ini").write_text("[pytest]\npythonpath = collections\naddopts = --import-mode=importlib -p no:cacheprovider\n")


def run_tests(folder: Path, tests: list[str]) -> None:
    """Runs them in this process, which is a copy of one that has imported what takes long."""
    os.chdir(folder)
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    sys.dont_write_bytecode = True
    os._exit(int(pytest.main(["-x", "-q", *tests])))


def noticed(folder: Path, file: str, text: str, seconds: float) -> bool:
    """Whether a test fails for it, or is not done after ``seconds``."""
    (folder / "checkout" / UTILS / file).write_text(text)
    tests = [str(path) for name in TESTS[file] for path in (folder / "checkout/tests/unit").rglob(name)]
    process = multiprocessing.get_context("fork").Process(target=run_tests, args=(folder, tests))
    process.start()
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
    return process.exitcode != 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("files", nargs="*", default=list(TESTS))
    arguments = parser.parse_args()
    survivors = total = 0
    with tempfile.TemporaryDirectory() as scratch:
        free: queue.SimpleQueue[Path] = queue.SimpleQueue()
        for number in range(arguments.jobs):
            free.put(Path(scratch) / str(number))
            workspace(Path(scratch) / str(number))

        def attempt(file: str, text: str, original: str, seconds: float = 300) -> bool:
            folder = free.get()
            try:
                return noticed(folder, file, text, seconds)
            finally:
                (folder / "checkout" / UTILS / file).write_text(original)
                free.put(folder)

        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            for file in [name.removeprefix(f"{UTILS}/") for name in arguments.files]:
                source = (ROOT / UTILS / file).read_text()
                missing = not attempt(file, "broken = (\n", source)
                start = time.monotonic()
                if missing or attempt(file, source, source):
                    print(f"{file}: its tests do not tell whole from broken, so nothing can be said")
                    return 1
                most = max(SECONDS, TIMES * (time.monotonic() - start))
                items = [item for item in mutants(source) if item[1] not in EQUIVALENT]
                results = pool.map(lambda item, file=file, source=source, most=most: attempt(file, item[2], source, most), items)
                missed = [item for item, seen in zip(items, results, strict=True) if not seen]
                total, survivors = total + len(items), survivors + len(missed)
                print(f"{file}: {len(items) - len(missed)} of {len(items)} broken rules noticed", flush=True)
                for line, what, _text in missed:
                    print(f"  line {line}: {what}", flush=True)
    print(f"{total - survivors} of {total} broken rules noticed by a test")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
