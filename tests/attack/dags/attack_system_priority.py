"""An Airflow DAG that evicts pods of the platform where the node is full."""

from __future__ import annotations

from attack_pods import attack

dag = attack("attack_system_priority", priority_class_name="system-cluster-critical")
