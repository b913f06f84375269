# The store comes last: it is filled by the node itself.
FROM gitops-airflow-lab/node
ADD store.tar /
