#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kind_cluster
short_description: Create, adopt or delete a kind cluster
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Creates a local Kubernetes cluster with C(kind) and Docker, or checks that an existing cluster matches O(config).
  - >-
    Never changes or deletes an existing cluster to make it match. If its nodes, images, published ports, mounts, subnets or kubeadm
    patches differ from O(config), the module fails and lists every difference.
  - >-
    A setting that would not change a new cluster does not count as a difference, for example a path that is written in another way, or a
    kubelet setting that kubeadm omits because it is the default. The module refuses a patch that has no effect, such as
    C(rotateCertificates=false), which kubeadm overrides.
  - >-
    If kind cannot create the cluster, the module keeps only the journals of the nodes, in the folder C(<name>.failed) in O(state_dir).
    They stay until a cluster of that name is created or deleted. If a kubelet exited, the message quotes it.
    M(gitops.airflow.support_bundle) collects the journals.
  - Starts node containers that are stopped, for example after a reboot of the machine.
  - >-
    kind creates every cluster with the same bootstrap token, which is valid for 24 hours. With it any pod could join the cluster as a
    node. On clusters that the module created, it deletes the token (Secret C(kube-system/bootstrap-token-abcdef)) once all nodes are
    Ready. These are clusters that are recorded in O(state_dir), or whose kubeadm has the kubelet settings of O(config). No node needs the
    token again, even after a restart.
  - >-
    While it creates a cluster, the module keeps a note in O(state_dir). If an interrupted run left an incomplete cluster and this note,
    the module deletes the cluster and creates it again. For an incomplete cluster without the note, it only fails with a message.
  - >-
    Never deletes a cluster that it did not create, unless O(delete_foreign=true). Never starts such a cluster if O(config) has kubelet
    settings. One of three facts proves that the module created a cluster, namely the note, a node that is recorded in O(state_dir), or the
    kubelet settings of O(config) in kubeadm's configuration on a node.
