#!/usr/bin/env python
# GPL-3.0-or-later
"""Break each rule of the verdicts in turn: a unit test must fail for each.

usage: tests/mutate.py [-j JOBS] [FILE ...]     paths below plugins/module_utils, by default those below

A rule is broken by negating a condition, by leaving out a part of an and/or, or by shifting a comparison. Prints what no
test noticed. Exit code 0: all was noticed.

Listed are modules that decide. Left out are

- what passes requests, commands and files on (HTTP, Kubernetes, Gitea, Docker, tunnels), and what runs decisions against a
  cluster: tests/integration and molecule show with real servers what it does;
- texts and pages for people, such as the HTML page of a verification: tests compare what they show, and nothing follows from them;
- tables without a condition, such as the names of the chart's keys;
- programs of pods and containers, and links to them: the tests of roles and images run these files as other modules.

These decide, too, and are not listed yet: mask, secret_parts, secret_forms, shorten and progress of _base; model, remote, access,
source and gitea_* of _git; resources and credentials of _kube; api, access and dag_files of _airflow; client and cluster of _kind;
preflight, verification, airflow_secrets, chart_repository, admission_policy and pod_cel of _platform; _image/build, _host/preflight,
_support/bundle.
"""

from __future__ import annotations

import argparse
import ast
import gc
import json
import mmap
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType

# Imported once, before the processes of the tests are copied from this one. Nothing of the collection is.
import ansible.module_utils.basic  # pylint: disable=unused-import
import ansible.parsing.dataloader  # pylint: disable=unused-import
import ansible.template  # noqa: F401 # pylint: disable=unused-import
import ansible_collections.kubernetes.core.plugins.module_utils.k8s.client  # noqa: F401 # pylint: disable=unused-import
import hypothesis  # noqa: F401 # pylint: disable=unused-import
import pytest
import yaml  # noqa: F401 # pylint: disable=unused-import

