import type { Catalogue } from '../../lib/runbook/runbook.ts'
import { compileCatalogue } from '../../lib/runbook/catalogue.ts'
import type { OutsideAct } from '../outside.ts'
import type { AlarmState } from '../world.ts'
import type { Dice } from './dice.ts'

/** What happens in a run beside the workers: alarms, people, colleagues. Drawn from the seed, told in the trace. */
export type Happening = { readonly atMs: number } & (
  | {
      readonly is: 'alarm'
      readonly alarm: string
      readonly state: Extract<AlarmState, 'OK' | 'ALARM'>
      /** How often it is delivered, by either path; 0 is a transition whose event never arrives. */
      readonly copies: number
    }
  | { readonly is: 'outside'; readonly act: OutsideAct }
  | { readonly is: 'person'; readonly verb: 'abort' | 'approve' | 'pause-all' | 'resume-all' | 'resolve' }
  | { readonly is: 'sweep' }
)

export interface Scene {
  readonly catalogue: Catalogue
  readonly alarms: readonly string[]
  readonly happenings: readonly Happening[]
  /** Somebody else changes what we change, so the last value need not be the first. */
  readonly disturbed: boolean
}

const SECOND_MS = 1_000
const MINUTE_MS = 60_000

/** From the beginning of a run, so long everything may fail; after it only what is under way goes wrong. */
export const FAULTS_FOR_MS = 12 * MINUTE_MS

const ALARMS = ['api-5xx-spike', 'api-slow'] as const

/** The settings of the proof: those that ship, with patience that fits a run of half an hour. */
const SERVICES = `
api:
  alarms: ["api-*"]
  account: "123456789012"
  region: eu-west-1
  severity: sev2
  ecs: { cluster: prod, service: api }
  codedeploy: { application: api, group: api-prod }
  records:
    canary: { zone: Z0123456789ABCDEFGHIJ, name: api.example.com, type: A, set: canary }
`
const ONCALL = `
sre:
  channels:
    - pagerduty: { routing_key: "ssm:/firebreak/pagerduty/sre", region: eu }
    - sns: { topic_arn: "arn:aws:sns:eu-west-1:123456789012:oncall-sre" }
`
const POLICY = `
mode: auto
escalate_to: oncall@sre
executions_per_hour: 20
services:
  api:
    max_capacity: 60
`

/** What every run has in common: each action, a wait, a parallel step, a check, an undo; two alarms about one service. */
const LINE = `
runbook: line
service: api
triggers: [{ alarm: api-5xx-spike }]
cooldown: 0s
keep_open: 1m
steps:
  - { id: capacity, scale_out: { ecs: api, by: 50% }, on_failure: continue }
  - { id: canary, route53_weight: { record: canary, weight: 0 }, on_failure: continue }
  - { id: rollback, rollback: { to: last-success }, on_failure: continue }
  - { id: page, notify: { to: oncall@sre }, on_failure: continue }
  - { id: calm, check: { alarm: ok, samples: 2, every: 20s, within: 8m }, on_failure: escalate }
on_resolved: { undo: [capacity], after: 2m, step: 50%, every: 1m }
`
const SHORT = `
runbook: short
service: api
triggers: [{ alarm: api-slow }]
cooldown: 0s
keep_open: 1m
steps:
  - { id: room, scale_out: { ecs: api, by: 2 }, on_failure: continue }
on_resolved: { undo: [room], after: 1m }
`
const WAITING = `
runbook: waiting
service: api
triggers: [{ alarm: api-slow }]
cooldown: 5m
keep_open: 1m
hold_down: 20s
steps:
  - { id: breathe, wait: 30s }
  - parallel:
      - { id: drain, route53_weight: { record: canary, weight: 0 }, on_failure: continue }
      - { id: tell, notify: { to: oncall@sre }, on_failure: continue }
  - { id: more, scale_out: { ecs: api, by: 2 }, on_failure: undo }
on_resolved: { undo: [drain, more], after: 1m }
`
const ASKING = `
runbook: asking
service: api
mode: approve
triggers: [{ alarm: api-slow }]
cooldown: 0s
keep_open: 1m
steps:
  - { id: room, scale_out: { ecs: api, by: 2 }, on_failure: stop }
  - { id: back, rollback: { to: last-success }, on_failure: escalate }
on_resolved: { undo: [room], after: 1m }
`

const SECOND = { short: SHORT, waiting: WAITING, asking: ASKING } as const
const catalogues = new Map<string, Catalogue>()

/** Compiled once a process: a catalogue is immutable. */
function catalogueWith(second: keyof typeof SECOND): Catalogue {
  const known = catalogues.get(second)
  if (known) return known
  const { catalogue, diagnostics } = compileCatalogue([
    { path: 'line.yaml', text: LINE },
    { path: `${second}.yaml`, text: SECOND[second] },
    { path: 'services.yaml', text: SERVICES },
    { path: 'oncall.yaml', text: ONCALL },
    { path: 'policy.yaml', text: POLICY },
  ])
  if (!catalogue)
    throw new Error(diagnostics.map((one) => `${one.file}:${one.line} ${one.message}`).join('\n'))
  catalogues.set(second, catalogue)
  return catalogue
}

/** Draws a run: two alarms that come, go, flap, and are told of more than once or never; people; somebody else's hand. */
export function sceneFrom(dice: Dice, startAtMs: number): Scene {
  const second = dice.pick<keyof typeof SECOND>(['short', 'waiting', 'asking'])
  const happenings: Happening[] = []
  const add = (afterMs: number, what: DistributiveOmit<Happening, 'atMs'>) =>
    void happenings.push({ ...what, atMs: startAtMs + afterMs })
  const copies = () => (dice.chance(0.05) ? 0 : dice.between(1, 3))
  for (const alarm of ALARMS) {
    if (alarm === 'api-slow' && dice.chance(0.3)) continue
    let afterMs = dice.between(0, 90) * SECOND_MS
    const rounds = dice.chance(0.3) ? 2 : 1
    for (let round = 1; round <= rounds; round++) {
      add(afterMs, { is: 'alarm', alarm, state: 'ALARM', copies: Math.max(1, copies()) })
      afterMs += dice.between(20, 240) * SECOND_MS
      add(afterMs, { is: 'alarm', alarm, state: 'OK', copies: copies() })
      afterMs += dice.between(20, 300) * SECOND_MS
    }
  }
  if (second === 'asking') add(dice.between(30, 300) * SECOND_MS, { is: 'person', verb: 'approve' })
  if (dice.chance(0.15)) add(dice.between(1, 400) * SECOND_MS, { is: 'person', verb: 'abort' })
  if (dice.chance(0.05)) add(dice.between(30, 400) * SECOND_MS, { is: 'person', verb: 'resolve' })
  if (dice.chance(0.15)) {
    const pausedAt = dice.between(1, 300)
    add(pausedAt * SECOND_MS, { is: 'person', verb: 'pause-all' })
    add((pausedAt + dice.between(5, 120)) * SECOND_MS, { is: 'person', verb: 'resume-all' })
  }
  const disturbed = dice.chance(0.2)
  if (disturbed) {
    add(dice.between(1, 600) * SECOND_MS, {
      is: 'outside',
      act: { is: 'set-desired', service: 'prod/api', desired: dice.between(4, 20) },
    })
  }
  return { catalogue: catalogueWith(second), alarms: ALARMS, happenings, disturbed }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never