options:
  name:
    description: Name of the cluster. Its kubeconfig context is C(kind-<name>).
    type: str
    required: true
  state:
    description:
      - V(present) creates or adopts the cluster.
      - >-
        V(absent) deletes the cluster with its kubeconfig entry and anonymous volumes, and Docker's network C(kind) if nothing else uses
        it. It fails for a cluster that the module did not create.
    type: str
    choices: [present, absent]
    default: present
  config:
    description:
      - The kind C(v1alpha4) Cluster document. C(apiVersion), C(kind) and C(name) may be left out.
      - >-
        Compared with an existing cluster are the nodes with their roles, C(extraPortMappings) and C(extraMounts), and
        C(networking.podSubnet), C(networking.serviceSubnet), C(networking.kubeProxyMode), C(featureGates), C(runtimeConfig), and the keys
        of C(kubeadmConfigPatches) and C(containerdConfigPatches). Other keys have an effect only when the cluster is created.
      - >-
        A Node without its C(labels) is not a difference. The module warns of each label that the Node does not have, and names the
        command that sets it.
      - >-
        C(KubeletConfiguration) patches are compared with the file the kubelet runs with. kubeadm takes them from the cluster and from the
        first control plane; those of other nodes have no effect.
      - With O(state=absent), the kubelet settings can prove that the module created a cluster without a record in O(state_dir).
    type: dict
    default: {}
  extra_config:
    description:
      - >-
        Your own part of the document, merged over O(config). Dictionaries are merged by key. Lists are joined, first those of O(config).
        The first entry of C(nodes) with a role is merged over the first node of that role in O(config), the second over the second. An
        entry without such a node adds a node.
      - >-
        With O(state=present) the module refuses keys and values that kind does not know, C(name), C(nodes[].image), a port of this
        machine that is published twice, relative paths of mounts, patches of containerd that are not TOML, and a cluster whose nodes
        cannot get Ready or whose Services cannot answer (C(networking.disableDefaultCNI), C(networking.kubeProxyMode=none)).
      - Messages call it C(kind_cluster_config), which is the variable of the role C(gitops.airflow.kind_cluster).
    type: dict
    default: {}
  image:
    description: Node image for all nodes. Defaults to the image of each node in O(config), or to kind's default.
    type: str
  image_archives:
    description: Archives of container images. The module loads each archive into the nodes that lack any of its images.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Path of the archive, in the format of C(docker save). The file must exist, even if all its images are loaded already.
        type: path
        required: true
      images:
        description: Names of the images in the archive. Short names such as V(mysql:8.0) are valid.
        type: list
        elements: str
        required: true
  docker_images:
    description:
      - Images of this machine's Docker, with their tags. The module loads each image into the nodes that lack it.
      - An image counts as loaded if a node has one of that name. Give another content another tag.
    type: list
    elements: str
    default: []
  kind_binary:
    description: The C(kind) command, a name or a path. With O(kind_url) a path.
    type: path
    default: kind
  kind_url:
    description:
      - URL to download O(kind_binary) from if the file does not exist, or if its checksum is not O(kind_checksum).
      - The module downloads the file only if it needs C(kind), before it changes anything. A cluster that matches O(config) does not need
        it.
      - >-
        In O(kind_url) and O(kind_checksum), C({system}) stands for V(linux) or V(darwin) and C({architecture}) for V(amd64) or V(arm64),
        as the machine is. On another machine a URL or checksum with such a placeholder is refused.
    type: str
    default: ""
  kind_checksum:
    description:
      - Checksum of the file at O(kind_url), as C(ALGORITHM:DIGEST). In place of the digest you can give the URL of a list of digests.
      - A dictionary has a checksum for each system and architecture, with keys such as V(linux-amd64) and V(darwin-arm64).
      - Required with O(kind_url).
    type: raw
    default: ""
  kubeconfig:
    description:
      - The kubeconfig file that gets the cluster's entry.
      - Defaults to the file that kind would choose, which is the first existing file in E(KUBECONFIG), or C(~/.kube/config).
    type: path
  wait:
    description: Seconds to wait until all nodes are Ready, after they were created or started.
    type: int
    default: 180
  state_dir:
    description: Folder on the machine for the note of work in progress, the record of clusters that the module created, and the journals
      of clusters that it could not create.
    type: path
    default: ~/.cache/gitops-airflow/clusters
  delete_foreign:
    description: Whether O(state=absent) also deletes a cluster if nothing proves that this module created it.
    type: bool
    default: false
  delete_files:
    description:
      - Files and folders of the machine that O(state=absent) deletes after the cluster. One that does not exist is skipped.
      - The folder of each of them is deleted, too, if it holds nothing else.
    type: list
    elements: path
    default: []
requirements:
  - docker (the command)
  - kind
  - PyYAML
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
extends_documentation_fragment:
  - gitops.airflow.attributes
seealso:
  - name: kind configuration
    description: All keys of the Cluster document.
    link: https://kind.sigs.k8s.io/docs/user/configuration/
"""

EXAMPLES = r"""
- name: Create the cluster, with its Airflow port published on the host
  gitops.airflow.kind_cluster:
    name: airflow
    image: kindest/node:v1.29.4
    config:
      nodes:
        - role: control-plane
          extraPortMappings:
            - {containerPort: 30080, hostPort: 8080}
          kubeadmConfigPatches:
            - |
              kind: KubeletConfiguration
              imageGCHighThresholdPercent: 90

- name: Load images that no registry serves into the nodes
  gitops.airflow.kind_cluster:
    name: airflow
    image_archives:
      - path: /srv/images/airflow.tar
        images: [apache/airflow:2.6.3]

- name: Load an image that you built on this machine into the nodes
  gitops.airflow.kind_cluster:
    name: airflow
    docker_images: [my-airflow:2.6.3-1]

- name: Create the cluster with a folder of this machine in its node
  gitops.airflow.kind_cluster:
    name: airflow
    config: "{{ shared_kind_config }}"
    extra_config:
      nodes:
        - role: control-plane
          extraMounts:
            - {hostPath: /srv/data, containerPath: /data, readOnly: true}

