import type { ChainRecord } from '../../lib/ledger/chain.ts'
import type { Entry } from '../../lib/ledger/entry.ts'
import { rawStream, stream } from './streams.ts'
import {
  ann,
  applied,
  at,
  bob,
  canary,
  capacity,
  cloudwatch,
  EXECUTION,
  header,
  INCIDENT,
  intended,
  ONSET,
  opened,
  page,
  passed,
  release,
  signal,
  UNDO,
  w1,
  w2,
} from './parts.ts'

/** The story of the design page: the worker dies between a call and its record; a new one goes on. */
export function spike(): readonly ChainRecord[] {
  const ok = signal({
    signalId: 'sig-2',
    state: 'ok',
    stateAtMs: at(170),
    reason: 'Threshold Crossed: no datapoint was greater.',
  })
  return [
    ...stream(
      'incident',
      [at(0.7), opened],
      [at(75), { kind: 'incident.acknowledged', actor: ann, note: 'looking at the canary' }],
      [at(80), { kind: 'incident.noted', actor: ann, note: 'build b7 went out at 02:10' }],
      [
        at(161),
        {
          kind: 'incident.mitigated',
          actor: w2,
          executionId: EXECUTION,
          reason: '3 of 3 samples in a row were good: alarm is OK',
        },
      ],
      [at(171.2), { kind: 'incident.cleared', actor: cloudwatch, clearedAtMs: at(170), signal: ok }],
      [
        at(470.5),
        {
          kind: 'incident.resolved',
          actor: { is: 'engine', worker: 'incident' },
          how: 'cleared',
          reason: 'the alarm has been clear for 300 s',
        },
      ],
    ),
    ...stream(
      EXECUTION,
      [
        at(0.9),
        { kind: 'execution.started', actor: w1, ...header },
        {
          kind: 'step.waiting',
          actor: w1,
          step: 'hold-down',
          waitId: 'hold-down',
          wakeAtMs: at(30),
          reason: 'the alarm must last 30 s',
        },
      ],
      [
        at(30.1),
        { kind: 'step.waited', actor: w1, step: 'hold-down', waitId: 'hold-down' },
        intended('capacity', capacity, 30.1, {
          locks: { 'ecs/prod/api': 4 },
          notes: ['the floor of the autoscaler is raised'],
        }),
      ],
      [
        at(30.6),
        applied('capacity'),
        intended('canary', canary, 30.6, { values: { 'service.canary.weight': 10 } }),
      ],
      [
        at(68),
        {
          kind: 'worker.tookover',
          actor: w2,
          from: 'w-1',
          worker: 'w-2',
          reason: 'attempt 1 of canary has no result and its lease is over',
        },
        applied('canary', { actor: w2, receipt: {}, recovered: 'observed: the change is there' }),
        intended('release', release, 68, { actor: w2, values: { 'deployment.age': 240 } }),
        intended('page', page, 68, { actor: w2 }),
      ],
      [
        at(69),
        applied('release', { actor: w2, receipt: { requestId: 'req-release', operationId: 'd-ROLLBACK1' } }),
        applied('page', {
          actor: w2,
          receipt: { requestId: 'req-page', detail: 'pagerduty accepted it' },
          message: true,
        }),
        { kind: 'step.checking', actor: w2, step: 'check', untilMs: at(669) },
      ],
      [
        at(101),
        { kind: 'step.verified', actor: w2, step: 'canary', verdict: passed('in sync', { weight: 0 }) },
        {
          kind: 'step.verified',
          actor: w2,
          step: 'capacity',
          verdict: passed('running 9 of 9', { running: 9 }),
        },
      ],
      [
        at(161.2),
        {
          kind: 'step.verified',
          actor: w2,
          step: 'release',
          verdict: { verdict: 'inconclusive', reason: 'still in progress; after 60 s' },
        },
        {
          kind: 'execution.escalated',
          actor: w2,
          page: 'page-1',
          to: 'oncall@sre',
          reason: 'release was applied, but it is not verified (inconclusive): still in progress; after 60 s',
          step: 'release',
        },
        {
          kind: 'step.checked',
          actor: w2,
          step: 'check',
          verdict: passed('3 of 3 samples in a row were good: alarm is OK', { state: 'ok' }),
          samples: [passed('alarm is OK'), passed('alarm is OK'), passed('alarm is OK', { state: 'ok' })],
        },
        intended('page-1', page, 161.2, { actor: w2 }),
      ],
      [
        at(161.9),
        applied('page-1', { actor: w2, message: true }),
        {
          kind: 'execution.finished',
          actor: w2,
          outcome: 'failed',
          reason: 'release was applied, but verify inconclusive: still in progress',
        },
      ],
    ),
    ...stream(
      UNDO,
      [
        at(1_070),
        {
          kind: 'undo.started',
          actor: { is: 'engine', worker: 'incident' },
          ...header,
          items: [
            { step: 'canary', action: 'change thing', change: canary },
            {
              step: 'capacity',
              action: 'change thing',
              change: capacity,
              receipt: { requestId: 'req-capacity' },
            },
          ],
          afterMs: 900_000,
          stepPercent: 50,
          everyMs: 60_000,
          reason: 'the alarm has stayed clear',
        },
      ],
      [
        at(1_070.4),
        {
          kind: 'step.skipped',
          actor: w1,
          step: 'canary',
          code: 'foreign',
          reason: 'weight is 25, we set 0',
        },
      ],
      [
        at(1_070.6),
        intended(
          'capacity',
          { ...capacity, before: { desired: 9 }, after: { desired: 7 }, summary: 'desired 9 -> 7' },
          1_070.6,
          { last: false },
        ),
      ],
      [at(1_071), applied('capacity')],
      [
        at(1_131),
        intended(
          'capacity',
          { ...capacity, before: { desired: 7 }, after: { desired: 6 }, summary: 'desired 7 -> 6' },
          1_131,
        ),
      ],
      [
        at(1_131.5),
        applied('capacity'),
        {
          kind: 'execution.finished',
          actor: w1,
          outcome: 'succeeded',
          reason: '1 of 2 steps applied a change',
        },
      ],
    ),
  ]
}

