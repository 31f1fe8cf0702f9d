import type { Delivery } from './delivery.ts'
import { signalOf } from './outcome.ts'
import { arnOf } from './regions.ts'
import { cleanName } from './read.ts'
import type { Parsed } from './signal.ts'
import { stateTimeOf } from './time.ts'

/** What a notification's subject has to say to be about trouble, and what it says when the trouble is over. */
const TROUBLE =
  /\b(fail(s|ed|ing|ure)?|outage|degraded|severe|critical|unhealthy|unavailable|alarm|firing|breach(ed)?|is down)\b/i
const OVER =
  /\b(to (ok|info|no data)|no longer|recovered|resolved|succe(ss|ssful|ssfully|eded)|completed|restored|ended)\b/i

/**
 * A notification in words, as Elastic Beanstalk writes them, whose subject plainly tells of trouble. It only occurs: words
 * do not say which problem has ended. The subject alone is read, since a text may mention anything.
 */
export function fromWords(text: string, delivery: Delivery): readonly Parsed[] | undefined {
  const { subject, topicArn } = delivery
  const topic = arnOf(topicArn)
  const name = cleanName(subject)
  if (topic === undefined || name === undefined || !TROUBLE.test(name) || OVER.test(name)) return undefined
  const stateAtMs = stateTimeOf(delivery)
  if (stateAtMs === undefined) return undefined
  const { account, region, resource } = topic
  return [
    signalOf({
      source: 'sns',
      via: 'sns',
      key: [account, region, resource, name],
      name,
      account,
      region,
      state: 'occurred',
      stateAtMs,
      reason: text,
      event: { source: 'sns', 'detail-type': 'notification', detail: { subject: name } },
    }),
  ]
}