- name: Download a pinned kind if it is needed, and create the cluster
  gitops.airflow.kind_cluster:
    name: airflow
    kind_binary: /opt/kind/kind-v0.31.0
    kind_url: https://github.com/kubernetes-sigs/kind/releases/download/v0.31.0/kind-{system}-{architecture}
    kind_checksum: sha256:https://github.com/kubernetes-sigs/kind/releases/download/v0.31.0/kind-{system}-{architecture}.sha256sum

- name: Delete the cluster and the kind binary that was downloaded for it
  gitops.airflow.kind_cluster:
    name: airflow
    state: absent
    delete_files: [/opt/kind/kind-v0.31.0]
"""

RETURN = r"""
nodes:
  description: The node containers. In check mode those that would be there.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: Name of the node and of its container., type: str, returned: always}
    role: {description: "V(control-plane), V(worker) or V(external-load-balancer).", type: str, returned: always}
    image: {description: The node image., type: str, returned: always}
  sample: [{name: airflow-control-plane, role: control-plane, image: "kindest/node:v1.29.4"}]
created:
  description: Whether this run made the cluster (in check mode, would make it).
  returned: success
  type: bool
  sample: true
started:
  description: Names of the nodes that were stopped and have been started.
  returned: success
  type: list
  elements: str
  sample: []
loaded:
  description: Paths of O(image_archives) and names of O(docker_images) that were loaded into at least one node.
  returned: success
  type: list
  elements: str
  sample: [/srv/images/airflow.tar]
bootstrap_token_deleted:
  description: Whether kind's bootstrap token was there and has been deleted (in check mode, would be).
  returned: success
  type: bool
  sample: true
deleted_files:
  description: The files and folders that were deleted (in check mode, would be).
  returned: success, when O(state=absent)
  type: list
  elements: str
  sample: [/opt/kind/kind-v0.31.0, /opt/kind]
context:
  description: The cluster's context in the kubeconfig.
  returned: always
  type: str
  sample: kind-airflow
kubeconfig:
  description: The kubeconfig file that holds the context.
  returned: always
  type: str
  sample: /root/.kube/config
next_action:
  description: What to do.
  returned: failure
  type: str
code:
  description: >-
    The kind of failure: V(drift), V(foreign_cluster), V(broken_cluster), V(nodes_not_ready), V(busy), V(command_missing), V(bad_path),
    V(bad_url), V(not_deleted), V(download_failed), V(checksum_mismatch),
    V(bad_option), V(library_missing) or V(kind_failed).
  returned: failure
  type: str
drift:
  description: Differences between the existing cluster and O(config). Not empty only on failure.
  returned: always
  type: list
  elements: dict
  contains:
    where: {description: The node., type: str, returned: always}
    what: {description: What differs., type: str, returned: always}
    found: {description: What is there., type: str, returned: always}
    wanted: {description: What O(config) says., type: str, returned: always}
    next_action: {description: What to do about it., type: str, returned: always}
  sample:
    - where: airflow-control-plane
      what: port mapping
      found: absent
      wanted: "0.0.0.0:8080 -> 30080/tcp"
      next_action: Make the configuration say what exists, or delete the cluster (state=absent) and create it again.
