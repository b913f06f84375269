# containerd's store with all images in it, below everything that changes more often.
FROM gitops-airflow-lab/node-base
ADD store.tar /
