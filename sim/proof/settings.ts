import { readdirSync, readFileSync } from 'node:fs'
import { compileCatalogue } from '../../lib/runbook/catalogue.ts'
import type { Catalogue } from '../../lib/runbook/runbook.ts'

/** What is deployed in a run. */
export interface Deployed {
  /** Names of the proof's own runbooks, or paths of those that ship. */
  readonly runbooks: readonly string[]
  /** Automatic executions started in an hour, over all services. */
  readonly startsPerHour: number
}

const FOLDER = new URL('../../runbooks/', import.meta.url)
const SETTINGS = new Set(['services.yaml', 'oncall.yaml', 'policy.yaml'])

/** Every runbook that ships, by its path below `runbooks/`. */
export const SHIPPED: readonly string[] = ['', 'examples/'].flatMap((folder) =>
  readdirSync(new URL(`./${folder}`, FOLDER))
    .filter((name) => name.endsWith('.yaml') && !SETTINGS.has(name))
    .map((name) => `${folder}${name}`)
    .toSorted(),
)

/** Policy of the proof: the shipped one records only. */
const policyWith = (startsPerHour: number) => `
mode: auto
escalate_to: oncall@sre
executions_per_hour: ${startsPerHour}
services:
  api:
    max_capacity: 60
`

/** Each action alone, with the way back where it has one. */
export const ACTION_RUNBOOKS = {
  'only-scale-out': `
runbook: only-scale-out
service: api
triggers: [{ alarm: api-5xx-spike }]
cooldown: 0s
keep_open: 1m
steps:
  - { id: room, scale_out: { ecs: api, by: 50% } }
on_resolved: { undo: [room], after: 1m, step: 50%, every: 30s }
`,
  // Where the service has no scalable target it is refused.
  'only-expiring': `
runbook: only-expiring
service: api
triggers: [{ alarm: api-5xx-spike }]
cooldown: 0s
keep_open: 1m
steps:
  - { id: room, scale_out: { ecs: api, by: 50%, expires_in: 2h } }
on_resolved: { undo: [room], after: 1m, step: 50%, every: 30s }
`,
  'only-weight': `
runbook: only-weight
service: api
triggers: [{ alarm: api-5xx-spike }]
cooldown: 0s
keep_open: 1m
steps:
  - { id: drain, route53_weight: { record: canary, weight: 0 } }
on_resolved: { undo: [drain], after: 1m }
`,
  'only-rollback': `
runbook: only-rollback
service: api
triggers: [{ alarm: api-5xx-spike }]
cooldown: 0s
keep_open: 1m
steps:
  - { id: back, rollback: { to: last-success } }
`,
  'only-notify': `
runbook: only-notify
service: api
triggers: [{ alarm: api-5xx-spike }]
cooldown: 0s
keep_open: 1m
steps:
  - { id: tell, notify: { to: oncall@sre } }
`,
} as const

/** Everything at once: each action, a check, a wait, a parallel step, an approval, an undo; two alarms about one service. */
const OWN: { readonly [name: string]: string } = {
  ...ACTION_RUNBOOKS,
  line: `
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
`,
  // What a newer version makes of it: other values, another order, one step less.
  'line-edited': `
runbook: line
service: api
triggers: [{ alarm: api-5xx-spike }]
cooldown: 0s
keep_open: 1m
steps:
  - { id: canary, route53_weight: { record: canary, weight: 5 }, on_failure: continue }
  - { id: capacity, scale_out: { ecs: api, by: 3 }, on_failure: continue }
  - { id: page, notify: { to: oncall@sre }, on_failure: continue }
on_resolved: { undo: [canary, capacity], after: 1m }
`,
  short: `
runbook: short
service: api
triggers: [{ alarm: api-slow }]
cooldown: 0s
keep_open: 1m
steps:
  - { id: room, scale_out: { ecs: api, by: 2 }, on_failure: continue }
on_resolved: { undo: [room], after: 1m }
`,
  waiting: `
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
`,
  asking: `
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
`,
}

const compiled = new Map<string, Catalogue>()

/** Compiled once a process: a catalogue is immutable. Services and people on call are those that ship. */
export function catalogueOf({ runbooks, startsPerHour }: Deployed): Catalogue {
  const id = JSON.stringify([runbooks, startsPerHour])
  const known = compiled.get(id)
  if (known) return known
  const { catalogue, diagnostics } = compileCatalogue([
    ...runbooks.map((name) => ({ path: `${name}.yaml`, text: OWN[name] ?? shipped(name) })),
    { path: 'services.yaml', text: shipped('services.yaml') },
    { path: 'oncall.yaml', text: shipped('oncall.yaml') },
    { path: 'policy.yaml', text: policyWith(startsPerHour) },
  ])
  if (!catalogue)
    throw new Error(diagnostics.map((one) => `${one.file}:${one.line} ${one.message}`).join('\n'))
  compiled.set(id, catalogue)
  return catalogue
}

function shipped(path: string): string {
  return readFileSync(new URL(path, FOLDER), 'utf8')
}