/** People decide: approved after the plan had changed, denied, nobody there; then attempts that do not go well, and an abort. */
export function approvals(): readonly ChainRecord[] {
  const ask = (
    subject: string,
    round: number,
    digest: string,
    seconds: number,
    onTimeout: 'skip' | 'stop' | 'escalate',
  ): Entry => ({
    kind: 'approval.requested',
    actor: w1,
    subject,
    round,
    by: 'sre',
    digest,
    steps: [
      {
        step: 'release',
        target: 'CodeDeploy group api/prod',
        summary: 'b7 -> b6',
        is: 'change',
        reversible: false,
        after: { revision: 'b6' },
      },
      {
        step: 'canary',
        target: 'DNS record api.example.com A (canary)',
        summary: 'weight 10 -> 0',
        is: 'change',
        reversible: true,
      },
      {
        step: 'capacity',
        target: 'ECS service prod/api',
        summary: 'desired is 9 already',
        is: 'none',
        reversible: true,
      },
      {
        step: 'check',
        target: '',
        summary: 'check that the alarm is ok: 3 samples',
        is: 'not-planned',
        reversible: false,
      },
    ],
    expiresAtMs: at(seconds + 300),
    onTimeout,
  })
  return [
    ...stream('incident', [at(0.7), opened]),
    ...stream(
      EXECUTION,
      [
        at(0.9),
        { kind: 'execution.started', actor: w1, ...header, mode: 'approve' },
        ask('plan', 1, 'd1aaaaaaaaaa', 0.9, 'escalate'),
      ],
      [at(20), { kind: 'step.approved', actor: ann, subject: 'plan', digest: 'd1aaaaaaaaaa', reason: 'go' }],
      [at(20.5), ask('release', 1, 'd2aaaaaaaaaa', 20.5, 'escalate')],
      [at(40), { kind: 'step.approved', actor: bob, subject: 'release', digest: 'd2aaaaaaaaaa' }],
      [at(40.5), ask('release', 2, 'd3aaaaaaaaaa', 40.5, 'escalate')],
      [
        at(50),
        {
          kind: 'step.denied',
          actor: bob,
          subject: 'release',
          digest: 'd3aaaaaaaaaa',
          reason: 'b6 is broken as well',
        },
      ],
      [at(50.1), { kind: 'step.approved', actor: ann, subject: 'release', digest: 'd3aaaaaaaaaa' }],
      [
        at(50.5),
        {
          kind: 'step.skipped',
          actor: w1,
          step: 'release',
          code: 'unapproved',
          reason: 'denied by bob: b6 is broken as well',
        },
      ],
      [at(51), ask('failover', 1, 'd4aaaaaaaaaa', 51, 'stop')],
      [
        at(351.1),
        { kind: 'approval.expired', actor: w1, subject: 'failover', onTimeout: 'stop' },
        {
          kind: 'step.failed',
          actor: w1,
          step: 'failover',
          code: 'denied',
          reason: 'nobody approved it in time; it was not applied',
        },
        {
          kind: 'execution.escalated',
          actor: w1,
          page: 'page-1',
          to: 'oncall@sre',
          reason: 'failover: nobody approved it in time',
          step: 'failover',
        },
        {
          kind: 'step.waiting',
          actor: w1,
          step: 'capacity',
          waitId: 'x1',
          wakeAtMs: at(366),
          reason: 'ecs/prod/api is held by another execution',
          blocked: true,
        },
      ],
      [at(366), intended('capacity', capacity, 366)],
      [
        at(366.5),
        {
          kind: 'step.retried',
          actor: w1,
          step: 'capacity',
          attempt: 1,
          reason: 'ThrottlingException: Rate exceeded',
          retryAtMs: at(371),
        },
      ],
      [at(371), intended('capacity', capacity, 371, { attempt: 2 })],
      [
        at(374),
        {
          kind: 'step.unsettled',
          actor: w1,
          step: 'capacity',
          attempt: 2,
          reason: 'TimeoutError: no answer within 3 s',
          observeAtMs: at(384),
        },
      ],
      [
        at(384),
        applied('capacity', { attempt: 2, receipt: {}, recovered: 'observed: the change is there' }),
        intended('canary', canary, 384),
      ],
      [
        at(425),
        {
          kind: 'worker.tookover',
          actor: w2,
          from: 'w-1',
          worker: 'w-2',
          reason: 'attempt 1 of canary has no result and its lease is over',
        },
        intended('canary', canary, 425, { actor: w2, attempt: 2 }),
      ],
      [
        at(425.5),
        {
          kind: 'step.failed',
          actor: w2,
          step: 'canary',
          attempt: 2,
          code: 'terminal',
          reason: 'AccessDenied: not authorized to perform route53:ChangeResourceRecordSets',
        },
      ],
      [at(430), { kind: 'execution.aborted', actor: ann, reason: 'we take it from here' }],
      [
        at(430.2),
        { kind: 'execution.finished', actor: w2, outcome: 'aborted', reason: 'we take it from here' },
      ],
    ),
  ]
}

