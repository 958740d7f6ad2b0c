/** Every configuration of a plugin that both servers run. */
import { acl } from './acl.ts'
import { caches } from './caches.ts'
import type { PluginConfiguration } from './configuration.ts'
import { doors } from './doors.ts'
import { forwards } from './forwards.ts'
import { hosts } from './hosts.ts'
import { moreZones } from './more-zones.ts'
import { rewrite } from './rewrite.ts'
import { searches } from './searches.ts'
import { small } from './small.ts'
import { template } from './template.ts'
import { translation } from './translation.ts'
import { view } from './view.ts'
import { zones } from './zones.ts'

export const pluginConfigurations: readonly PluginConfiguration[] = [
  ...hosts,
  ...rewrite,
  ...template,
  ...view,
  ...acl,
  ...small,
  ...translation,
  ...zones,
  ...moreZones,
  ...doors,
  ...caches,
  ...forwards,
  ...searches,
]
