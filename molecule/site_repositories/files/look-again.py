# GPL-3.0-or-later
"""usage: look-again.py KUBECONFIG CONTEXT

Asks Argo CD for a minute to look at the platform repository anew, every five seconds, as a webhook of the Git server would. Otherwise
Argo CD may not see a later push before the wait for the earlier one has ended.
"""

import sys
import time

from kubernetes import client, config

api = client.CustomObjectsApi(config.new_client_from_config(*sys.argv[1:]))
refresh = {"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}}
for _ in range(12):
    time.sleep(5)
    api.patch_namespaced_custom_object("argoproj.io", "v1alpha1", "argocd", "applications", "airflow-core", refresh)
