{{/* Names and labels. What CoreDNS's chart calls by its own name in values that are templates has that name, too. */}}
{{- define "slicedns.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- define "coredns.name" -}}{{- include "slicedns.name" . -}}{{- end -}}

{{- define "slicedns.fullname" -}}
{{- $name := include "slicedns.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- .Values.fullnameOverride | default $full | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- define "coredns.fullname" -}}{{- include "slicedns.fullname" . -}}{{- end -}}

{{- define "slicedns.k8sapplabel" -}}
{{- .Values.k8sAppLabelOverride | default (include "slicedns.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- define "coredns.k8sapplabel" -}}{{- include "slicedns.k8sapplabel" . -}}{{- end -}}

{{- define "slicedns.deploymentName" -}}
{{- .Values.deployment.name | default (include "slicedns.fullname" .) -}}
{{- end -}}

{{- define "slicedns.serviceName" -}}
{{- (.Values.service).name | default (include "slicedns.fullname" .) -}}
{{- end -}}

{{- define "slicedns.configMapName" -}}
{{- .Values.deployment.configMap | default (include "slicedns.fullname" .) -}}
{{- end -}}

{{- define "slicedns.clusterRoleName" -}}
{{- (.Values.clusterRole).nameOverride | default (include "slicedns.fullname" .) -}}
{{- end -}}

{{- define "slicedns.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "slicedns.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{/* The labels by which a Deployment, a Service or a budget selects; `suffix` tells the autoscaler's pods from the server's. */}}
{{- define "slicedns.selector" -}}
{{- $suffix := .suffix | default "" -}}
app.kubernetes.io/name: {{ include "slicedns.name" .root }}{{ $suffix }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
{{- if .root.Values.isClusterService }}
k8s-app: {{ include "slicedns.k8sapplabel" .root }}{{ $suffix }}
{{- end }}
{{- end -}}

{{/* The maps of a list as one, in YAML: later ones win, and a value that was set to null is no map. */}}
{{- define "slicedns.merged" -}}
{{- $all := dict -}}
{{- range . -}}{{- with . -}}{{- $all = mergeOverwrite $all . -}}{{- end -}}{{- end -}}
{{- toYaml $all -}}
{{- end -}}

{{/* `metadata` of an object: root, name, and if need be suffix, namespace (none: cluster-wide), labels and annotations. */}}
{{- define "slicedns.metadata" -}}
{{- $own := include "slicedns.selector" . | fromYaml -}}
{{- $_ := set $own "app.kubernetes.io/managed-by" .root.Release.Service -}}
{{- $_ := set $own "app.kubernetes.io/version" (.root.Chart.AppVersion | toString) -}}
{{- $_ := set $own "helm.sh/chart" (printf "%s-%s" .root.Chart.Name (.root.Chart.Version | replace "+" "_")) -}}
{{- if .root.Values.isClusterService -}}
{{- $_ := set $own "kubernetes.io/cluster-service" "true" -}}
{{- $_ := set $own "kubernetes.io/name" "slicedns" -}}
{{- end -}}
name: {{ .name }}
{{- with .namespace }}
namespace: {{ . }}
{{- end }}
labels: {{- include "slicedns.merged" (list $own .labels .root.Values.customLabels) | nindent 2 }}
{{- with include "slicedns.merged" (list .root.Values.customAnnotations .annotations) | fromYaml }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
