{{/* The Corefile, and what else follows from `servers`. */}}
{{- define "slicedns.corefile" -}}
{{- range $directive, $settings := .Values.extraConfig -}}
{{ $directive }}{{ with ($settings | default dict).parameters }} {{ . }}{{ end }}
{{ end -}}
{{- range $i, $server := .Values.servers -}}
{{- if $i }}

{{ end -}}
{{- range $zone := $server.zones | default (list dict) -}}
{{ $zone.scheme | default "" }}{{ $zone.zone | default "." }}{{ with $server.port }}:{{ . }}{{ end }} {{ end -}}
{
{{- range $server.plugins }}
    {{ .name }}{{ if kindIs "invalid" .parameters | not }}{{ with toString .parameters }} {{ . }}{{ end }}{{ end }}
{{- with .configBlock }} {
{{ . | trim | indent 8 }}
    }
{{- end }}
{{- end }}
}
{{- end }}
{{- end -}}

{{/*
The ports of the server blocks as a list of {port, servicePort, udp, tcp, nodePort, hostPort}, each port once, in the order of the
blocks: a map has none, and pods would roll when it comes out differently. A number of YAML may come as 5.3e+01, hence `int`.
*/}}
{{- define "slicedns.ports" -}}
{{- $ports := dict -}}
{{- $order := list -}}
{{- $oneProtocol := eq .Values.serviceType "LoadBalancer" -}}
{{- range $server := .Values.servers -}}
{{- range $zone := $server.zones | default (list dict) -}}
{{- $scheme := $zone.scheme | default "dns://" -}}
{{- $default := get (dict "dns://" 53 "tls://" 853 "https://" 443 "grpc://" 443) $scheme -}}
{{- if not $default -}}
{{- fail (printf "servers: the scheme %q of zone %q is unknown: use dns://, tls://, https:// or grpc://" $scheme ($zone.zone | default ".")) -}}
{{- end -}}
{{- $port := $server.port | default $default | int -}}
{{- $entry := get $ports (toString $port) | default (dict "port" $port "servicePort" $port "udp" false "tcp" false) -}}
{{- if eq $scheme "dns://" -}}
{{- $_ := set $entry "udp" true -}}
{{- if $zone.use_tcp | default (and (not $oneProtocol) (not (hasKey $zone "use_tcp"))) -}}{{- $_ := set $entry "tcp" true -}}{{- end -}}
{{- else -}}
{{- $_ := set $entry "tcp" true -}}
{{- end -}}
{{- with $server.servicePort -}}{{- $_ := set $entry "servicePort" (int .) -}}{{- end -}}
{{- with $server.nodePort -}}{{- $_ := set $entry "nodePort" (int .) -}}{{- end -}}
{{- with $server.hostPort -}}{{- $_ := set $entry "hostPort" (int .) -}}{{- end -}}
{{- $_ := set $ports (toString $port) $entry -}}
{{- $order = append $order (toString $port) | uniq -}}
{{- end -}}
{{- end -}}
{{- $list := list -}}
{{- range $order -}}{{- $list = append $list (get $ports .) -}}{{- end -}}
{{- toYaml $list -}}
{{- end -}}

{{/* The port of an HTTP plugin of the first block that has it: {root, plugin, default}. Empty: no block has it. */}}
{{- define "slicedns.pluginPort" -}}
{{- $plugin := .plugin -}}
{{- $found := "" -}}
{{- $default := .default -}}
{{- range .root.Values.servers -}}
{{- range .plugins -}}
{{- if and (eq .name $plugin) (not $found) -}}
{{- $address := .parameters | default "" | toString | trim -}}
{{- $found = ternary (splitList ":" $address | last) (toString $default) (contains ":" $address) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $found -}}
{{- end -}}

{{/* What the Corefile asks the API server for, as the rules of a role; empty for nothing. */}}
{{- define "slicedns.rules" -}}
{{- $unseen := or .Values.deployment.skipConfig .Values.extraConfig -}}
{{- $options := "" -}}
{{- $found := false -}}
{{- $slices := $unseen -}}
{{- range .Values.servers -}}
{{- range .plugins -}}
{{- if eq .name "kubernetes" -}}
{{- $found = true -}}
{{- $options = printf "%s\n%s" $options (.configBlock | default "") -}}
{{- $slices = or $slices (regexMatch "(?m)^\\s*noendpoints" (.configBlock | default "") | not) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if or $found $unseen -}}
- apiGroups: [""]
  resources: [namespaces, services{{ if or $unseen (regexMatch "(?m)^\\s*pods\\s+verified" $options) }}, pods{{ end }}]
  verbs: [list, watch]
{{- if $slices }}
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
{{- end }}
{{- if or .Values.rbac.multiclusterEnable (regexMatch "(?m)^\\s*multicluster" $options) }}
- apiGroups: [multicluster.x-k8s.io]
  resources: [serviceimports]
  verbs: [list, watch]
{{- end }}
{{- if regexMatch "(?m)^\\s*events\\s*$" $options }}
- apiGroups: [""]
  resources: [events]
  verbs: [create]
{{- end }}
{{- end -}}
{{- end -}}