"""

import os
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.gitops.airflow.plugins.module_utils._base.download import check_download, ensure_file
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError, InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._host.files import delete_files
from ansible_collections.gitops.airflow.plugins.module_utils._kind.client import Engine, Marker
from ansible_collections.gitops.airflow.plugins.module_utils._kind.cluster import Cluster, DriftError, Wanted
from ansible_collections.gitops.airflow.plugins.module_utils._kind.config import HAS_YAML, STATE_DIR
from ansible_collections.gitops.airflow.plugins.module_utils._kind.config_merge import merge_config, readable_part
from ansible_collections.gitops.airflow.plugins.module_utils._kind.release import checksum_for_machine, for_machine


def kubeconfig_path(given: str | None) -> str:
    """The kubeconfig file that kind would use (pkg/cluster/internal/kubeconfig/internal/kubeconfig/paths.go)."""
    if given:
        return given
    listed = [path for path in os.environ.get("KUBECONFIG", "").split(os.pathsep) if path]
    return next((path for path in listed if os.path.exists(path)), listed[-1] if listed else str(Path.home() / ".kube" / "config"))


def download_kind(path: str, url: str, checksum: str | Mapping[str, str]) -> None:
    """The kind binary for this machine, if it does not exist. Raises CollectionError."""
    machine = platform.system(), platform.machine()
    ensure_file(Path(path), for_machine(url, *machine), checksum_for_machine(checksum, *machine), check=False, mode=0o755)


def check_kind(url: str, checksum: Any) -> None:
    """Raises InputError for a URL or checksum that cannot be right. Those of any machine: a binary may exist already."""
    if not isinstance(checksum, str | Mapping):
        raise InputError(f"kind_checksum is {checksum!r}.", "Give one checksum, or one for each system and architecture.")
    for given in checksum.values() if isinstance(checksum, Mapping) else [for_machine(checksum, "Linux", "x86_64")]:
        check_download(for_machine(url, "Linux", "x86_64"), str(given), "kind_")


def proof_config(config: Mapping[str, Any], extra: Mapping[str, Any]) -> Mapping[str, Any]:
    """The configuration whose kubelet settings can prove who made a cluster. A wrong value must not keep a cluster from being deleted."""
    try:
        return merge_config(config, extra)
    except InputError:
        return readable_part(config)


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    module = create(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "config": {"type": "dict", "default": {}},
            "extra_config": {"type": "dict", "default": {}},
            "image": {"type": "str"},
            "image_archives": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "path": {"type": "path", "required": True},
                    "images": {"type": "list", "elements": "str", "required": True},
                },
            },
            "docker_images": {"type": "list", "elements": "str", "default": []},
            "kind_binary": {"type": "path", "default": "kind"},
            "kind_url": {"type": "str", "default": ""},
            "kind_checksum": {"type": "raw", "default": ""},
            "kubeconfig": {"type": "path"},
            "wait": {"type": "int", "default": 180},
            "state_dir": {"type": "path", "default": STATE_DIR},
            "delete_foreign": {"type": "bool", "default": False},
            "delete_files": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )
    if not HAS_YAML:
        advice = "Install the library there, or choose a Python that has it (ansible_python_interpreter)."
        module.fail(CollectionError(missing_required_lib("PyYAML"), advice, "library_missing"))
    params: dict[str, Any] = module.params
    engine = Engine(params["name"], params["kind_binary"], kubeconfig_path(params["kubeconfig"]))
    if params["kind_url"]:
        engine.provide_kind = lambda: download_kind(params["kind_binary"], params["kind_url"], params["kind_checksum"])
    known: dict[str, Any] = {"context": f"kind-{engine.name}", "kubeconfig": engine.kubeconfig, "drift": []}
    cluster = Cluster(engine, Marker(params["state_dir"], engine.name), check=module.check_mode)
    try:
        if params["kind_url"]:
            check_kind(params["kind_url"], params["kind_checksum"])
        if params["state"] == "absent":
            result = cluster.absent(proof_config(params["config"], params["extra_config"]), delete_foreign=params["delete_foreign"])
            deleted = delete_files([Path(path) for path in params["delete_files"]], check=module.check_mode)
            result |= {"changed": result["changed"] or bool(deleted), "deleted_files": deleted}
            result["diff"]["before"] |= dict.fromkeys(deleted, "exists")
        else:
            config = merge_config(params["config"], params["extra_config"])
            wanted = Wanted(config, params["image"] or "", params["image_archives"], params["wait"], params["docker_images"])
            result = cluster.present(wanted)
            if module.check_mode and (result["created"] or result["started"]):
                module.warn(f"The kind cluster {engine.name} does not run. A check cannot show what would be created in it.")
    except DriftError as error:
        module.fail(error, **{**known, "drift": [item.as_dict() for item in error.drift]})
    except CollectionError as error:
        module.fail(error, **known)
    except ValueError as error:  # what cannot be read as YAML or a number
        module.fail(InputError(str(error), "Correct config."), **known)
    for warning in cluster.warnings:
        module.warn(warning)
    module.exit_json(**known, **result)


if __name__ == "__main__":
    main()
