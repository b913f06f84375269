#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: git_publish
short_description: Publish files to a branch of a Git repository
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Compares files with the newest commit of a branch and pushes a commit when they differ. Other files of the branch stay.
  - With O(method=branch) pushes the commit to a review branch instead, and waits until people have merged it. With O(method=render) writes
    the files into a local folder, from which people commit them.
  - Nothing is pushed by force. If another author pushes meanwhile, the module compares again with the new commit.
  - If the server does not answer or fails, the module tries again for a few seconds.
  - A server inside a Kubernetes cluster can be reached through O(tunnel).
  - For credentials and host keys that you do not give, uses the git configuration, SSH keys and known hosts of the user that runs the
    module.
extends_documentation_fragment:
  - gitops.airflow.git_remote
  - gitops.airflow.git_credentials
  - gitops.airflow.credentials_from
  - gitops.airflow.tunnel
  - gitops.airflow.kubernetes_auth
options:
  folder:
    description:
      - Folder in the repository to which the paths in O(files), O(copies), O(source_dir) and O(prune) are relative.
      - V(.) and V("") are the repository itself.
    type: str
    default: ""
  files:
    description:
      - Text of each file, by its path. An existing file keeps its mode.
      - An entry without a text (null) is left out.
    type: dict
    default: {}
  copies:
    description:
      - Local files to publish, text or binary. The module keeps whether a file is executable.
      - An entry with an empty O(copies[].src) is left out.
    type: list
    elements: dict
    default: []
    suboptions:
      src:
        description: The local file.
        type: path
        required: true
      dest:
        description: Path of the file in O(folder).
        type: str
        required: true
  source_dir:
    description:
      - A local folder whose files the module publishes recursively.
      - The module omits Python's caches, and hidden files and folders except C(.airflowignore).
      - The module follows links to files in the folder. It fails for other links, files that cannot be read, sockets, devices, and files
        of more than 100 MiB.
      - The module fails if the folder does not exist, or has no such files.
    type: str
  prune:
    description:
      - Folders in which the module removes files that O(files), O(copies) and O(source_dir) do not name.
      - V(.) is the whole O(folder).
    type: list
    elements: str
    default: []
  if_absent:
    description:
      - Whether to publish only if the branch does not exist yet. The module does not change an existing branch.
      - The module always contacts the server, and fails if it cannot read the repository.
    type: bool
    default: false
  create:
    description:
      - Whether to create the branch if it does not exist, also in an empty repository.
      - Also creates the repository, if the server creates repositories on the first push.
    type: bool
    default: false
  owner:
    description:
      - The platform that owns the folder. The module records the owner in the folder, in the file C(.gitops-airflow-owner).
      - The module fails if the folder belongs to another platform, or to the same platform in another cluster, or if it contains files
        that this collection did not write.
      - If O(prune) contains the whole folder, the file also records the published files. By this record the next run finds what people
        edited.
    type: dict
    suboptions:
      folder:
        description: The folder in the repository.
        type: str
        required: true
      platform:
        description: Name of the platform.
        type: str
        required: true
      cluster:
        description: What identifies the cluster, the uid of the namespace C(kube-system). Empty if the cluster does not exist yet.
        type: str
        default: ""
      adopt:
        description: Whether a folder that an older version of this collection wrote, without an owner mark, is this platform's.
        type: bool
        default: false
      take_over:
        description:
          - The present owner of the folder, exactly as the file C(.gitops-airflow-owner) names it. This platform then takes the folder
            over.
          - V(unmarked) stands for the owner of a folder that an older version of this collection wrote.
        type: str
        default: ""
  method:
    description:
      - How the files come to the branch.
      - With V(push) the module pushes a commit to it.
      - With V(branch) the module pushes a commit to O(review_branch), and nothing to O(branch). Then it waits until O(branch) has the same
        files, whether the review branch was merged, squashed or rebased. It fails with the code C(waits_for_review) if that takes longer
        than O(wait). A later run continues.
      - With V(render) the module writes the files into O(render_folder), and nothing to the repository. It fails with the code
        C(waits_for_commit) if O(branch) does not have them yet.
    type: str
    choices: [push, branch, render]
    default: push
  review_branch:
    description:
      - Branch for O(method=branch). The module creates it. If the branch already has the files, it pushes nothing.
      - Nothing is pushed by force. If people changed files of O(owner.folder) on the branch, and the files to publish differ from them, the
        module fails and leaves the branch alone.
      - When O(branch) has the files, the module deletes the review branch, if the last commit on it is the module's own and the branch has
        nothing that O(branch) does not have.
    type: str
  wait:
    description: For O(method=branch), seconds to wait for the merge. V(0) looks once.
    type: int
    default: 0
  require_published:
    description: Whether the module fails if O(branch) does not have the files at the end. In check mode it never fails for this reason.
    type: bool
    default: true
  render_folder:
    description:
      - Local folder for O(method=render), for the content of O(owner.folder). The module creates it.
      - The folder must be empty, or have the owner mark of this platform. The module removes files that it wrote before, and fails if the
        folder has files of others.
    type: path
  edits:
    description:
      - What to do if people edited files in O(owner.folder) that the module would overwrite. In both cases it shows a short diff first.
      - People's edits are what differs from the record in the owner mark. If the mark has no record, they are what differs from the last
        commit of O(author_email), or of its default, in the folder, among the last 50 commits. A revert of that commit is an edit, too.
    type: str
    choices: [overwrite, refuse]
    default: overwrite
  commit_message:
    description: Message of the commit.
    type: str
    default: Published by gitops.airflow
  author_name:
    description: Name of the commit's author and committer. One line without angle brackets. If empty, the default.
    type: str
    default: gitops.airflow
  author_email:
    description:
      - E-mail address of the commit's author and committer, or another name without C(@), such as C(ci-bot). If empty, the default.
      - One line without angle brackets and control characters. It must not begin or end with a space, a quotation mark, a full stop, a
        comma, a colon, a semicolon or a backslash, because git removes these.
      - Give an address that nobody else commits with. The module takes commits of this address for its own, and does not return them in
        RV(overwritten).
    type: str
    default: gitops-airflow@localhost
