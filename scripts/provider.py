# GPL-3.0-or-later
"""Asks Ansible which provider a run uses and what kind of run it is, before the run: only kind needs an engine, images or the lab.

usage: python scripts/provider.py ansible-playbook PLAYBOOK [ARGUMENT ...]      prints {"providers": ["kind"], "mode": "run"}

The answer is Ansible's own: its options, inventories, group_vars, extra variables, templates and the role's defaults. About 0.4 s.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KIND = "kind"
PROMPTS = ("-J", "--ask-vault-pass", "--ask-vault-password")
# A vault id with or without a label, as ansible-core takes it (cli/__init__.py, setup_vault_secrets).
_PROMPT = re.compile(r"(?:.*@)?prompt(?:_ask_vault_pass)?")
LISTING = ("syntax", "listhosts", "listtasks", "listtags")


@dataclass(frozen=True)
class Answer:
    """What a run is: ``providers`` of the hosts in the group platform, ``mode`` run, check or list; ``problem``: why there is no answer."""

    providers: tuple[str, ...] = ()
    mode: str = "run"
    problem: str = ""

    @property
    def kind(self) -> bool:
        return KIND in self.providers


def without_prompts(arguments: Sequence[str]) -> list[str]:
    """The arguments without those that make Ansible ask for a vault password: it would ask again in the run."""
    kept: list[str] = []
    for item in arguments:
        if item in PROMPTS or (item.startswith("--vault-id=") and _PROMPT.fullmatch(item.removeprefix("--vault-id="))):
            continue
        if kept and kept[-1] == "--vault-id" and _PROMPT.fullmatch(item):
            kept.pop()
            continue
        kept.append(item)
    return kept


def ask(command: Sequence[str], python: str = sys.executable) -> Answer:
    """The answer for a command that starts with ansible-playbook. In a process without a terminal: nothing can be asked of a person."""
    done = subprocess.run(
        [python, __file__, *without_prompts(command)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        start_new_session=True,
        check=False,
    )
    try:
        found = json.loads(done.stdout.strip().splitlines()[-1])
        return Answer(tuple(found["providers"]), found["mode"])
    except (ValueError, LookupError, TypeError):
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        if not done.returncode:  # --help, --version
            return Answer(mode="list")
        errors = [
            found[1]
            for line in said
            if (found := re.match(r"(?:\[?ERROR\]?|[\w.]*(?:Error|Exception)|ansible-playbook: error): (.*)", line))
        ]
        return Answer(problem=(errors or said or ["it gives no reason"])[-1])


def resolve(command: Sequence[str]) -> Answer:
    """The answer, in this process. Raises what Ansible raises."""
    from ansible import context
    from ansible.cli.playbook import PlaybookCLI
    from ansible.playbook.play import Play
    from ansible.plugins.loader import init_plugin_loader
    from ansible.template import Templar

    cli = PlaybookCLI(list(command))
    cli.parse()
    options = context.CLIARGS
    mode = "list" if any(options.get(name) for name in LISTING) else "check" if options.get("check") else "run"
    init_plugin_loader()
    loader, inventory, variables = cli._play_prereqs()
    playbooks = [item for item in options["args"] if Path(item).is_file()]
    loader.set_basedir(str(Path(playbooks[0] if playbooks else ROOT / "playbooks/site.yml").resolve().parent))
    # Only for the role's defaults.
    source = {"name": "Provider", "hosts": "all", "gather_facts": False, "roles": [str(ROOT / "roles/platform")]}
    play = Play.load(source, variable_manager=variables, loader=loader)
    found = set()
    for host in inventory.get_hosts("platform", ignore_limits=True):
        known = variables.get_vars(play=play, host=host)
        found.add(str(Templar(loader=loader, variables=known).template(known["platform_provider"])))
    return Answer(tuple(sorted(found)), mode)


if __name__ == "__main__":
    answer = resolve(sys.argv[1:])
    print(json.dumps({"providers": answer.providers, "mode": answer.mode}))
