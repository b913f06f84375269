# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F20, F8: people's named entries stand beside the platform's, in every list; what the platform needs is refused."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import Credentials
from ansible_collections.gitops.airflow.plugins.module_utils._platform import value_rules
from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import with_platform_entries
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Logs, Repository, Settings

LOGS = {"name": "AIRFLOW_CONN_TASK_LOGS", "value": "s3"}
HOME, TMP = {"name": "home", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}
AT_HOME = {"name": "home", "mountPath": "/opt/airflow"}
CAINFO = {"name": "GIT_SSL_CAINFO", "value": "/etc/git-authority/ca.crt"}
MINE = {"name": "X", "value": "y"}
INIT = {
    "name": "git-sync-init",
    "env": [{"name": "GITSYNC_REPO", "value": "u"}, CAINFO],
    "volumeMounts": [],
    "resources": {"requests": {"cpu": 1}},
}
SYNC = {**INIT, "name": "git-sync"}
OWN: dict[str, Any] = {
    "env": [{"name": "PYTHONPATH", "value": "p"}],
    "tolerations": [{"key": "k"}],
    "scheduler": {"env": [LOGS], "extraVolumes": [HOME, TMP], "extraVolumeMounts": [AT_HOME]},
    "createUserJob": {"args": ["bash"], "env": [{"name": "ADMIN_PASSWORD", "value": "s"}]},
    "dags": {"gitSync": {"env": [CAINFO]}},
    "webserver": {
        "service": {"type": "NodePort", "ports": [{"name": "airflow-ui", "port": 8080, "nodePort": 30080}]},
        "extraInitContainers": [INIT],
        "extraContainers": [SYNC],
        "extraVolumes": [HOME],
    },
}


