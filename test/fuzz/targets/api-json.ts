/** Watches and lists of the API server in JSON (the first line says which), through reducer and model. */
import { jsonList, jsonWatch } from '../../../src/k8s/decode/json-stream.ts'
import type { Target } from '../engine/target.ts'
import { checkBody } from '../lib/api-events.ts'
import { kubeObjects, statusObject } from '../lib/kube-objects.ts'

const events = kubeObjects.map(
  ([resource, object]) =>
    `watch ${resource}\n${['ADDED', 'MODIFIED', 'DELETED'].map((type) => `${JSON.stringify({ type, object })}\n`).join('')}`,
)
const lists = kubeObjects.map(
  ([resource, object]) =>
    `list ${resource}\n${JSON.stringify({ kind: 'List', apiVersion: 'v1', metadata: { resourceVersion: '17', continue: 'next' }, items: [object, object] })}`,
)
const others = [
  `watch services\n${JSON.stringify({ type: 'ERROR', object: statusObject })}\n`,
  `watch services\n${JSON.stringify({ type: 'BOOKMARK', object: { kind: 'Service', metadata: { resourceVersion: '5', annotations: { 'k8s.io/initial-events-end': 'true' } } } })}\n`,
  'watch serviceimports\n{"type":"ADDED","object":{"kind":"ServiceImport","metadata":{"namespace":"a","name":"b"},"spec":{"type":"ClusterSetIP","ips":["10.0.0.1"],"ports":[{"port":80}]}}}\n',
]

export const target: Target = {
  seeds: [...events, ...lists, ...others].map((text) => Buffer.from(text)),
  words: [
    '"items":[',
    '"metadata":{',
    '"spec":{',
    '{"type":"ADDED","object":',
    '}\n',
    '"__proto__":{"polluted":1},',
    '"constructor":',
    '"toString":1,',
    'null',
    'true',
    '-1',
    '1e999',
    '""',
    '"None"',
    '"10.0.0.1"',
    '"::"',
    '"fd00::1"',
    '"01.2.3.4"',
    '[]',
    '{}',
    '[[[[',
    '"\\u0000"',
    '"\\ud800"',
    '\u2028',
    '"ports":[{"port":',
    '"addresses":[',
    '"conditions":{"ready":',
    '"deletionTimestamp":"x"',
    'watch endpointslices\n',
    'list services\n',
    '\r\n',
    ' ',
  ],
  maxOctets: 6000,
  maxSteps: (octets) => 200_000 + 4_000 * octets,
  check: (input) => checkBody({ watch: jsonWatch, list: jsonList }, input),
}