seealso:
  - module: gitops.airflow.git_branch_info
attributes:
  check_mode:
    support: full
    description: Can run in C(check_mode); it reads the branch, writes and pushes nothing, and does not wait.
  diff_mode:
    support: full
    description: Shows the changes of each file; of files that are not text only size and checksum.
"""

EXAMPLES = r"""
- name: Publish one file
  gitops.airflow.git_publish:
    repo: https://git.example.com/data/dags.git
    credentials: {username: deploy, password: "{{ git_token }}"}
    files:
      dags/hello.py: "{{ lookup('ansible.builtin.file', 'hello.py') }}"

- name: Publish the rendered platform, and delete everything else in its folder
  gitops.airflow.git_publish:
    repo: https://git.example.com/platform/airflow.git
    credentials: {username: deploy, password: "{{ git_token }}"}
    folder: platform/airflow/core
    files:
      values.yaml: "{{ lookup('ansible.builtin.template', 'values.yaml.j2') }}"
    copies:
      - src: /srv/charts/airflow-1.15.0.tgz
        dest: charts/airflow-1.15.0.tgz
    prune: ["."]
    commit_message: Airflow 2.6.3

- name: Create a repository with examples on the cluster's own Gitea, if it does not exist
  gitops.airflow.git_publish:
    repo: http://git-http.git.svc:3000/airflow/dags.git
    credentials: {username: pusher}
    credentials_from: {namespace: git, name: pusher, password_key: token}
    files:
      dags/example.py: "{{ lookup('ansible.builtin.file', 'example.py') }}"
    if_absent: true
    create: true
    tunnel: {namespace: git, service: git-http, port: 3000}
    context: kind-airflow

