{{- with .Values.broken }}
{{- fail . }}
{{- end }}
apiVersion: v1
kind: ConfigMap
metadata:
  name: waits
data:
  word: {{ .Values.word }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: waits
spec:
  selector:
    matchLabels: {app: waits}
  template:
    metadata:
      labels: {app: waits}
      annotations: {word: {{ .Values.word }}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: waits
          image: {{ .Values.image }}
          imagePullPolicy: IfNotPresent
          command: [sleep, infinity]
{{- with .Values.hook }}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: waits-hook
  annotations:
    argocd.argoproj.io/hook: PreSync
    argocd.argoproj.io/hook-delete-policy: BeforeHookCreation
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: hook
          image: {{ $.Values.image }}
          imagePullPolicy: IfNotPresent
          command: [sh, -c, {{ . | quote }}]
{{- end }}
