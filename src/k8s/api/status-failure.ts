/** Converts Status objects of the API server to failures. */

import type { ApiStatus } from '../decode/wire.ts'
import { ApiFailure, type FailureReason } from './failure.ts'

/** `retryAfter`: from the response's header, in milliseconds. */
export function statusFailure(status: ApiStatus, name: string, retryAfter: number | undefined): ApiFailure {
  const said = [status.code || '', status.reason, status.message].filter((part) => part !== '').join(' ')
  const asked = status.retryAfterSeconds > 0 ? status.retryAfterSeconds * 1000 : undefined
  return new ApiFailure(reasonOf(status), `${name}: ${said || 'an error without a reason'}`, retryAfter ?? asked)
}

function reasonOf({ code, reason, message, causes }: ApiStatus): FailureReason {
  // The server's watch cache lags behind the requested version; older servers say so in the message only.
  if (causes.includes('ResourceVersionTooLarge') || message.startsWith('Too large resource version')) return 'ahead'
  if (code === 410 || reason === 'Expired' || reason === 'Gone') return 'expired'
  switch (code) {
    case 400:
    case 422:
      return 'refused'
    case 401:
      return 'unauthorized'
    case 403:
      return 'forbidden'
    case 404:
      return 'missing'
    case 429:
    case 503:
      return 'throttled'
    default:
      return 'server'
  }
}
