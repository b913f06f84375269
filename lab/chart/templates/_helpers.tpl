{{/* Names and helpers that charts around this one include, named as in the official chart. */}}
{{- define "airflow.fullname" -}}
{{ and .Values.useStandardNaming .Values.fullnameOverride | default .Release.Name }}
{{- end }}
{{- define "scheduler.serviceAccountName" -}}{{ .Values.scheduler.serviceAccount.name | default (printf "%s-scheduler" (include "airflow.fullname" .)) }}{{- end }}
{{- define "triggerer.serviceAccountName" -}}{{ .Values.triggerer.serviceAccount.name | default (printf "%s-triggerer" (include "airflow.fullname" .)) }}{{- end }}
{{- define "webserver.serviceAccountName" -}}{{ .Values.webserver.serviceAccount.name | default (printf "%s-webserver" (include "airflow.fullname" .)) }}{{- end }}
{{- define "dagProcessor.serviceAccountName" -}}{{ .Values.dagProcessor.serviceAccount.name | default (printf "%s-dag-processor" (include "airflow.fullname" .)) }}{{- end }}
{{- define "worker.serviceAccountName" -}}{{ include "airflow.fullname" . }}-worker{{- end }}
{{- define "airflow_config" -}}{{ include "airflow.fullname" . }}-config{{- end }}
{{- define "airflow_dags" -}}/opt/airflow/dags/repo/{{ .Values.dags.gitSync.subPath }}{{- end }}
{{- define "git_sync_image" -}}{{ .Values.images.gitSync.repository }}:{{ .Values.images.gitSync.tag }}{{- end }}
{{- define "airflow_image" -}}{{ .Values.defaultAirflowRepository }}:{{ .Values.defaultAirflowTag }}{{- end }}

{{/* From here on only this chart's own. */}}

{{/* (root, component) */}}
{{- define "double.labels" -}}
tier: airflow
component: {{ index . 1 }}
release: {{ (index . 0).Release.Name }}
{{- end }}

{{- define "double.chartLabels" -}}
chart: {{ .Chart.Name }}-{{ .Chart.Version }}
heritage: {{ .Release.Service }}
{{- end }}

{{- define "double.containerSecurity" -}}
{{ toYaml (.Values.securityContexts.containers | default (dict "allowPrivilegeEscalation" false "capabilities" (dict "drop" (list "ALL")))) }}
{{- end }}

{{/* (root, component's values): its own containers' settings, or those of all */}}
{{- define "double.ownSecurity" -}}
{{- with (index . 1).securityContexts.container }}
{{- toYaml . }}
{{- else }}
{{- include "double.containerSecurity" (index . 0) }}
{{- end }}
{{- end }}

{{/* (root, component's values): where its pods run, or where all do */}}
{{- define "double.placement" -}}
{{- $all := (index . 0).Values }}
{{- $own := index . 1 }}
{{- with $all.registry.secretName }}
imagePullSecrets:
  - name: {{ . }}
{{- end }}
securityContext: {{- toYaml $all.securityContexts.pod | nindent 2 }}
nodeSelector: {{- toYaml ($own.nodeSelector | default $all.nodeSelector) | nindent 2 }}
affinity: {{- toYaml ($own.affinity | default $all.affinity) | nindent 2 }}
tolerations: {{- toYaml ($own.tolerations | default $all.tolerations) | nindent 2 }}
{{- with $own.topologySpreadConstraints }}
topologySpreadConstraints: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{/* A variable from a key of a Secret: (name, secret, key) */}}
{{- define "double.secretVariable" -}}
- name: {{ index . 0 }}
  valueFrom:
    secretKeyRef:
      name: {{ index . 1 }}
      key: {{ index . 2 }}
{{- end }}

{{- define "double.environment" -}}
- name: AIRFLOW_HOME
  value: /opt/airflow
{{ include "double.secretVariable" (list "AIRFLOW__CORE__FERNET_KEY" .Values.fernetKeySecretName "fernet-key") }}
{{- if .Values.enableBuiltInSecretEnvVars.AIRFLOW__WEBSERVER__SECRET_KEY }}
{{ include "double.secretVariable" (list "AIRFLOW__WEBSERVER__SECRET_KEY" .Values.webserverSecretKeySecretName "webserver-secret-key") }}
{{- end }}
{{- range list "AIRFLOW__CORE__SQL_ALCHEMY_CONN" "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN" "AIRFLOW_CONN_AIRFLOW_DB" }}
{{ include "double.secretVariable" (list . $.Values.data.metadataSecretName "connection") }}
{{- end }}
{{- end }}