- name: Push the DAGs of a folder on this machine to the DAG repository
  gitops.airflow.git_publish:
    repo: ssh://git@git.example.com/data/dags.git
    folder: dags
    source_dir: ~/work/dags
    prune: ["."]
    commit_message: DAGs of Ann

- name: Show what would be published to a folder that one platform owns
  gitops.airflow.git_publish:
    repo: https://git.example.com/data/platform.git
    credentials: {username: deploy, password: "{{ git_token }}"}
    folder: platform/airflow/core
    files:
      values.yaml: "{{ airflow_values | to_nice_yaml }}"
    owner: {folder: platform/airflow/core, platform: airflow, cluster: 3f0c7f0e-6a35-4c4e-9a51-1a0b4a3fd2f4}
  check_mode: true
  diff: true

- name: Publish by a review branch, and wait an hour until people have merged it
  gitops.airflow.git_publish:
    repo: https://git.example.com/data/platform.git
    credentials: {username: deploy, password: "{{ git_token }}"}
    folder: platform/airflow/core
    files:
      values.yaml: "{{ airflow_values | to_nice_yaml }}"
    prune: ["."]
    owner: {folder: platform/airflow/core, platform: airflow, cluster: 3f0c7f0e-6a35-4c4e-9a51-1a0b4a3fd2f4}
    edits: refuse
    method: branch
    review_branch: gitops-airflow/airflow
    wait: 3600

- name: Push as an author that the server's rules accept
  gitops.airflow.git_publish:
    repo: https://git.example.com/platform/airflow.git
    credentials: {username: deploy, password: "{{ git_token }}"}
    files: {README.md: Rendered by gitops.airflow}
    author_name: Airflow platform
    author_email: airflow-platform@example.com
"""

RETURN = r"""
commit:
  description: The newest commit of O(branch) after the push. In check mode, the commit before. Empty if there is none.
  returned: success
  type: str
  sample: 5f9c1ad3f0e0b7b0a1bd20f2c4b9c2cbd2d1a6ee
changed_files:
  description: Paths in the repository that were added, changed or removed (in check mode, would be).
  returned: success
  type: list
  elements: str
  sample: [platform/airflow/core/values.yaml]
overwritten:
  description:
    - Commits of other authors since the last commit of O(author_email), or of its default, that changed a file of RV(changed_files). Only
      the last 50 commits are read. With O(owner), the commits that made RV(edits).
    - The module also warns of each of them.
  returned: success
  type: list
  elements: dict
  sample: [{commit: 3f2a9c1d5b7e8f60a1b2c3d4e5f60718293a4b5c, author: Ann, paths: [platform/airflow/core/values.yaml]}]
published:
  description: Whether O(branch) has the files. In check mode, whether it would have them.
  returned: success
  type: bool
  sample: true
review_commit:
  description: The newest commit of O(review_branch) that waits for a merge, or stays. Empty if there is none.
  returned: success
  type: str
  sample: ""
edits:
  description: Files in O(owner.folder) that people edited and that are overwritten.
  returned: always
  type: list
  elements: dict
  contains:
    path:
      description: The file.
      type: str
    change:
      description: What people did with it, V(added), V(changed) or V(deleted).
      type: str
  sample: [{path: platform/airflow/core/values.yaml, change: changed}]
edits_diff:
  description: A short unified diff of RV(edits), without what looks like a secret.
  returned: always
  type: str
source_dir:
  description: The folder of O(source_dir), without links in its path. Empty if none is given.
  returned: success
  type: str
  sample: /home/ann/work/dags
source_files:
  description: The files of RV(source_dir) that are published, by their paths in it.
  returned: success
  type: list
  elements: str
  sample: [example.py, shared/tables.py]
text:
  description: What was pushed where, for a person. In check mode, what would be.
  returned: success
  type: str
  sample: Pushed 2 files of /home/ann/work/dags, commit 5f9c1ad of https://git.example.com/data/dags.git.