# A test that takes this many times as long as with the whole file waits for ever. At least so many seconds are given.
TIMES, SECONDS = 10, 60
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
    "_argocd/wait.py": ["test_application_wait.py", "test_recorded.py", "test_progress.py"],
    "_argocd/project.py": ["test_app_project.py"],
    "_kube/applied.py": ["test_applied_objects.py"],
    "_kube/definitions.py": ["test_definitions.py"],
    "_base/owner.py": ["test_ownership.py", "test_app_project.py"],
    "_kind/release.py": ["test_release.py"],
    "_placement/options.py": ["test_placement_wait.py"],
    "_argocd/wait_run.py": ["test_application_wait.py"],
    "_kube/workload_wait.py": ["test_workload_wait.py"],
    "_placement/run.py": ["test_placement_run.py"],
    "_placement/run_workers.py": ["test_run_workers.py"],
    "_airflow/dags_wait.py": ["test_dags_wait.py"],
    "_airflow/run_view.py": ["test_run_view.py"],
    "_airflow/run_logs.py": ["test_run_logs.py"],
    "_airflow/run_follow.py": ["test_run_follow.py"],
    "_image/plan.py": ["test_plan.py"],
    "_image/requirements.py": ["test_requirements.py"],
    "_image/pip_failure.py": ["test_pip_failure.py"],
    "_image/pip_settings.py": ["test_pip_settings.py"],
    "_platform/pod_operator_rules.py": ["test_pod_operator_rules.py"],
    "_platform/quota_rules.py": ["test_quota_rules.py"],
    "_platform/profile_rules.py": ["test_profile_rules.py"],
    "_platform/placement_rules.py": ["test_profile_rules.py"],
    "_platform/repository_rules.py": ["test_preflight_repositories.py"],
    "_platform/verification_rules.py": ["test_verification_rules.py"],
    "_platform/rules.py": ["test_preflight_rules.py"],
    "_platform/value_rules.py": ["test_preflight_rules.py", "test_chart_key_rules.py"],
    "_platform/network_rules.py": ["test_network_rules.py", "test_profile_rules.py"],
    "_platform/chart_key_rules.py": ["test_chart_key_rules.py"],
    "_platform/entry_rules.py": ["test_entries.py"],
    "_platform/dag_processor_rules.py": ["test_preflight_rules.py"],
    "_platform/token_rules.py": ["test_preflight_rules.py"],
    "_platform/variable_rules.py": ["test_variable_rules.py"],
    "_platform/node_fit.py": ["test_node_fit.py"],
    "_platform/admission_state.py": ["test_admission_state.py", "test_pod_operator_rules.py"],
    "_git/owner.py": ["test_git_owner.py"],
    "_git/record.py": ["test_git_record.py"],
    "_git/render.py": ["test_git_render.py"],
    "_git/review_rules.py": ["test_git_review_rules.py"],
    "_airflow/task_log.py": ["test_task_log.py"],
    "_airflow/dags_parsed.py": ["test_dags_parsed.py"],
    "_airflow/inspection.py": ["test_inspection.py", "test_dags_wait.py"],
    "_airflow/import_error.py": ["test_import_error.py"],
    "_argocd/default_project.py": ["test_default_project.py"],
    "_argocd/manifest.py": ["test_application_manifest.py"],
    "_platform/forms.py": ["test_forms.py"],
    "_platform/shapes.py": ["test_shapes.py"],
    "_platform/ownership.py": ["test_ownership.py", "test_ownership_delete.py", "test_ownership_quotas.py"],
    "_argocd/permits.py": ["test_permits.py"],
    "_base/hex_dump.py": ["test_hex_dump.py", "test_mask.py"],
    "_git/author.py": ["test_git_author.py", "test_git_publish.py"],
    "_kind/config_merge.py": ["test_config_merge.py"],
    "_kind/containerd.py": ["test_config_merge.py", "test_kind_drift.py", "test_kind_cluster.py"],
    "_kind/written.py": ["test_kind_drift.py", "test_kind_cluster.py"],
    "_kube/scheduler.py": ["test_scheduler.py"],
    "_platform/argocd_state.py": ["test_argocd_state.py", "test_preflight_plan.py"],
    "_platform/class_state.py": ["test_class_state.py"],
    "_platform/image_rules.py": ["test_preflight_rules.py"],
    "_platform/references.py": ["test_references.py"],
    "_status/troubles.py": ["test_troubles.py"],
    "_platform/ownership_delete.py": ["test_ownership_deletion.py", "test_ownership_delete.py"],
    "_platform/ownership_apply.py": ["test_ownership_apply.py", "test_worker_rights.py"],
    "_platform/ownership_read.py": ["test_ownership_read.py", "test_ownership_quotas.py"],
    "_platform/plan.py": ["test_plan_state.py", "test_preflight_plan.py", "test_preflight_run.py", "test_network_plan.py"],
    "_platform/refusal.py": ["test_preflight_rules.py", "test_preflight_run.py"],
    "_platform/copies.py": ["test_copies.py", "test_preflight_plan.py"],
    "_platform/copies_apply.py": ["test_copies_apply.py"],
    "_platform/node_state.py": ["test_node_state.py", "test_preflight_run.py"],
    "_platform/network_plan.py": ["test_network_plan.py"],
    "_platform/network_policies.py": ["test_network_policies.py", "test_network_plan.py"],
    "_platform/network_peers.py": ["test_network_peers.py", "test_network_policies.py"],
    "_platform/network_ranges.py": ["test_network_ranges.py", "test_network_plan.py"],
    "_platform/settings.py": ["test_settings.py", "test_preflight_defaults.py", "test_git_accounts.py"],
    "_platform/chart_values.py": ["test_chart_values.py", "test_entries.py"],
    "_platform/core_values.py": ["test_profile_rules.py"],
    "_platform/worker_limits.py": ["test_worker_limits.py"],
    "_platform/worker_namespaces.py": ["test_worker_namespaces.py", "test_quota_rules.py"],
    "_platform/pull_secrets.py": ["test_pull_secrets.py"],
    "_platform/git_accounts.py": ["test_git_accounts.py"],
    "_platform/generated_secret.py": ["test_generated_secret.py"],
    "_argocd/trust.py": ["test_trust.py", "test_repository.py"],
    "_argocd/repository.py": ["test_repository.py", "test_trust.py"],
    "_argocd/known_hosts.py": ["test_known_hosts.py", "test_trust.py"],
    "_argocd/repo_server.py": ["test_repo_server.py"],
    "_argocd/install_manifest.py": ["test_install_manifest.py"],
    "_argocd/admin_password.py": ["test_admin_password.py"],
    "_base/failure.py": ["test_failure.py"],
    "_base/errors.py": ["test_errors.py"],
    "_base/transport.py": ["test_transport.py"],
    "_base/printable.py": ["test_printable.py"],
    "_base/nearest.py": ["test_nearest.py"],
    "_base/program_text.py": ["test_program_text.py"],
    "_git/branch.py": ["test_git_branch.py", "test_git_owner.py"],
    "_git/credentials.py": ["test_git_credential_values.py"],
    "_git/history.py": ["test_git_history.py"],
    "_kube/apply.py": ["test_apply.py"],
    "_kube/declare.py": ["test_declare.py"],
    "_airflow/api_calls.py": ["test_api_calls.py"],
    "_airflow/dag_syntax.py": ["test_dag_syntax.py"],
    "_airflow/options.py": ["test_options.py"],
    "_airflow/log_connection.py": ["test_log_connection.py"],
    "_support/leaks.py": ["test_leaks.py"],
    "_host/docker.py": ["test_docker.py"],
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
    "app and self._expectation(name).ailing_fails  ->  self._expectation(name).ailing_fails": "if all are done, none is absent",
    # The rules of a profile have refused whatever is not a quantity.
    "asked is not None and most is not None and (asked > most)  ->  asked is not None and asked > most": "a quota has quantities",
    "enforced is not None and (asked - enforced) * sign > 0  ->  (asked - enforced) * sign > 0": "a limit is a quantity",
    "most is not None and limit / asked > most  ->  limit / asked > most": "a ratio is a quantity",
    "least is not None and most is not None and (least > most)  ->  most is not None and least > most": "the lower one is a quantity",
    "self._clock() - self._since < REFUSAL_SECONDS  ->  self._clock() - self._since <= REFUSAL_SECONDS": "no clock meets the very moment",
    "isinstance(values, str) and '_proxy' in values.lower()  ->  isinstance(values, str)": "saves time: a proxy's name has that part",
    "SECRET_TYPE.items() <= labels_of(item.metadata).items()  ->  "
    "SECRET_TYPE.items() < labels_of(item.metadata).items()": "what is owned has further labels",
    "number < 256  ->  number <= 256": "the character of this number is printable",
    "number < 65536  ->  number <= 65536": "the same",
    "other > '\\x7f'  ->  other >= '\\x7f'": "this character is not printable",
    "word in layer and pattern.search(layer)  ->  pattern.search(layer)": "saves time: the pattern has the word",
    # For the type checker alone.
    "match and match.lastgroup  ->  match": "one of its groups has matched",
    "step.result == 'changed' and step.live is not None  ->  step.result == 'changed'": "only what is there is changed",
    "step.result == 'recreated' and step.live is not None and (not self._check)  ->  "
    "step.result == 'recreated' and (not self._check)": "only what is there is made anew",
    "source is not None and source.get('type') == BOUND_TYPE  ->  source.get('type') == BOUND_TYPE": "a missing source was refused",
    "given.airflow and _has_foreign_project(found, given) and _has_global_projects(found)  ->  "
    "_has_foreign_project(found, given) and _has_global_projects(found)": "the second part has the first",
    "given.airflow and given.airflow.project and found.project and (owner_of(found.project['metadata'], given.name) != 'ours')  ->  "
    "given.airflow.project and found.project and (owner_of(found.project['metadata'], given.name) != 'ours')": "its callers have settings",
    "application is not None and adoptable(application, platform) and points_here(application, platform)  ->  "
    "adoptable(application, platform) and points_here(application, platform)": "an Application that is absent is not adoptable",
    "self._timeout and (not self._check) and (item is not None)  ->  self._timeout and (not self._check)": "what was patched exists",
    "memory.legacy and self._project  ->  memory.legacy": "an AppProject had the memory",
    "found is not None and found.volume is not None  ->  found is not None": "a volume that is not there requires no node",
    "path is None or metadata is None  ->  metadata is None": "without a path there is no metadata",
    "owner == 'foreign' and PLATFORM not in labels_of(metadata) and ((ref.kind, ref.name) == ('Secret', GENERATED))  ->  "
    "PLATFORM not in labels_of(metadata) and (ref.kind, ref.name) == ('Secret', GENERATED)": "an older platform's was marked already",
    "path is not None and self._api.delete(path, uid)  ->  self._api.delete(path, uid)": "what was found has a path",
    "item.ref.kind == 'ClusterRoleBinding' and scope.record is not None and (owner_of(item.metadata, scope.platform) == 'foreign')  ->  "
    "item.ref.kind == 'ClusterRoleBinding' and owner_of(item.metadata, scope.platform) == 'foreign'": "only a record permits that",
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


