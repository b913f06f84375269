"""An Airflow DAG that uses the network of the node, with its credentials in a cloud."""

from __future__ import annotations

from attack_pods import attack

dag = attack("attack_host_network", host_network=True)
