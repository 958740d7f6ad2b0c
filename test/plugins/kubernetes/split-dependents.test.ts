/** Which splits are compiled again when a service changes. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createSplitIndex, type NamespacedName } from '../../../src/plugins/kubernetes/publish/split-index.ts'

const key = ({ namespace, name }: NamespacedName): string => `${namespace}/${name}`
const keys = (names: readonly NamespacedName[]): string[] => names.map(key).sort()

const named: fc.Arbitrary<NamespacedName> = fc.record({
  namespace: fc.constantFrom('a', 'b'),
  name: fc.constantFrom('x', 'y', 'z'),
})
const said = fc.record({ service: named, others: fc.array(named, { maxLength: 4 }) })

describe('the dependents of a service', () => {
  it('the services that others answer with are those that were named last, whatever was named before', () => {
    fc.assert(
      fc.property(fc.array(said, { maxLength: 30 }), (all) => {
        const dependents = createSplitIndex()
        const model = new Map<string, { service: NamespacedName; others: readonly NamespacedName[] }>()
        for (const { service, others } of all) {
          dependents.update(service, others)
          model.set(key(service), { service, others })
        }
        const naming = (wanted: (other: NamespacedName) => boolean) =>
          keys([...model.values()].filter(({ others }) => others.some(wanted)).map(({ service }) => service))
        for (const namespace of ['a', 'b']) {
          for (const name of ['x', 'y', 'z']) {
            assert.deepEqual(
              keys(dependents.of({ namespace, name })),
              naming((other) => key(other) === `${namespace}/${name}`),
            )
          }
          assert.deepEqual(
            keys(dependents.ofNamespace(namespace)),
            naming((other) => other.namespace === namespace),
          )
        }
      }),
    )
  })

  it('a service that nobody names has no dependents', () => {
    const dependents = createSplitIndex()
    dependents.update({ namespace: 'a', name: 'x' }, [{ namespace: 'a', name: 'y' }])
    dependents.update({ namespace: 'a', name: 'x' }, [])
    assert.deepEqual(dependents.of({ namespace: 'a', name: 'y' }), [])
    assert.deepEqual(dependents.ofNamespace('a'), [])
  })
})