/** What starts nothing, what only records, and what people do by hand. */
export function byHand(): readonly ChainRecord[] {
  const shadow = `${INCIDENT}-s0000s`
  const poison = `${INCIDENT}-d0000d`
  return [
    ...stream(
      'incident',
      [
        at(5),
        {
          kind: 'incident.opened',
          actor: bob,
          incidentId: INCIDENT,
          key: 'manual/bob/k1',
          title: 'api-5xx-spike started by bob',
          service: 'api',
          severity: 'sev3',
          keepOpenMs: 0,
          detectedAtMs: at(5),
          reason: 'checkout is slow',
        },
      ],
      [
        at(60),
        {
          kind: 'signal.attached',
          actor: cloudwatch,
          signal: signal({ state: 'insufficient-data' }),
          note: 'Insufficient Data: 1 datapoint was unknown.',
        },
      ],
      [at(300), { kind: 'incident.mitigated', actor: bob, reason: 'traffic moved by hand' }],
      [at(400), { kind: 'incident.resolved', actor: bob, how: 'person', reason: 'over' }],
      [
        at(4_000),
        {
          kind: 'incident.recurred',
          actor: cloudwatch,
          onsetAtMs: at(3_999),
          signal: signal({ signalId: 'sig-9' }),
        },
      ],
    ),
    ...stream(
      EXECUTION,
      [
        at(6),
        {
          kind: 'execution.refused',
          actor: w1,
          ...header,
          code: 'rate',
          reason: '6 executions of service:api were started within the last hour; the limit is 6',
          place: 'policy.yaml:7',
        },
        {
          kind: 'execution.escalated',
          actor: w1,
          page: 'page-1',
          to: '',
          reason: 'api-5xx-spike does not act on its own',
        },
        intended('page-1', page, 6),
      ],
      [
        at(6.5),
        {
          kind: 'step.retried',
          actor: w1,
          step: 'page-1',
          attempt: 1,
          reason: 'no channel accepted it',
          retryAtMs: at(12),
        },
      ],
      [at(12), intended('page-1', page, 12, { attempt: 2 })],
      [
        at(12.5),
        {
          kind: 'step.failed',
          actor: w1,
          step: 'page-1',
          attempt: 2,
          code: 'exhausted',
          reason: 'no channel has accepted it in 2 attempts',
        },
      ],
    ),
    ...stream(shadow, [
      at(7),
      {
        kind: 'execution.started',
        actor: w1,
        ...header,
        executionId: shadow,
        mode: 'shadow',
        occasion: { is: 'manual', by: 'bob', via: 'cli', key: 'k1', reason: 'what would it do?' },
      },
      {
        kind: 'plan.recorded',
        actor: w1,
        steps: [
          {
            step: 'capacity',
            target: 'ECS service prod/api',
            summary: 'desired 6 -> 9',
            is: 'change',
            reversible: true,
          },
          {
            step: 'canary',
            target: 'DNS record api.example.com A (canary)',
            summary: 'when: service.canary.weight > 0 is false',
            is: 'skipped',
            reversible: true,
          },
          {
            step: 'release',
            target: 'CodeDeploy group api/prod',
            summary: 'there is no earlier revision',
            is: 'refused',
            reversible: false,
          },
          {
            step: 'failover',
            target: 'cluster db',
            summary: 'the replica lags',
            is: 'human',
            reversible: false,
          },
          {
            step: 'queue',
            target: 'queue jobs',
            summary: 'AccessDenied',
            is: 'unreadable',
            reversible: true,
          },
        ],
      },
      {
        kind: 'execution.finished',
        actor: w1,
        outcome: 'skipped',
        reason: 'shadow mode: the plan is on record, nothing was changed',
      },
    ]),
    ...stream(
      poison,
      [at(8), { kind: 'execution.started', actor: w1, ...header, executionId: poison }],
      [at(700), { kind: 'execution.stopped', actor: w2, reason: 'it was woken 10 times and wrote nothing' }],
    ),
  ]
}