next_action:
  description: What to do.
  returned: failure
  type: str
code:
  description: >-
    Kind of failure: V(authentication), V(repository_missing), V(branch_missing), V(unreachable), V(unknown_host_key), V(changed_host_key),
    V(bad_key), V(untrusted_certificate), V(refused), V(foreign_folder), V(edited), V(waits_for_review), V(waits_for_commit),
    V(review_conflict), V(busy), V(locked), V(bad_url), V(bad_path), V(bad_option), V(bad_branch), V(no_tunnel), V(unencrypted),
    V(half_credentials), V(no_private_key), V(no_host_keys), V(no_certificate), V(server_error), V(timeout), V(git_missing) or
    V(git_failed).
  returned: failure
  type: str
  sample: authentication
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError, InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._base.printable import printable
from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import Progress, open_progress
from ansible_collections.gitops.airflow.plugins.module_utils._base.url import public_url
from ansible_collections.gitops.airflow.plugins.module_utils._git.access import REMOTE_SPEC, named, open_remote, with_credentials
from ansible_collections.gitops.airflow.plugins.module_utils._git.author import EMAIL, NAME, PROBLEMS
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import (
    BRANCH,
    PUBLISH_METHODS,
    PUSH,
    RENDER,
    GitError,
    folder,
    unified,
)
from ansible_collections.gitops.airflow.plugins.module_utils._git.owned import EDIT_MODES, OVERWRITE, OwnedFolder
from ansible_collections.gitops.airflow.plugins.module_utils._git.owner import OWNER_SPEC, FolderOwner, from_params
from ansible_collections.gitops.airflow.plugins.module_utils._git.publish import publish
from ansible_collections.gitops.airflow.plugins.module_utils._git.remote import Author, Outcome
from ansible_collections.gitops.airflow.plugins.module_utils._git.render import render
from ansible_collections.gitops.airflow.plugins.module_utils._git.review import Publication
from ansible_collections.gitops.airflow.plugins.module_utils._git.source import Published, collect


def checked_author(params: Mapping[str, Any]) -> Author:
    """The author that the options name. Raises InputError for one that no commit can have."""
    author = {"name": params["author_name"] or NAME, "email": params["author_email"] or EMAIL}
    for part, problem in PROBLEMS.items():
        if why := problem(author[part]):
            raise InputError(f"author_{part} is {author[part]!r}. It {why}.", f"Correct author_{part}.")
    return Author(author["name"], author["email"], params["commit_message"])


def is_whole(owner: FolderOwner, prune: Sequence[str]) -> bool:
    """Whether a publication that prunes these folders names all files of the owner's."""
    return any(folder(owner.folder).startswith(folder(item)) for item in prune)


def own_folder(params: Mapping[str, Any], files: Published, show: Callable[[str], None]) -> OwnedFolder | None:
    """The folder of the option owner; ``show`` is given the lines of a diff."""
    owner = from_params(params.get("owner"))
    if not owner:
        return None
    return OwnedFolder(owner, whole=is_whole(owner, files.prune), mode=params.get("edits", OVERWRITE), show=show)


def run(
    params: dict[str, Any], files: Published, temp: str, check: bool, owned: OwnedFolder | None = None, progress: Progress | None = None
) -> Outcome:
    """Publishes to where the options after with_credentials say. Raises GitError, TunnelError, InputError, OSError."""
    author, method = checked_author(params), params.get("method", PUSH)
    owned = owned or own_folder(params, files, lambda _line: None)
    with open_remote(params, temp) as remote:
        given = (files.files, files.prune, author)
        if method == BRANCH and owned:
            branch, wait = params["review_branch"], params["wait"]
            return Publication(remote, branch, *given, owned, check=check, wait=wait, progress=progress).run()
        if method == RENDER and owned:
            return render(remote, params["render_folder"], *given, owned, mode=params["edits"], check=check)
        return publish(remote, *given, owned=owned, create=params["create"], if_absent=params["if_absent"], check=check)


