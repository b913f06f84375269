#!/usr/bin/python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: show_text
short_description: Show lines of text as they are
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Prints each line of a text on standard output, under every stdout callback. M(ansible.builtin.debug) prints one JSON string under
    Ansible's default callback, from which a command cannot be copied.
  - Control characters and characters that reorder or hide text are shown as escapes such as C(\x1b), so text from pods, Git servers and
    DAGs cannot steer the terminal.
  - Prints nothing with C(no_log), and nothing beside a stdout callback that writes JSON (its name contains C(json)), where the lines are
    in the result.
attributes:
  check_mode:
    details: Prints the text as usual, because this changes nothing.
extends_documentation_fragment:
  - gitops.airflow.attributes.read_only
options:
  text:
    description: What to show.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show one line
  gitops.airflow.show_text:
    text: The platform is installed.

- name: Show how to reach Airflow
  gitops.airflow.show_text:
    text: |
      Airflow   {{ platform_airflow_url }}
                kubectl -n airflow-core get secret airflow-admin -o jsonpath='{.data.password}' | base64 -d

- name: Show a list, one entry a line
  gitops.airflow.show_text:
    text: "{{ namespaces | join('\n') }}"

- name: Show the last lines of a program, which may contain escapes for a terminal
  block:
    - name: Read the log
      ansible.builtin.command: tail -n 20 /var/log/backup.log
      changed_when: false
      register: backup

    - name: Show the lines
      gitops.airflow.show_text:
        text: "{{ backup.stdout }}"

- name: Show a report only if a task has failed
  block:
    - name: Wait until Airflow runs
      gitops.airflow.workload_wait:
        namespace: airflow-core
      register: airflow
  rescue:
    - name: Show the latest warnings of the namespace
      gitops.airflow.show_text:
        text: |
          Airflow does not run:
          {{ airflow.events | default([]) | join('\n') }}
"""

RETURN = r"""
lines:
  description: The lines as they were shown.
  returned: always
  type: list
  elements: str
  sample: ["Airflow   http://localhost:8080"]
"""