/** Texts that try to steer a terminal, forge rows, become markup or markup's links. */
export const HOSTILE =
  '\u001b[2J\u001b]0;owned\u0007</td><script>alert(1)</script> | **bold** [click](https://evil.example) `x`\r\n# Resolved\u202Egnp.exe\u2028- ok \u009b31m ![i](www.evil.example)'

export function hostile(): readonly ChainRecord[] {
  const evil = signal({ name: HOSTILE, reason: HOSTILE })
  return [
    ...stream(
      'incident',
      [
        at(0.7),
        {
          ...opened,
          title: HOSTILE,
          reason: HOSTILE,
          service: '| api |',
          signal: evil,
          actor: { is: 'signal', signalId: 'sig-1', source: '# 1. \u001b[31mcloudwatch' },
        },
      ],
      [
        at(9),
        {
          kind: 'incident.noted',
          actor: { is: 'person', name: '- <b>mallory</b>', via: 'slack\u0000' },
          note: HOSTILE,
        },
      ],
    ),
    ...stream(EXECUTION, [
      at(1),
      {
        kind: 'execution.started',
        actor: w1,
        ...header,
        runbook: '# x',
        occasion: { is: 'alarm', onsetAtMs: ONSET, signal: evil },
      },
      intended(
        '1. step',
        {
          ...capacity,
          target: { locks: ['l'], label: HOSTILE },
          before: { [HOSTILE]: HOSTILE },
          summary: HOSTILE,
        },
        1,
        {
          values: { [HOSTILE]: HOSTILE, ['__proto__']: 1 },
          leaseUntilMs: 1e300,
        },
      ),
      { kind: 'step.waiting', actor: w1, step: '+ pause', waitId: 'x', wakeAtMs: 1e300, reason: HOSTILE },
      {
        kind: 'step.failed',
        actor: w1,
        step: '1. step',
        attempt: 1,
        code: 'terminal',
        reason: HOSTILE,
        place: HOSTILE,
      },
    ]),
  ]
}

/** An entry was altered after it was written. */
export function broken(): readonly ChainRecord[] {
  return spike().map((record) =>
    record.stream === 'incident' && record.seq === 1
      ? { ...record, entries: [{ kind: 'incident.acknowledged', actor: ann, note: 'I was there at once' }] }
      : record,
  )
}

/** Entries and a record that a newer version wrote, and ones that no version wrote. */
export function newer(): readonly ChainRecord[] {
  const future = rawStream(
    EXECUTION,
    [
      at(1),
      { kind: 'execution.started', actor: w1, ...header, colour: 'blue' },
      { kind: 'step.rehearsed', actor: w1, step: 'capacity' },
    ],
    [at(2), { kind: 'step.skipped', actor: w1, step: 'capacity', code: 'telepathy', reason: 'x' }, 42, null],
    [
      at(3),
      {
        kind: 'step.skipped',
        actor: w1,
        step: 'capacity',
        code: 'already',
        reason: 'it means something else now',
      },
    ],
  )
  return [
    ...stream('incident', [at(0.7), opened]),
    ...future.map((record) => (record.seq === 2 ? { ...record, v: 2 } : record)),
  ]
}
