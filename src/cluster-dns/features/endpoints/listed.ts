/** Which services list their endpoints at `_endpoints` below them. */
import type { Service } from '../../../k8s/model/types.ts'
import type { ClusterContext } from '../../context.ts'
import { endpointsAnnotation } from './parse.ts'

export const listsEndpoints = ({ annotations }: ClusterContext, service: Service): boolean =>
  annotations.service(service).get(endpointsAnnotation) === true && service.type !== 'ExternalName'
