import type { Json } from '../json.ts'
import type { Timeline } from '../timeline.ts'
import { timeText } from './words.ts'

/**
 * The rows as a batch of CloudEvents 1.0: `source` and `id` together name an entry for ever, so that whoever takes them in
 * twice can tell. Source: CloudEvents specification 1.0.2, "Required attributes" and "JSON batch format".
 */
export function timelineCloudEvents({ incident, rows }: Timeline): Json {
  const source = `/v1/incidents/${incident?.incidentId ?? 'unknown'}`
  return rows.map(({ address, atMs, kind, stream, ...data }) => ({
    specversion: '1.0',
    id: address,
    source,
    type: `firebreak.${kind}`,
    subject: stream,
    time: timeText(atMs),
    datacontenttype: 'application/json',
    data,
  })) as unknown as Json
}