@dataclass(frozen=True)
class Mutant:
    """One way to break one place of a file. ``node`` and ``way`` are its indexes among the nodes of the tree and the ways to break them."""

    line: int
    what: str
    node: int
    way: int


def mutants(source: str) -> Iterator[Mutant]:
    for index, node in enumerate(ast.walk(ast.parse(source))):
        for number, (way, replacement) in enumerate(broken(node)):
            old = node.test if isinstance(node, ast.If | ast.IfExp) and way == "condition" else node
            yield Mutant(getattr(node, "lineno", 0), f"{ast.unparse(old)}  ->  {ast.unparse(replacement)}", index, number)


def mutated(source: str, mutant: Mutant) -> ast.Module:
    """The whole file with it, each line where it was."""
    tree = ast.parse(source)
    target = list(ast.walk(tree))[mutant.node]
    way, replacement = list(broken(target))[mutant.way]
    if isinstance(target, ast.If | ast.IfExp) and way == "condition":
        target.test = replacement
    else:
        Swap(target, replacement).visit(tree)
    return ast.fix_missing_locations(tree)


class Swap(ast.NodeTransformer):
    """Puts another expression in the place of one node."""

    def __init__(self, target: ast.AST, replacement: ast.expr) -> None:
        self.target, self.replacement = target, replacement

    def visit(self, node: ast.AST) -> ast.AST:
        return self.replacement if node is self.target else super().visit(node)