{{/* Everyone's own variables reach worker pods by name too. */}}
{{- define "double.customEnvironment" -}}
{{- range .Values.env }}
- name: {{ .name }}
  value: {{ .value | quote }}
- name: AIRFLOW__KUBERNETES_ENVIRONMENT_VARIABLES__{{ .name }}
  value: {{ .value | quote }}
{{- end }}
{{- end }}

{{- define "double.configMounts" -}}
- name: config
  mountPath: /opt/airflow/airflow.cfg
  subPath: airflow.cfg
  readOnly: true
- name: config
  mountPath: /opt/airflow/config/airflow_local_settings.py
  subPath: airflow_local_settings.py
  readOnly: true
{{- with .Values.volumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* (root, whether it is the init container) */}}
{{- define "double.gitSync" -}}
{{- $root := index . 0 }}
{{- $once := index . 1 }}
{{- $git := $root.Values.dags.gitSync }}
- name: git-sync{{ if $once }}-init{{ end }}
  image: {{ include "git_sync_image" $root }}
  imagePullPolicy: IfNotPresent
  securityContext: {{- toYaml $git.securityContexts.container | nindent 4 }}
  resources: {{- toYaml $git.resources | nindent 4 }}
  env:
    {{- range $name, $value := dict "REPO" $git.repo "REF" $git.ref "DEPTH" $git.depth "ROOT" "/git" "LINK" "repo" "ADD_USER" "true" "PERIOD" $git.period "MAX_FAILURES" $git.maxFailures }}
    - name: GITSYNC_{{ $name }}
      value: {{ $value | quote }}
    {{- end }}
    {{- if $once }}
    - name: GITSYNC_ONE_TIME
      value: "true"
    {{- end }}
    {{- if $git.sshKeySecret }}
    - name: GITSYNC_SSH_KEY_FILE
      value: /etc/git-secret/ssh
    - name: GITSYNC_SSH_KNOWN_HOSTS
      value: {{ empty $git.knownHosts | ternary "false" "true" | quote }}
    {{- if $git.knownHosts }}
    - name: GITSYNC_SSH_KNOWN_HOSTS_FILE
      value: /etc/git-secret/known_hosts
    {{- end }}
    {{- else if $git.credentialsSecret }}
    {{- range list "GITSYNC_USERNAME" "GITSYNC_PASSWORD" }}
    {{- include "double.secretVariable" (list . $git.credentialsSecret .) | nindent 4 }}
    {{- end }}
    {{- end }}
    {{- with $git.env }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  volumeMounts:
    - name: dags
      mountPath: /git
    {{- if $git.sshKeySecret }}
    - name: git-sync-ssh-key
      mountPath: /etc/git-secret/ssh
      subPath: gitSshKey
      readOnly: true
    {{- if $git.knownHosts }}
    - name: config
      mountPath: /etc/git-secret/known_hosts
      subPath: known_hosts
      readOnly: true
    {{- end }}
    {{- end }}
    {{- with $git.extraVolumeMounts }}
    {{- tpl (toYaml .) $root | nindent 4 }}
    {{- end }}
{{- end }}

{{/* (root, the component's own, whether it has the DAGs) */}}
{{- define "double.volumes" -}}
{{- $root := index . 0 }}
- name: config
  configMap:
    name: {{ include "airflow_config" $root }}
- name: logs
  emptyDir: {}
{{- if index . 2 }}
- name: dags
  emptyDir: {}
{{- end }}
{{- if and (index . 2) $root.Values.dags.gitSync.sshKeySecret }}
- name: git-sync-ssh-key
  secret:
    secretName: {{ $root.Values.dags.gitSync.sshKeySecret }}
    defaultMode: 288
{{- end }}
{{- with $root.Values.volumes }}
{{ toYaml . }}
{{- end }}
{{- with index . 1 }}
{{ tpl (toYaml .) $root }}
{{- end }}
{{- end }}

{{/* A probe that runs a command; (settings, job type for "airflow jobs check") */}}
{{- define "double.execProbe" -}}
{{- $settings := index . 0 }}
exec:
  command:
    {{- if $settings.command }}
    {{- toYaml $settings.command | nindent 4 }}
    {{- else }}
    - sh
    - -c
    - CONNECTION_CHECK_MAX_COUNT=0 AIRFLOW__LOGGING__LOGGING_LEVEL=ERROR exec /entrypoint airflow jobs check --job-type {{ index . 1 }} --local
    {{- end }}
{{ toYaml (omit $settings "command") }}
{{- end }}

{{- define "double.httpProbe" -}}
httpGet:
  path: /health
  port: 8080
{{ toYaml . }}
{{- end }}
