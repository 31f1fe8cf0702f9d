import type { ChainRecord } from '../../lib/ledger/chain.ts'
import { applied, at, EXECUTION, header, intended, opened, page, w1 } from './parts.ts'
import { stream } from './streams.ts'

const PAGING = `${EXECUTION}.page-7k2m`
const toEve = { ...page, summary: 'page eve of sre by sns' }

/** A page that the person on call does not answer; whoever is paged next does. */
export function unanswered(): readonly ChainRecord[] {
  return [
    ...stream(
      'incident',
      [at(0.7), opened],
      [at(400), { kind: 'incident.acknowledged', actor: { is: 'person', name: 'eve', via: 'slack' } }],
    ),
    ...stream(
      EXECUTION,
      [at(1), { kind: 'execution.started', actor: w1, ...header }, intended('page', page, 1)],
      [
        at(2),
        applied('page', { message: true }),
        {
          kind: 'execution.finished',
          actor: w1,
          outcome: 'succeeded',
          reason: '1 of 1 steps applied a change',
        },
      ],
    ),
    ...stream(
      PAGING,
      [
        at(1),
        {
          kind: 'paging.started',
          actor: w1,
          ...header,
          origin: { stream: EXECUTION, step: 'page' },
          team: 'sre',
          levels: [
            { page: 'primary', forMs: 300_000 },
            { page: 'eve', forMs: 600_000 },
          ],
          repeat: 2,
          fallback: true,
          startedAtMs: at(1),
          reason: 'the error rate is 7.75 %',
        },
      ],
      [
        at(11),
        {
          kind: 'step.skipped',
          actor: w1,
          step: 'level-1',
          code: 'already',
          reason: `paged by page of ${EXECUTION}`,
        },
      ],
      [at(301), intended('level-2', toEve, 301)],
      [at(302), applied('level-2', { message: true })],
      [
        at(401),
        {
          kind: 'execution.finished',
          actor: w1,
          outcome: 'succeeded',
          reason: 'acknowledged by eve',
        },
      ],
    ),
  ]
}
