"""What the collection's archive holds: everything that a role needs, nothing that is only for a checkout."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_archive(tmp_path: Path) -> None:
    subprocess.run([ROOT / "scripts/package", tmp_path], check=True, capture_output=True)
    (archive,) = tmp_path.glob("gitops-airflow-*.tar.gz")
    with tarfile.open(archive) as content:
        packed = {member.name for member in content.getmembers() if member.isfile()}
    command = ["git", "-C", str(ROOT), "ls-files", "roles", "plugins", "playbooks", "meta"]
    assert set(subprocess.check_output(command, text=True).split()) <= packed
    folders = {name.split("/")[0] for name in packed if "/" in name}
    assert folders == {"changelogs", "meta", "playbooks", "plugins", "roles"}