def workspace(folder: Path) -> None:
    """A copy of what the tests need, linked as the collection, that may be broken."""
    for part in ("plugins", "roles", "lab/chart", "tests/unit"):
        shutil.copytree(ROOT / part, folder / "checkout" / part, ignore=shutil.ignore_patterns("__pycache__"))
    link = folder / "collections/ansible_collections/gitops/airflow"
    link.parent.mkdir(parents=True)
    link.symlink_to(folder / "checkout")
    # tests/conftest.py sets up Ansible's own plugins with these.
    for name in ("tests/conftest.py", "ansible.cfg"):
        shutil.copy(ROOT / name, folder / "checkout" / name)
    (folder / "checkout/.ansible").mkdir()
    (folder / "checkout/.ansible/collections").symlink_to(folder / "collections")
    (folder / "pytest.ini").write_text("[pytest]\npythonpath = collections\naddopts = --import-mode=importlib -p no:cacheprovider\n")


NOTICED, MISSED, UNKNOWN = "noticed", "missed", "unknown"
CODES = {0: MISSED, 99: UNKNOWN}


def codes(code: CodeType) -> Iterator[CodeType]:
    """Those of all functions in a file's code."""
    for item in code.co_consts:
        if isinstance(item, CodeType):
            yield item
            yield from codes(item)


def replace_code(functions: Sequence[FunctionType], file: str, source: str, tree: ast.Module) -> bool:
    """Gives the functions of an imported file the code of another tree. False if that does not reach everything."""
    wholes = [{(code.co_qualname, code.co_firstlineno): code for code in codes(compile(text, file, "exec"))} for text in (source, tree)]
    known = Counter((code.co_qualname, code.co_firstlineno) for code in codes(compile(source, file, "exec")))
    old, new = wholes
    changed = {key for key, code in old.items() if new.get(key) != code}
    if any(known[key] > 1 for key in changed):
        return False  # two of one name in one line
    reached = False
    for function in functions:
        key = (function.__code__.co_qualname, function.__code__.co_firstlineno)
        if key in changed:
            if key not in new or new[key].co_freevars != function.__code__.co_freevars:
                return False
            function.__code__ = new[key]
            reached = True
    return reached


class Breaker:
    """A plugin of pytest: collects the tests once, and runs them for each mutant in a copy of the process."""

    def __init__(self, folder: Path, file: str, source: str, items: Sequence[Mutant], jobs: int) -> None:
        self.folder, self.source, self.items, self.jobs = folder, source, items, jobs
        self.module = f"ansible_collections.gitops.airflow.plugins.module_utils.{file.removesuffix('.py').replace('/', '.')}"
        self.results: dict[int, str] = {}
        self.running: dict[int, int] = {}
        self.path, self.functions = "", list[FunctionType]()
        self.order: list[int] = []  # of the tests: those that noticed something lately come first
        self.culprits = mmap.mmap(-1, 4 * (len(items) + 1))

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        loaded = sys.modules.get(self.module)
        if loaded is None or session.testsfailed:
            raise session.Failed("the tests do not import it")
        self.path = str(loaded.__file__)
        self.functions = [item for item in gc.get_objects() if isinstance(item, FunctionType) and item.__code__.co_filename == self.path]
        self.order = list(range(len(session.items)))
        gc.freeze()  # a collection would write to memory that the copies share
        start = time.monotonic()
        self.start(session, -1, 300)
        self.wait()
        seconds = max(SECONDS, TIMES * (time.monotonic() - start))
        for index in range(len(self.items)) if self.results.pop(-1) == MISSED else ():
            while len(self.running) >= self.jobs:
                self.wait()
            self.start(session, index, seconds)
        while self.running:
            self.wait()
        (self.folder / "results.json").write_text(json.dumps([self.results[index] for index in sorted(self.results)]))
        return True

    def start(self, session: pytest.Session, index: int, seconds: float) -> None:
        if process := os.fork():
            self.running[process] = index
            return
        try:
            # Their signals end the process.
            signal.setitimer(signal.ITIMER_REAL, seconds)
            signal.setitimer(signal.ITIMER_PROF, seconds / 4)
            if index >= 0 and not self.replaced(self.items[index]):
                os._exit(99)
            tests = [session.items[number] for number in self.order]
            for number, item, following in zip(self.order, tests, [*tests[1:], None], strict=True):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if session.testsfailed:
                    self.culprits[4 * index + 4 : 4 * index + 8] = number.to_bytes(4, "little")
                    os._exit(1)
            os._exit(0)
        finally:
            os._exit(1)

    def replaced(self, mutant: Mutant) -> bool:
        try:
            return replace_code(self.functions, self.path, self.source, mutated(self.source, mutant))
        except Exception:  # the second attempt, on the rewritten file, shows the error
            return False

    def wait(self) -> None:
        process, status = os.wait()
        index = self.running.pop(process)
        self.results[index] = CODES.get(os.waitstatus_to_exitcode(status), NOTICED)
        culprit = int.from_bytes(self.culprits[4 * index + 4 : 4 * index + 8], "little")
        self.order.sort(key=lambda number: number != culprit)


