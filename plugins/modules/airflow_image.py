#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: airflow_image
short_description: Build an image of Airflow with your Python packages
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Builds a container image from an image of Airflow and a requirements file, with Docker on the host that runs the module.
  - >-
    The tag is made from the lines of O(requirements) and the ID of O(base). The same input is the same image. If that image exists, the
    module does not build. A package without a version in the file stays at the version of the first build.
  - >-
    Packages of O(base) are never replaced. pip gets their versions as constraints. If a requirement needs another version, the module fails
    and names both.
  - >-
    pip runs as the user of the image, in a container that is removed afterwards. Only the new files are added to the image, as one layer.
  - >-
    pip uses the settings of this host, which are E(PIP_INDEX_URL) and similar variables, C(pip.conf), the entries of C(.netrc) for the
    hosts of the indexes and of the URLs in O(requirements), proxies and certificate authorities. They go to a
    file system in memory of the container. The image, its history and its labels do not contain them. If pip builds a package from its
    source, it puts the URLs of the indexes on a command line in the container.
  - Environment variables that O(requirements) names, such as C(${INDEX_TOKEN}), must be set on this host.
  - >-
    The module does not load the image into a cluster. For the nodes of a kind cluster, use
    O(gitops.airflow.kind_cluster#module:docker_images).
options:
  base:
    description:
      - Image of Airflow with its tag or digest. It must contain pip.
      - The module takes it from O(archives) if one of them lists it, otherwise from Docker. It pulls an image that Docker does not have.
    type: str
    required: true
  requirements:
    description:
      - Path of the requirements file on the host that runs the module.
      - >-
        The build has only this file. The module refuses lines that name other files of the host. These are C(-r), C(-e), paths, and C(-c)
        or C(--find-links) without a URL.
      - >-
        It also refuses the URL of a package with a query, or with an environment variable outside user and password, because pip stores
        that URL in the image.
    type: path
    required: true
  archives:
    description: Archives of container images that may contain O(base).
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Path of the archive, in the format of C(docker save).
        type: path
        required: true
      images:
        description: Names of the images in the archive.
        type: list
        elements: str
        required: true
  repository:
    description: Name of the image without its tag. No registry serves the default.
    type: str
    default: localhost/gitops-airflow/airflow
  engine_command:
    description: The container engine's command, a name or a path. It must understand Docker's command line.
    type: path
    default: docker
  timeout:
    description: Seconds after which pip is ended.
    type: int
    default: 1800
requirements:
  - docker (the command)
attributes:
  check_mode:
    support: full
    details: Does not pull O(base). If Docker does not have it, the tag in RV(image) ends in C(-unknown).
  diff_mode:
    support: full
extends_documentation_fragment:
  - gitops.airflow.attributes
seealso:
  - module: gitops.airflow.kind_cluster
  - name: Requirements file format
    description: What a line of the file may be.
    link: https://pip.pypa.io/en/stable/reference/requirements-file-format/
"""

EXAMPLES = r"""
- name: Build an image with the packages of a file
  gitops.airflow.airflow_image:
    base: apache/airflow:2.6.3
    requirements: requirements.txt

- name: Read packages from the index of your company
  gitops.airflow.airflow_image:
    base: apache/airflow:2.6.3
    requirements: requirements.txt
  environment:
    PIP_INDEX_URL: "https://ci:{{ index_token }}@packages.example.com/simple"
    PIP_CERT: /etc/ssl/certs/company.pem

- name: Build from the image in an archive, and allow an hour to compile packages
  gitops.airflow.airflow_image:
    base: apache/airflow:2.6.3
    requirements: requirements.txt
    archives:
      - path: /srv/images/airflow.tar
        images: [apache/airflow:2.6.3]
    timeout: 3600

- name: Build an image and show what it adds
  block:
    - name: Build the image
      gitops.airflow.airflow_image:
        base: apache/airflow:2.6.3
        requirements: requirements.txt
      register: built

    - name: Show its name and the added packages
      ansible.builtin.debug:
        msg: "{{ built.image }} adds {{ built.packages | map(attribute='name') | join(', ') }}"

- name: Build an image and load it into the nodes of a kind cluster
  block:
    - name: Build the image
      gitops.airflow.airflow_image:
        base: apache/airflow:2.6.3
        requirements: requirements.txt
      register: built

    - name: Load the image into the nodes that lack it
      gitops.airflow.kind_cluster:
        name: airflow
        docker_images: ["{{ built.image }}"]
"""

RETURN = r"""
image:
  description: Name of the image with its tag. In check mode the name that it would get.
  returned: success
  type: str
  sample: localhost/gitops-airflow/airflow:2.6.3-4f9a1c0b7d2e
tag:
  description: The tag of RV(image).
  returned: success
  type: str
  sample: 2.6.3-4f9a1c0b7d2e
base:
  description: The image that the packages were added to.
  returned: success
  type: str
  sample: apache/airflow:2.6.3
base_id:
  description: Its ID. Empty in check mode if Docker does not have it.
  returned: success
  type: str
  sample: sha256:5b2a0d1c6f7e8a9b0c1d2e3f405162738495a6b7c8d9e0f1a2b3c4d5e6f70819
pulled:
  description: Whether the module pulled O(base).
  returned: success
  type: bool
  sample: false
packages:
  description:
    - The packages that RV(image) has and O(base) does not have, with their dependencies.
    - Empty in check mode if the image does not exist.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: Name of the package., type: str, returned: always}
    version: {description: Its version., type: str, returned: always}
  sample: [{name: numpy, version: 1.25.1}, {name: pandas, version: 2.1.4}]
next_action:
  description: What to do.
  returned: failure
  type: str
code:
  description: >-
    The kind of failure. In the requirements it is V(bad_path), V(bad_requirement), V(conflict), V(not_found), V(hash_mismatch) or
    V(build_failed). For the package index it is V(index_unreachable), V(unauthorized), V(certificate) or V(bad_pip_settings). For the image
    and the engine it is V(no_pip), V(no_python), V(bad_archive), V(engine_missing), V(engine_not_running), V(engine_permission),
    V(image_unknown), V(registry_unreachable), V(registry_error), V(disk_full), V(timeout) or V(image_failed). Others are V(pip_failed).
  returned: failure
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._image.build import Builder, Engine, Wanted
from ansible_collections.gitops.airflow.plugins.module_utils._image.plan import REPOSITORY


def argument_spec() -> dict[str, Any]:
    """The options of this module."""
    return {
        "base": {"type": "str", "required": True},
        "requirements": {"type": "path", "required": True},
        "archives": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "path": {"type": "path", "required": True},
                "images": {"type": "list", "elements": "str", "required": True},
            },
        },
        "repository": {"type": "str", "default": REPOSITORY},
        "engine_command": {"type": "path", "default": "docker"},
        "timeout": {"type": "int", "default": 1800},
    }


def main(create: Callable[..., AnsibleModule] = AnsibleModule) -> None:
    module = create(argument_spec=argument_spec(), supports_check_mode=True)
    params = module.params
    engine = Engine(params["engine_command"], timeout=params["timeout"])
    wanted = Wanted(params["base"], params["requirements"], params["archives"], params["repository"])
    try:
        result = Builder(engine, check=module.check_mode).present(wanted)
    except CollectionError as error:
        module.fail(error)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
