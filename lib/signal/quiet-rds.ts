import type { Json } from '../json.ts'
import { informational, type Quiet } from './quiet.ts'
import { listAt, textAt, type Members } from './read.ts'

const HOUSEKEEPING = new Set([
  'backup',
  'backtrack',
  'configuration change',
  'creation',
  'maintenance',
  'notification',
  'restoration',
  'patching',
])

/** Words by which RDS tells of trouble, whatever the event calls itself. */
export const RDS_TROUBLE =
  /fail|error|unable|unavailable|exceed|full|low |run(s|ning)? out|not enough|insufficient|critical|crash|incompatible|inaccessible|corrupt|degraded|cannot|can't|could ?n[o']t|lost|unsupported|terminated/i

/** Categories are broad: "notification" may also say that storage runs out, so the sentence has a say as well. */
export function rdsHousekeeping(_event: Members, detail: Json | undefined): Quiet | undefined {
  const categories =
    listAt(detail, 'EventCategories')?.map((one) => (typeof one === 'string' ? one.toLowerCase() : '?')) ?? []
  if (categories.length === 0 || !categories.every((category) => HOUSEKEEPING.has(category))) return undefined
  const message = textAt(detail, 'Message') ?? ''
  return RDS_TROUBLE.test(message)
    ? undefined
    : informational(`RDS reports housekeeping (${categories.join(', ')}): ${message || 'no message'}`)
}
