# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Secrets pull Airflow's image."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform.pull_secrets import pull_secrets


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"registry": {"secretName": "pull"}}, ["pull"]),
        ({"registry": {"secretName": "pull"}, "imagePullSecrets": [{"name": "pull"}, {"name": "more"}]}, ["pull", "more"]),
        # What Helm renders, and what cannot be a name.
        ({"registry": {"secretName": "{{ .Release.Name }}"}, "imagePullSecrets": [{"name": "a/b"}, {"name": 5}, "pull"]}, []),
        ({"registry": {"connection": {"user": "u", "pass": "p"}}, "secret": [{"secretName": "db", "secretKey": "password"}]}, []),
        ({"registry": "pull", "imagePullSecrets": "pull"}, []),
        ({}, []),
        (None, []),
    ],
)
def test_the_secrets_that_pull_airflows_image(values: Any, names: list[str]) -> None:
    assert pull_secrets(values) == names
