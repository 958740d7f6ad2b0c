import type { Service } from './service.ts'

const depth = ({ key }: Service): number => key.split('/').length

/**
 * The services of the group that the shortest key with a group names, and services without a group. All services where
 * keys of that length name different groups, as in CoreDNS.
 */
export function ofGroup(services: readonly Service[]): readonly Service[] {
  if (services.length === 0) return services
  let { group } = services[0]
  let least = depth(services[0])
  /** Depths of the services visited: a shorter key without a group ends the search. */
  const depths: number[] = []
  for (const service of services) {
    const own = depth(service)
    depths.push(own)
    if (own >= least) continue
    if (service.group === '') break
    least = own
    group = service.group
  }
  if (group === '') return services
  const disagree = services.some((service, i) => service.group !== '' && depths[i] === least && service.group !== group)
  return disagree ? services : services.filter((service) => service.group === '' || service.group === group)
}
