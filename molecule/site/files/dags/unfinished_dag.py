"""Not for Airflow yet: named in .airflowignore."""

raise RuntimeError("this is no DAG")
