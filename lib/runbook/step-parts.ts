import * as z from 'zod'
import { duration, issue, name, onTimeout } from './fields.ts'
import { MAX_ATTEMPTS, MAX_QUORUM, MAX_SAMPLES, MIN_SAMPLE_EVERY_MS } from './limits.ts'
import type { Approve, CheckStep } from './runbook.ts'

export const approveForm = z
  .strictObject({
    by: name.describe('The team of oncall.yaml that is asked.'),
    timeout: duration({ minMs: 10_000 })
      .prefault('15m')
      .describe('How long the question stands. Default 15m.'),
    on_timeout: onTimeout
      .prefault('escalate')
      .describe(
        'What silence means: skip the step, stop the execution, or escalate to a person. Never that the change is applied. Default escalate.',
      ),
    quorum: z
      .int()
      .min(1)
      .max(MAX_QUORUM)
      .prefault(1)
      .describe('So many different people must approve; one who denies decides. Default 1.'),
    not_self: z
      .boolean()
      .prefault(false)
      .describe('Whoever started the execution by hand may deny it, and not approve it. Default false.'),
  })
  .transform(({ by, timeout, on_timeout, quorum, not_self }): Approve => ({
    by,
    timeoutMs: timeout,
    onTimeout: on_timeout,
    ...(quorum === 1 ? {} : { quorum }),
    ...(not_self ? { notSelf: true } : {}),
  }))

export const retryForm = z
  .strictObject({
    attempts: z
      .int()
      .min(1)
      .max(MAX_ATTEMPTS)
      .prefault(3)
      .describe('Attempts in all, the first included. Default 3.'),
    backoff: duration({ maxMs: 3_600_000 })
      .prefault('5s')
      .describe('The longest wait before the second attempt; doubles with each further one. Default 5s.'),
    max_backoff: duration({ maxMs: 3_600_000 })
      .prefault('60s')
      .describe('No wait is longer than this. Default 60s.'),
  })
  .transform(({ attempts, backoff, max_backoff }) => ({
    attempts,
    backoffMs: backoff,
    maxBackoffMs: max_backoff,
  }))

const COMPARISONS = ['below', 'at_most', 'above', 'at_least'] as const
const threshold = (words: string) =>
  z.exactOptional(z.number()).describe(`The metric must be ${words} this number to be good.`)

export const checkForm = z
  .strictObject({
    alarm: z
      .exactOptional(z.literal('ok'))
      .describe('The state that the alarm which started this must have: ok.'),
    metric: z
      .exactOptional(name)
      .describe(
        "A name under the service's metrics in services.yaml; with one of below, at_most, above, at_least.",
      ),
    below: threshold('less than'),
    at_most: threshold('less than or equal to'),
    above: threshold('greater than'),
    at_least: threshold('greater than or equal to'),
    samples: z
      .int()
      .min(1)
      .max(MAX_SAMPLES)
      .prefault(3)
      .describe('Good samples in a row that make it pass. Default 3.'),
    every: duration({ minMs: MIN_SAMPLE_EVERY_MS, maxMs: 3_600_000 })
      .prefault('30s')
      .describe('The time between two samples. Default 30s.'),
    within: duration({ minMs: MIN_SAMPLE_EVERY_MS })
      .prefault('10m')
      .describe('When it has not passed after this long it has failed. Default 10m.'),
  })
  .meta({
    oneOf: [
      { required: ['alarm'] },
      ...COMPARISONS.map((comparison) => ({ required: ['metric', comparison] })),
    ],
  })
  .transform((form, context): Pick<CheckStep, 'probe' | 'samples' | 'everyMs' | 'withinMs'> => {
    const given = COMPARISONS.filter((comparison) => form[comparison] !== undefined)
    const wrong = (message: string, path: string[] = []): void =>
      context.addIssue(issue('WRONG_VALUE', message, { path, onKey: true }))
    if ((form.samples - 1) * form.every > form.within) {
      context.addIssue(
        issue('OUT_OF_RANGE', 'too short for that many samples at that interval: it could never pass', {
          path: ['within'],
        }),
      )
    }
    const rest = { samples: form.samples, everyMs: form.every, withinMs: form.within }
    if (form.alarm !== undefined) {
      for (const extra of form.metric === undefined ? given : ['metric'])
        wrong(`a check is about the alarm or about a metric: "alarm" and "${extra}" cannot stand together`, [
          extra,
        ])
      return { probe: { is: 'alarm' as const, state: form.alarm }, ...rest }
    }
    const [comparison, second] = given
    if (form.metric === undefined) {
      wrong('a check says "alarm: ok", or "metric: <name>" with one of below, at_most, above, at_least')
      return z.NEVER
    }
    if (second !== undefined) wrong(`only one of ${COMPARISONS.join(', ')} can be given`, [second])
    const than = comparison === undefined ? undefined : form[comparison]
    if (comparison === undefined || than === undefined) {
      wrong(`with a metric, one of ${COMPARISONS.join(', ')} must be given`)
      return z.NEVER
    }
    return { probe: { is: 'metric' as const, metric: form.metric, comparison, than }, ...rest }
  })

export const waitForm = duration({ minMs: 1_000 })
