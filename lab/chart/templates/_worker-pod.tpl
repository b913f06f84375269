{{- define "double.workerPod" -}}
apiVersion: v1
kind: Pod
metadata:
  name: placeholder-name
  labels: {{- include "double.labels" (list . "worker") | nindent 4 }}
  annotations:
    cluster-autoscaler.kubernetes.io/safe-to-evict: "false"
    {{- with .Values.airflowPodAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- include "double.placement" (list . .Values.workers) | nindent 2 }}
  restartPolicy: Never
  serviceAccountName: {{ include "worker.serviceAccountName" . }}
  terminationGracePeriodSeconds: {{ .Values.workers.terminationGracePeriodSeconds }}
  initContainers: {{- include "double.gitSync" (list . true) | nindent 4 }}
  containers:
    - name: base
      image: {{ include "airflow_image" . }}
      imagePullPolicy: IfNotPresent
      securityContext: {{- include "double.containerSecurity" . | nindent 8 }}
      resources: {{- toYaml .Values.workers.resources | nindent 8 }}
      env:
        # Inside its pod a task runs like any local one.
        - name: AIRFLOW__CORE__EXECUTOR
          value: LocalExecutor
        {{- include "double.environment" . | nindent 8 }}
        {{- include "double.customEnvironment" . | indent 8 }}
        {{- with .Values.workers.env }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      volumeMounts:
        {{- include "double.configMounts" . | nindent 8 }}
        - name: logs
          mountPath: /opt/airflow/logs
        - name: dags
          mountPath: /opt/airflow/dags
          readOnly: true
  volumes: {{- include "double.volumes" (list . .Values.workers.extraVolumes true) | nindent 4 }}
{{- end }}