def quiet(folder: Path) -> None:
    os.chdir(folder)
    silent = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(silent, stream)
    sys.dont_write_bytecode = True
    os.environ["PYTEST_DEBUG_TEMPROOT"] = str(folder)


def run_tests(folder: Path, tests: list[str], breaker: Breaker | None = None) -> None:
    """Runs them in this process, which is a copy of one that has imported what takes long."""
    quiet(folder)
    os._exit(int(pytest.main(["-x", "-q", "-s", *tests], [breaker] if breaker else [])))


def test_files(folder: Path, file: str) -> list[str]:
    found = {name: sorted(map(str, (folder / "checkout/tests/unit").rglob(name))) for name in TESTS[file]}
    if missing := [name for name, paths in found.items() if not paths]:
        sys.exit(f"{file}: there is no {' and no '.join(missing)}")
    return [path for paths in found.values() for path in paths]


def noticed(folder: Path, file: str, text: str, seconds: float) -> bool:
    """Whether a test fails for the file with this text, or is not done after ``seconds``."""
    path = folder / "checkout" / UTILS / file
    original = path.read_text()
    path.write_text(text)
    process = multiprocessing.get_context("fork").Process(target=run_tests, args=(folder, test_files(folder, file)))
    process.start()
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
    path.write_text(original)
    return process.exitcode != 0


def missed(folder: Path, file: str, source: str, items: Sequence[Mutant], jobs: int) -> list[Mutant] | None:
    """Those that no test notices. None: the tests fail also for the whole file, or do not use it."""
    breaker = Breaker(folder, file, source, items, jobs)
    (folder / "results.json").unlink(missing_ok=True)
    process = multiprocessing.get_context("fork").Process(target=run_tests, args=(folder, test_files(folder, file), breaker))
    process.start()
    process.join()
    if not (folder / "results.json").exists():
        return None
    results = json.loads((folder / "results.json").read_text())
    if len(results) != len(items):
        return None
    # What is computed when the file is imported, or in another process, has not changed so far.
    doubtful = [item for item, result in zip(items, results, strict=True) if result != NOTICED]
    return [item for item in doubtful if not noticed(folder, file, ast.unparse(mutated(source, item)), 300)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("files", nargs="*", default=list(TESTS))
    arguments = parser.parse_args()
    survivors = total = 0
    with tempfile.TemporaryDirectory() as scratch:
        workspace(Path(scratch))
        for file in [name.removeprefix(f"{UTILS}/") for name in arguments.files]:
            source = (Path(scratch) / "checkout" / UTILS / file).read_text()
            items = [item for item in mutants(source) if item.what not in EQUIVALENT]
            left = missed(Path(scratch), file, source, items, arguments.jobs)
            if left is None:
                print(f"{file}: its tests do not tell whole from broken, so nothing can be said")
                return 1
            total, survivors = total + len(items), survivors + len(left)
            print(f"{file}: {len(items) - len(left)} of {len(items)} broken rules noticed", flush=True)
            for item in left:
                print(f"  line {item.line}: {item.what}", flush=True)
    print(f"{total - survivors} of {total} broken rules noticed by a test")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
