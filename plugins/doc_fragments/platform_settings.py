# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person sets for a platform and for Airflow."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  platform:
    description: Settings that all roles share.
    type: dict
    required: true
    suboptions:
      name:
        description: Name of the platform, a text of 1 to 63 lower-case letters, digits and hyphens.
        type: raw
        required: true
      prefix:
        description: What the names of namespaces, Application and folder begin with. Defaults to O(platform.name).
        type: raw
      provider:
        description: V(existing) for a cluster that exists, whose kubeconfig must be a file. V(kind) for a local one.
        type: str
        default: existing
      git_server:
        description: V(embedded) for a Git server in the cluster, V(external) for your own.
        type: str
        default: embedded
      airflow_version:
        description: Version of Airflow that is wanted. Empty to compare no versions.
        type: str
        default: ""
      images:
        description: Images by the names of their variables, without C(platform_) and C(_image). Each needs a tag or a digest.
        type: dict
        default: {}
      image_registry:
        description: Registry, with an optional path, from which the images of the platform are pulled. Empty for those of their publishers.
        type: str
        default: ""
      pull_secrets:
        description: Names of Secrets with which all pods of the platform pull their images.
        type: list
        elements: str
        default: []
      pull_secrets_namespace:
        description: Namespace from which these Secrets are copied. Empty if others create them in each namespace.
        type: str
        default: default
      metrics_server:
        description: Whether the platform has a metrics-server. It decides which rights a run needs.
        type: bool
        default: false
      storage_class:
        description: StorageClass of all volume claims of the platform. Empty for the cluster's default.
        type: str
        default: ""
      proxies:
        description: Proxies through which Argo CD's repository server and git-sync reach servers outside the cluster.
        type: dict
        default: {}
        suboptions:
          http:
            description: Proxy for URLs that begin with C(http).
            type: str
            default: ""
          https:
            description: Proxy for URLs that begin with C(https).
            type: str
            default: ""
          no_proxy:
            description: Names, addresses and networks that are reached without a proxy, with commas between them.
            type: str
            default: ""
      argocd:
        description:
          - V(install) for an Argo CD of the platform's own. V(existing) for one of others in O(platform.argocd_namespace), in which the
            platform has only an Application, its repository's Secret and an AppProject.
        type: str
        default: install
      argocd_trust:
        description:
          - V(manage) if the run adds to Argo CD's ConfigMaps what it must trust for the platform repository. V(check) if a run is refused
            until Argo CD trusts it. Empty for V(check) with O(platform.argocd=existing), and V(manage) otherwise.
        type: str
        default: ""
      argocd_namespace:
        description: Namespace of Argo CD and of the Application.
        type: raw
        default: argocd
      git_namespace:
        description: Namespace of the embedded Git server. Defaults to O(platform.prefix) and C(-git), and to C(git) if that is V(airflow).
        type: raw
      core_namespace:
        description:
          - Namespace of Airflow's own pods. Must be one of O(platform.worker_namespaces).
          - Defaults to O(platform.prefix) and C(-core).
        type: raw
      logs_namespace:
        description: Namespace of the store of task logs. Defaults to O(platform.prefix) and C(-logs).
        type: raw
      worker_namespaces:
        description: Namespaces in which worker pods may run. Defaults to O(platform.core_namespace) alone.
        type: list
        elements: dict
        suboptions:
          name:
            description: Name of the namespace.
            type: raw
            required: true
          node_selector:
            description: Node labels that its worker pods need.
            type: dict
          tolerations:
            description: Tolerations of its worker pods, with Kubernetes' field names.
            type: list
            elements: dict
          affinity:
            description: Affinity of its worker pods, with Kubernetes' field names.
            type: dict
          topology_spread:
            description: TopologySpreadConstraints of its worker pods, with Kubernetes' field names.
            type: list
            elements: dict
          priority_class:
            description: PriorityClass of its worker pods.
            type: str
          runtime_class:
            description: RuntimeClass of its worker pods.
            type: str
          resources:
            description: Default C(requests) and C(limits) of the container C(base), as quantities by the names of resources.
            type: dict
          image:
            description: Image of its worker containers that have the platform's image.
            type: str
          pull_secrets:
            description: Names of Secrets in the namespace for pulling images.
            type: list
            elements: str
          quota:
            description: Hard limits of a ResourceQuota in the namespace, as quantities by the names of resources.
            type: dict
          limits:
            description: Items of a LimitRange in the namespace, with Kubernetes' field names.
            type: list
            elements: dict
          network_policy:
            description: Network policy of the namespace, V(default), V(strict) or V(none). Empty for O(platform.network_policy).
            type: str
            default: ""
          pod_security:
            description: Pod Security Standard of the namespace, V(baseline) or V(restricted). Empty for the platform's.
            type: str
            default: ""
          pod_operator:
            description:
              - Whether tasks in the namespace may make pods there, as C(KubernetesPodOperator) does. Needs an admission policy.
            type: bool
            default: false
          require_node:
            description: Whether a cluster is refused if none of its nodes can take a worker pod of the namespace now.
            type: bool
            default: false
      unenforced_namespaces:
        description: Worker namespaces that existed before and may lack a Pod Security Standard. Others without one are refused.
        type: list
        elements: str
        default: []
      network_policy:
        description: V(default), V(strict) or V(none), whom the platform's pods reach by network and who reaches them.
        type: str
        default: default
      network_ranges:
        description: CIDRs of the cluster's nodes, pods and Services. Empty for those that the cluster names.
        type: list
        elements: raw
        default: []
      task_egress:
        description: Egress rules of a NetworkPolicy for pods that run DAG code.
        type: list
        elements: raw
        default: []
      airflow_host_port:
        description: Port of this machine for Airflow. 0 for none.
        type: int
        default: 0
      argocd_host_port:
        description: Port of this machine for Argo CD. 0 for none.
        type: int
        default: 0
      argocd_node_port:
        description: Node port of Argo CD's server. No other Service may have it. 0 for none.
        type: int
        default: 0
  airflow:
    description: Settings of Airflow, of its two repositories and of the store of task logs.
    type: dict
    suboptions:
      name:
        description: Name of the Application. Defaults to O(platform.prefix) and C(-core).
        type: str
      project:
        description: An existing AppProject for the Application, with O(platform.argocd=existing). Empty for one of the platform's own.
        type: str
        default: ""
      kinds:
        description: What an existing AppProject must permit, as dictionaries with C(group) and C(kind).
        type: list
        elements: dict
        default: []
      platform_repo:
        description: URL of the platform repository. Empty for the one of the embedded Git server.
        type: str
        default: ""
      platform_branch:
        description: Branch of the platform repository.
        type: str
        default: main
      platform_path:
        description: Folder of the chart in the platform repository. Defaults to C(platform/PREFIX/core) with O(platform.prefix).
        type: str
      publish:
        description: How the chart comes to the platform repository, as O(gitops.airflow.git_publish#module:method).
        type: str
        choices: [push, branch, render]
        default: push
      publish_branch:
        description: Review branch for O(airflow.publish=branch).
        type: str
        default: ""
      render_folder:
        description: Local folder for O(airflow.publish=render).
        type: str
        default: ""
      take_over:
        description: Owner of that folder, as a refusal names it, from which the platform may take it over.
        type: str
        default: ""
      platform_credentials:
        description: Credentials for the platform repository. The module refuses credentials that do not fit the URL.
        type: dict
        suboptions: &credentials
          username:
            description: User name at the Git server, for HTTP and HTTPS.
            type: str
          password:
            description: Password or token of that user.
            type: str
          ssh_key:
            description: Private key for SSH, without a passphrase, as a text or as a file on the host that runs the module.
            type: str
          known_hosts:
            description: Host keys of the SSH server, as a text or as a file.
            type: str
          ca:
            description: Certificate authority of the HTTPS server, as a text or as a file.
            type: str
      chart_repository:
        description:
          - URL of the chart repository from which Argo CD fetches the official chart. If empty, the module does not check it.
          - The module reads it in the same way as Argo CD, without a proxy and with public certificate authorities only.
        type: str
        default: ""
      chart_version:
        description: Version of the official chart. Empty to compare no versions.
        type: str
        default: ""
      python_requirements:
        description: Path of the requirements file from which an image is built. Only its combination with other options is checked.
        type: str
        default: ""
      local_images:
        description: Images that are loaded into the nodes of a kind cluster. The module warns of chart values with which nodes pull them.
        type: list
        elements: str
        default: []
      chart_archive:
        description: The official chart as a file on the host that runs the module. Then the module does not check the chart repository.
        type: str
        default: ""
      dags_repo:
        description: URL of the DAG repository. Empty for the one of the embedded Git server.
        type: str
        default: ""
      dags_branch:
        description: Branch of the DAG repository.
        type: str
        default: main
      dags_subpath:
        description: Folder of the DAG files in the DAG repository.
        type: str
        default: dags
      dags_credentials:
        description: Credentials for the DAG repository. The module refuses credentials that do not fit the URL.
        type: dict
        suboptions: *credentials
      dags_check:
        description: Whether the DAG repository is read. V(false) if only the cluster reaches it.
        type: bool
        default: true
      logs:
        description: Where task logs go, to a store in the cluster, to a bucket of your own, or nowhere.
        type: str
        default: embedded
        choices: [embedded, s3, none]
      logs_endpoint:
        description: URL of your own S3 server. Empty for AWS.
        type: str
        default: ""
      logs_region:
        description: Region of the bucket.
        type: str
        default: us-east-1
      logs_bucket:
        description: Your own bucket, or bucket/folder.
        type: str
        default: ""
      logs_secret:
        description: Name of the Secret in O(platform.core_namespace) with the keys of the bucket.
        type: str
        default: ""
      task_logs_state:
        description: Whether the embedded store of task logs is to exist.
        type: str
        default: present
        choices: [present, absent]
      default_namespace:
        description: Namespace of tasks that name none. Empty for O(platform.core_namespace).
        type: str
        default: ""
      core_tasks:
        description: Whether tasks may run in O(platform.core_namespace).
        type: bool
        default: true
      dag_processor:
        description: Whether a separate DAG processor parses DAG files, and not the scheduler.
        type: bool
        default: false
      core_placement:
        description: Where Airflow's own pods and its database run.
        type: dict
        default: {}
        suboptions:
          node_selector:
            description: Node labels that these pods need.
            type: dict
          tolerations:
            description: Their tolerations, with Kubernetes' field names.
            type: list
            elements: dict
          affinity:
            description: Their affinity, with Kubernetes' field names.
            type: dict
          topology_spread:
            description: Their TopologySpreadConstraints, with Kubernetes' field names.
            type: list
            elements: dict
          priority_class:
            description: Their PriorityClass.
            type: str
      task_secrets:
        description: Secrets of O(platform.core_namespace) that tasks there may refer to.
        type: list
        elements: str
        default: []
      task_claims:
        description: Volume claims of O(platform.core_namespace) that tasks there may refer to.
        type: list
        elements: str
        default: []
      admission_policy:
        description:
          - Whether the cluster policy's rules for pods are an admission policy as well.
          - With V(auto) they are, if the API server serves ValidatingAdmissionPolicy and you may make one. V(require) refuses the cluster
            otherwise. With V(none) there is none.
        type: str
        choices: [auto, require, none]
        default: auto
      webserver_node_port:
        description: Node port of Airflow's web server. No other Service may have it. 0 for none.
        type: int
        default: 0
      task_config_maps:
        description: Names of ConfigMaps in the core namespace that tasks there may use.
        type: list
        elements: str
        default: []
      task_token_audiences:
        description: Audiences for which tasks may have a token of the workers' service account.
        type: list
        elements: str
        default: []
      worker_secrets:
        description: Secrets of O(platform.core_namespace) that each run copies to the other worker namespaces.
        type: list
        elements: str
        default: []
      worker_config_maps:
        description: ConfigMaps of O(platform.core_namespace) that each run copies to the other worker namespaces.
        type: list
        elements: str
        default: []
      values:
        description: Your own values of the official chart, as a dictionary. They are not shown.
        type: raw
        default: {}
"""