def summary(files: Published, outcome: Outcome, repo: str, check: bool, method: str = PUSH) -> str:
    """One sentence for a person. ``repo`` is shown without a password in it."""
    verb, past = ("write", "Wrote") if method == RENDER else ("push", "Pushed")
    done = (f"Would {verb}" if check else past) if outcome.changed else f"Nothing to {verb}:"
    source = f" of {files.source_dir}" if files.source_dir and len(files.sources) == len(files.files) else ""
    pushed = outcome.review if outcome.error else outcome.commit
    commit = f", commit {pushed[:7]}" if pushed else ""
    return f"{done} {len(files.files)} files{source}{commit} of {public_url(repo)}."


def edits_of(owned: OwnedFolder | None) -> dict[str, Any]:
    return owned.result() if owned else {"edits": [], "edits_diff": ""}


def refusal(error: GitError, params: Mapping[str, Any]) -> GitError:
    """The error for its reader. A branch that refuses a push may take a review."""
    if error.code == "refused" and params["method"] == PUSH and params["owner"]:
        error = error.also("Or publish by review: set {method}: branch.")
    return named(error, dict(params))


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    module = create(
        argument_spec={
            **REMOTE_SPEC,
            "folder": {"type": "str", "default": ""},
            "source_dir": {"type": "str"},
            "files": {"type": "dict", "default": {}},
            "copies": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {"src": {"type": "path", "required": True}, "dest": {"type": "str", "required": True}},
            },
            "prune": {"type": "list", "elements": "str", "default": []},
            "if_absent": {"type": "bool", "default": False},
            "create": {"type": "bool", "default": False},
            "owner": OWNER_SPEC,
            "method": {"type": "str", "choices": list(PUBLISH_METHODS), "default": PUSH},
            "review_branch": {"type": "str"},
            "wait": {"type": "int", "default": 0},
            "require_published": {"type": "bool", "default": True},
            "render_folder": {"type": "path"},
            "edits": {"type": "str", "choices": list(EDIT_MODES), "default": OVERWRITE},
            "commit_message": {"type": "str", "default": "Published by gitops.airflow"},
            "author_name": {"type": "str", "default": NAME},
            "author_email": {"type": "str", "default": EMAIL},
        },
        required_if=[("method", BRANCH, ("review_branch", "owner")), ("method", RENDER, ("render_folder", "owner"))],
        supports_check_mode=True,
    )
    check, owned = module.check_mode, None
    try:
        files = collect(module.params)
        params = with_credentials(module.params, check, module.no_log_values.add)
        progress = open_progress(module.no_log_values)
        owned = own_folder(params, files, progress.line)
        outcome = run(params, files, module.tmpdir, check, owned, progress)
    except GitError as error:
        module.fail(refusal(error, module.params), **edits_of(owned))
    except CollectionError as error:
        module.fail(error)
    except OSError as error:
        module.fail(CollectionError(str(error), "Correct the path in the message.", "bad_path"))
    verb = "would be" if check else "was" if params["method"] == PUSH else "will be"
    for commit in outcome.overwritten:
        module.warn(f"{public_url(params['repo'])}: {commit}: what was changed there {verb} overwritten. Git's history keeps it.")
    diff = {"prepared": printable("".join(unified(path, *texts) for path, texts in outcome.changed.items()))} if module._diff else {}
    result = {
        "changed": bool(outcome.changed) or outcome.ended,
        "commit": outcome.commit or "",
        "changed_files": list(outcome.changed),
        "overwritten": [asdict(commit) for commit in outcome.overwritten],
        "published": outcome.error is None,
        "review_commit": outcome.review,
        **edits_of(owned),
        "source_dir": files.source_dir,
        "source_files": list(files.sources),
        "text": printable(summary(files, outcome, params["repo"], check, params["method"])),
        "diff": diff,
    }
    if outcome.error and params["require_published"] and not check:
        module.fail(outcome.error, **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
