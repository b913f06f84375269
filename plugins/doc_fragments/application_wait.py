# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When an Argo CD Application is done, for every module that waits for one."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  revision:
    description:
      - The revision that the Applications must show. A string applies to all of them. A dictionary gives a revision for each Application,
        by name. For an Application with several sources, its value can be a list with one revision for each source (V('') for any).
      - A commit is given in full or by its first 7 or more hexadecimal digits. For a Helm chart repository it is the chart's version, for
        an OCI source what C(status.sync.revision) shows, as a rule a digest.
      - A branch or a tag is refused, because it may move during the wait.
      - After a push, also give O(refresh=normal). By itself Argo CD reads Git only every few minutes.
    type: raw
  refresh:
    description:
      - Whether to request a new comparison with Git before the wait begins. V(hard) also drops Argo CD's cached manifests.
      - The module ignores the state until the controller has made this comparison.
      - If a comparison fails for a reason that may pass, such as a repository server that restarts, or if another revision is shown
        after O(revision) was, the module requests it again every 10 seconds until the wait fails for that. Argo CD itself makes the
        next one only after minutes. If the repository server repeats an earlier failure from its cache, a hard refresh is requested.
    type: str
    choices: [none, normal, hard]
    default: none
  supersede:
    description:
      - Whether to end an operation at another revision than O(revision), as C(argocd app terminate-op) does, if O(revision) is shown
        already. It is ended if it has failed and is retried, or if it waits for something that cannot run. A hook that works, such as a
        migration of a database, is not interrupted.
      - Otherwise Argo CD continues with the old revision until its last retry, perhaps for minutes, although the corrected one is pushed.
      - An automated sync to O(revision) that failed for a reason that may pass, such as an AppProject that the restarted controller did
        not know yet, is requested again after 10 seconds. Argo CD itself syncs to no revision twice.
    type: bool
    default: false
  health:
    description:
      - The health statuses that count as done. V(any) stands for every status.
      - An Application fails for being Degraded, for a container that cannot start and for a failed Job only if none of V(Degraded),
        V(Missing), V(Progressing), V(Unknown) and V(any) counts.
    type: list
    elements: str
    choices: [Healthy, Suspended, Progressing, Degraded, Missing, Unknown, any]
    default: [Healthy]
  sync:
    description: The sync status that counts as done. V(any) stands for every status.
    type: str
    choices: [Synced, OutOfSync, any]
    default: Synced
  operation:
    description:
      - How the last operation must have ended. An Application without an operation counts as well.
      - With V(Completed) a failed operation counts, too. With V(any) an operation may even run or be requested.
    type: str
    choices: [Succeeded, Completed, any]
    default: Succeeded
  timeout:
    description: Seconds for all Applications together.
    type: float
    default: 600
  degraded_grace:
    description:
      - Seconds after which the wait fails if an Application is Degraded, if one of its pods cannot run, if it has an error condition that
        may pass. The time does not count while Argo CD compares again.
    type: float
    default: 60
  overtaken_grace:
    description:
      - Seconds after which the wait fails if an Application shows another revision after O(revision). The default is O(degraded_grace).
      - Argo CD does not say which of two commits is newer. A mirror of the repository that lags may show an older one for a moment. Set a
        shorter time if your playbook then reads the branch itself.
    type: float
  settled:
    description:
      - Whether the wait ends only after each container without a readiness probe and without a startup probe has run for 15 seconds.
        Kubernetes calls such a container ready as soon as it runs, and Argo CD then calls the Application healthy.
      - Set it to V(false) if a later task waits for the Application again.
      - A container that has crashed must always have run for O(degraded_grace).
    type: bool
    default: true
  stable_for:
    description: Seconds for which all conditions must stay true before the wait ends.
    type: float
    default: 0
"""
