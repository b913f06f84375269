"""Not for Airflow yet: named in .airflowignore."""

raise RuntimeError("this is not a DAG")