@pytest.mark.parametrize(
    ("theirs", "completed"),
    [
        ({"env": [MINE]}, {"env": [MINE, *OWN["env"]]}),
        ({"scheduler": {"env": [MINE]}}, {"scheduler": {"env": [MINE, LOGS]}}),
        ({"scheduler": {"env": None}}, {"scheduler": {"env": [LOGS]}}),
        ({"scheduler": {"extraVolumes": [{"name": "x"}]}}, {"scheduler": {"extraVolumes": [{"name": "x"}, HOME, TMP]}}),
        # The same name is people's own choice: another kind of volume.
        (
            {"scheduler": {"extraVolumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}]}},
            {"scheduler": {"extraVolumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}, HOME]}},
        ),
        # One volume may be mounted at several paths; one path is mounted once.
        (
            {"scheduler": {"extraVolumeMounts": [{"name": "home", "mountPath": "/data"}]}},
            {"scheduler": {"extraVolumeMounts": [{"name": "home", "mountPath": "/data"}, AT_HOME]}},
        ),
        (
            {"scheduler": {"extraVolumeMounts": [{"name": "mine", "mountPath": "/opt/airflow/"}]}},
            {"scheduler": {"extraVolumeMounts": [{"name": "mine", "mountPath": "/opt/airflow/"}]}},
        ),
        ({"createUserJob": {"env": [MINE]}}, {"createUserJob": {"env": [MINE, *OWN["createUserJob"]["env"]]}}),
        ({"webserver": {"extraContainers": [{"name": "proxy"}]}}, {"webserver": {"extraContainers": [{"name": "proxy"}, SYNC]}}),
        # Lists without names, and a Service's ports, are replaced.
        ({"createUserJob": {"args": ["sh"]}}, {"createUserJob": {"args": ["sh"]}}),
        ({"tolerations": [{"key": "x"}]}, {"tolerations": [{"key": "x"}]}),
        ({"webserver": {"service": {"ports": [{"name": "h"}]}}}, {"webserver": {"service": {"ports": [{"name": "h"}]}}}),
        # What has another form is left for the rule that refuses it.
        ({"env": "X=y", "scheduler": 5}, {"env": "X=y", "scheduler": 5}),
        ({"workers": {"env": [MINE]}, "flower": {"env": [MINE]}}, {"workers": {"env": [MINE]}, "flower": {"env": [MINE]}}),
    ],
)
def test_f20_named_entries_stand_beside_the_platforms(theirs: dict[str, Any], completed: dict[str, Any]) -> None:
    before = copy.deepcopy(OWN)
    assert with_platform_entries(theirs, OWN) == completed
    assert before == OWN


def webserver(theirs: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = with_platform_entries(theirs, OWN)["webserver"]
    return found


def test_f8_every_git_sync_has_their_variables_and_the_platforms() -> None:
    completed = with_platform_entries({"dags": {"gitSync": {"env": [MINE]}}}, OWN)
    assert completed["dags"]["gitSync"]["env"] == [MINE, CAINFO]
    for key in ("extraInitContainers", "extraContainers"):
        (container,) = completed["webserver"][key]
        assert container["env"] == [MINE, CAINFO, {"name": "GITSYNC_REPO", "value": "u"}]
        assert container["resources"] == {"requests": {"cpu": 1}}


def test_f8_the_webservers_git_sync_has_their_mounts_with_the_volume_of_another_pod() -> None:
    mount, volume = {"name": "ca", "mountPath": "/ca"}, {"name": "ca", "configMap": {"name": "our-ca"}}
    sync = {"gitSync": {"extraVolumeMounts": [mount]}}
    found = webserver({"dags": sync, "scheduler": {"extraVolumes": [volume]}, "workers": {"extraVolumes": [volume]}})
    assert found["extraVolumes"] == [HOME, volume]
    assert [container["volumeMounts"] for container in found["extraContainers"] + found["extraInitContainers"]] == [[mount], [mount]]
    # A volume that every pod has, or the webserver already, is not there twice.
    assert webserver({"dags": sync, "volumes": [volume], "scheduler": {"extraVolumes": [volume]}})["extraVolumes"] == [HOME]
    own = {"extraVolumes": [volume]}
    assert webserver({"dags": sync, "webserver": own, "scheduler": own})["extraVolumes"] == [volume, HOME]


def test_d2_the_dag_processors_git_sync_has_the_volume_of_another_pod() -> None:
    """Volumes that people wrote for the scheduler's git-sync still serve when the DAG processor has it."""
    mount, volume = {"name": "ca", "mountPath": "/ca"}, {"name": "ca", "configMap": {"name": "our-ca"}}
    theirs = {"dags": {"gitSync": {"extraVolumeMounts": [mount]}}, "scheduler": {"extraVolumes": [volume]}}
    platform = {**OWN, "dagProcessor": {"extraVolumes": [HOME]}}
    assert with_platform_entries(theirs, platform)["dagProcessor"] == {"extraVolumes": [HOME, volume]}
    more = {**theirs, "dagProcessor": {"replicas": 2, "extraVolumes": [volume]}}
    assert with_platform_entries(more, platform)["dagProcessor"] == {"replicas": 2, "extraVolumes": [volume, HOME]}
    assert "dagProcessor" not in with_platform_entries(theirs, OWN)


def test_f8_the_webservers_git_sync_has_their_resources_and_security_context() -> None:
    sync = {"resources": {"limits": {"cpu": 2}}, "securityContexts": {"container": {"runAsUser": 7}}}
    (container,) = webserver({"dags": {"gitSync": sync}})["extraContainers"]
    assert container["resources"] == {"requests": {"cpu": 1}, "limits": {"cpu": 2}}
    assert container["securityContext"] == {"runAsUser": 7}


def test_f8_a_git_sync_of_their_own_stays_as_it_is() -> None:
    mine = {"name": "git-sync", "image": "i"}
    found = webserver({"dags": {"gitSync": {"env": [MINE]}}, "webserver": {"extraContainers": [mine]}})
    assert found["extraContainers"] == [mine]
    assert found["extraInitContainers"][0]["env"][0] == MINE


def test_f8_nothing_is_added_where_nothing_is_set() -> None:
    assert with_platform_entries({"dags": {"gitSync": {"period": "5s"}}}, OWN) == {"dags": {"gitSync": {"period": "5s"}}}
    assert with_platform_entries({"dags": {"gitSync": {"env": [MINE]}}}, {}) == {"dags": {"gitSync": {"env": [MINE]}}}


INSIDE = Repository("platform", "http://gitea.git.svc.cluster.local:3000/gitops/platform.git", embedded=True)
AIRFLOW = AirflowSettings(INSIDE, replace(INSIDE, kind="dags"), default_namespace="airflow-core")
CA = replace(AIRFLOW, dags=Repository("dags", "https://h/d.git", credentials=Credentials(ca="-----BEGIN CERTIFICATE-----")))


@pytest.mark.parametrize(
    ("airflow", "values", "name", "where"),
    [
        (AIRFLOW, {"env": [LOGS]}, "AIRFLOW_CONN_TASK_LOGS", "env"),
        (AIRFLOW, {"scheduler": {"env": [LOGS]}, "workers": {"env": [LOGS]}}, "AIRFLOW_CONN_TASK_LOGS", "scheduler.env, workers.env"),
        (AIRFLOW, {"secret": [{"envName": "AIRFLOW_CONN_TASK_LOGS"}]}, "AIRFLOW_CONN_TASK_LOGS", "secret"),
        (AIRFLOW, {"extraEnv": "- name: AIRFLOW_CONN_TASK_LOGS\n  value: x"}, "AIRFLOW_CONN_TASK_LOGS", "extraEnv"),
        (AIRFLOW, {"createUserJob": {"env": [{"name": "ADMIN_PASSWORD"}]}}, "ADMIN_PASSWORD", "createUserJob.env"),
        (AIRFLOW, {"workers": {"extraVolumes": [{"name": "gitops-airflow"}]}}, "gitops-airflow", "workers.extraVolumes"),
        (CA, {"dags": {"gitSync": {"env": [CAINFO]}}}, "GIT_SSL_CAINFO", "dags.gitSync.env"),
        (CA, {"volumes": [{"name": "git-authority"}]}, "git-authority", "volumes"),
    ],
)
def test_f20_what_the_platform_needs_is_refused(airflow: AirflowSettings, values: dict[str, Any], name: str, where: str) -> None:
    (refusal,) = value_rules.broken(Settings(airflow=airflow), replace(airflow, values=values))
    assert (refusal.code, refusal.value) == ("platform_entry", name)
    assert f"sets {name} in {where}, which the platform needs for " in refusal.message
    assert refusal.next_action.startswith("Give your entry another name")


@pytest.mark.parametrize(
    ("airflow", "values"),
    [
        (replace(AIRFLOW, logs=Logs("none")), {"env": [LOGS], "extraEnv": "- name: AIRFLOW_CONN_TASK_LOGS"}),
        (AIRFLOW, {"env": [{"name": "ADMIN_PASSWORD"}], "dags": {"gitSync": {"env": [CAINFO]}}, "volumes": [{"name": "git-authority"}]}),
        (AIRFLOW, {"extraEnv": "- {name: HOME_OF_MINE, value: /srv/gitops-airflow}"}),
        (AIRFLOW, {"webserver": {"args": ["bash", "-c", "echo $AIRFLOW_CONN_TASK_LOGS"]}}),
        (AIRFLOW, {"scheduler": {"extraVolumeMounts": [{"name": "gitops-airflow", "mountPath": "/x"}]}}),
    ],
)
def test_f20_what_the_platform_does_not_need_is_theirs(airflow: AirflowSettings, values: dict[str, Any]) -> None:
    assert value_rules.broken(Settings(airflow=airflow), replace(airflow, values=values)) == []
