import type { Actor, Entry, EntryKind, EntryOf } from '../../lib/ledger/entry.ts'
import type { Signal } from '../../lib/signal/signal.ts'

/** Onset of every scenario: 2026-03-09T02:14:07.412Z. */
export const ONSET = 1_773_022_447_412
export const INCIDENT = 'inc-4t0x9k2mzq7h'
export const EXECUTION = `${INCIDENT}-p3v8ad`
export const UNDO = `${EXECUTION}.undo`
const KEY = 'cloudwatch/210987654321/eu-central-1/api-5xx-spike'

export const ann: Actor = { is: 'person', name: 'ann', via: 'slack' }
export const bob: Actor = { is: 'person', name: 'bob', via: 'cli' }
export const w1: Actor = { is: 'engine', worker: 'w-1' }
export const w2: Actor = { is: 'engine', worker: 'w-2' }
export const cloudwatch: Actor = { is: 'signal', signalId: 'sig-1', source: 'cloudwatch' }

export function at(seconds: number): number {
  return ONSET + Math.round(seconds * 1_000)
}

export function signal(over: Partial<Signal> = {}): Signal {
  return {
    signalId: 'sig-1',
    source: 'cloudwatch',
    via: 'eventbridge',
    key: KEY,
    name: 'api-5xx-spike',
    state: 'alarm',
    stateAtMs: ONSET,
    reason: 'Threshold Crossed: 3 datapoints were greater than the threshold (2.0).',
    value: 7.75,
    threshold: 2,
    ...over,
  }
}

/** What begins each stream, but for what differs. */
export const header = {
  executionId: EXECUTION,
  incidentId: INCIDENT,
  key: KEY,
  runbook: 'api-5xx-spike',
  runbookHash: '9a1b2c3d4e5f6071',
  service: 'api',
  severity: 'sev2',
  mode: 'auto',
  occasion: { is: 'alarm', onsetAtMs: ONSET, signal: signal() },
} as const

export const opened: EntryOf<'incident.opened'> = {
  kind: 'incident.opened',
  actor: cloudwatch,
  incidentId: INCIDENT,
  key: KEY,
  title: 'api-5xx-spike',
  service: 'api',
  severity: 'sev2',
  keepOpenMs: 300_000,
  onsetAtMs: ONSET,
  detectedAtMs: at(0.7),
  signal: signal(),
  reason: signal().reason,
}

export const capacity = {
  target: { locks: ['ecs/prod/api'], label: 'ECS service prod/api' },
  before: { desired: 6 },
  after: { desired: 9 },
  summary: 'desired 6 -> 9',
}
export const canary = {
  target: { locks: ['route53/Z1/api.example.com/A'], label: 'DNS record api.example.com A (canary)' },
  before: { weight: 10 },
  after: { weight: 0 },
  summary: 'weight 10 -> 0',
}
export const release = {
  target: { locks: ['codedeploy/api/prod'], label: 'CodeDeploy group api/prod' },
  before: { revision: 'b7' },
  after: { revision: 'b6' },
  summary: 'b7 -> b6',
}
export const page = {
  target: { locks: [], label: 'on call of sre' },
  before: null,
  after: { team: 'sre' },
  summary: 'page sre by pagerduty, then slack',
}

/** An intent of a worker whose lease lasts 32 s. */
export function intended(
  step: string,
  change: EntryOf<'step.intended'>['change'],
  seconds: number,
  over: Partial<EntryOf<'step.intended'>> = {},
): Entry {
  const actor = over.actor ?? w1
  return {
    kind: 'step.intended',
    actor,
    step,
    action: 'change thing',
    attempt: 1,
    change,
    worker: actor.is === 'engine' ? actor.worker : '',
    leaseUntilMs: at(seconds + 32),
    settleMs: 5_000,
    ...over,
  }
}

export function applied(step: string, over: Partial<EntryOf<'step.applied'>> = {}): Entry {
  return { kind: 'step.applied', actor: w1, step, attempt: 1, receipt: { requestId: `req-${step}` }, ...over }
}

export function passed(reason: string, values: { [name: string]: number | string } = {}) {
  return { verdict: 'passed' as const, reason, values }
}

/** Every kind that occurs in entries, for the test that none is forgotten. */
export function kindsOf(entries: readonly { readonly kind: EntryKind }[]): ReadonlySet<EntryKind> {
  return new Set(entries.map((entry) => entry.kind))
}
