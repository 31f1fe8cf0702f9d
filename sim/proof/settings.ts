import { readdirSync, readFileSync } from 'node:fs'
import type { Catalogue } from '../../lib/runbook/runbook.ts'
import { catalogueFrom } from '../catalogue.ts'

/** What is deployed in a run. */
export interface Deployed {
  /** Names of the proof's own runbooks, or paths of those that ship. */
  readonly runbooks: readonly string[]
  /** Automatic executions started in an hour, over all services. */
  readonly startsPerHour: number
  /** The runbook of which only one is started in an hour. */
  readonly once?: string
}

/** That of both services. */
export const ACCOUNT = '123456789012'

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
const policyWith = (startsPerHour: number, once?: string, services = 'api: { max_capacity: 60 }') => `
mode: auto
escalate_to: oncall@sre
executions_per_hour: ${startsPerHour}
services:
  ${services}
${once === undefined ? '' : `runbooks: { ${once}: { executions_per_hour: 1 } }`}
`

/**
 * A second service on the first one's resources: automatic executions of one service never run side by side, those of two do,
 * and they reach for the same locks.
 */
const TWIN = `
twin:
  alarms: ["twin-*"]
  account: "${ACCOUNT}"
  region: eu-west-1
  severity: sev2
  ecs: { cluster: prod, service: api }
  codedeploy: { application: api, group: api-prod }
  records:
    canary: { zone: Z0123456789ABCDEFGHIJ, name: api.example.com, type: A, set: canary }
`

/** Two people who are paged one after the other, and a channel of both. */
const DESK = `
people:
  ann: { channels: [{ pagerduty: { routing_key: "ssm:/firebreak/pagerduty/sre", region: eu } }] }
  bob: { channels: [{ sns: { topic_arn: "arn:aws:sns:eu-west-1:${ACCOUNT}:oncall-sre" } }] }
desk:
  levels: [{ page: ann, for: 15s }, { page: bob, for: 15s }]
  channels: [{ sns: { topic_arn: "arn:aws:sns:eu-west-1:${ACCOUNT}:oncall-sre" } }]
`

/** What every runbook of the proof begins with. */
function headOf(runbook: string, service: 'api' | 'twin' = 'api', cooldown = '0s'): string {
  return `
runbook: ${runbook}
service: ${service}
triggers: [{ alarm: ${service === 'api' ? 'api-5xx-spike' : 'twin-slow'} }]
cooldown: ${cooldown}
keep_open: 1m`
}

/** Each action alone, with the way back where it has one, in two slow steps: a third shows nothing new; and a wait. */
export const ACTION_RUNBOOKS = {
  'only-scale-out': `${headOf('only-scale-out')}
hold_down: 5s
steps:
  - { id: room, scale_out: { ecs: api, by: 50% } }
on_resolved: { undo: [room], after: 1m, step: 50%, every: 30s }
`,
  // Where the service has no scalable target it is refused.
  'only-expiring': `${headOf('only-expiring')}
steps:
  - { id: room, scale_out: { ecs: api, by: 50%, expires_in: 2h } }
on_resolved: { undo: [room], after: 1m, step: 50%, every: 30s }
`,
  'only-weight': `${headOf('only-weight')}
steps:
  - { id: drain, route53_weight: { record: canary, weight: 0 } }
on_resolved: { undo: [drain], after: 1m, step: 50%, every: 30s }
`,
  'only-rollback': `${headOf('only-rollback')}
hold_down: 5s
steps:
  - { id: back, rollback: { to: last-success } }
`,
  'only-notify': `${headOf('only-notify')}
steps:
  - { id: tell, notify: { to: oncall@sre } }
`,
  // Somebody who is paged may answer; in most runs nobody does.
  'only-paged': `${headOf('only-paged')}
steps:
  - { id: tell, notify: { to: oncall@desk } }
`,
  'only-wait': `${headOf('only-wait')}
hold_down: 5s
steps:
  - { id: breathe, wait: 5s }
`,
} as const

/** Beyond the queue's reach of 15 minutes: only a sweep that looks ahead wakes it in time. */
const LONG_WAIT = `${headOf('long-wait')}
steps:
  - { id: breathe, wait: 16m }
`

/** Everything at once: each action, a check, a wait, a parallel step, an approval, an undo; two alarms about one service. */
const OWN: { readonly [name: string]: string } = {
  ...ACTION_RUNBOOKS,
  'long-wait': LONG_WAIT,
  line: `${headOf('line')}
steps:
  - { id: capacity, scale_out: { ecs: api, by: 50% }, on_failure: continue }
  - { id: canary, route53_weight: { record: canary, weight: 0 }, on_failure: continue }
  - { id: rollback, rollback: { to: last-success }, on_failure: continue }
  - { id: page, notify: { to: oncall@sre }, on_failure: continue }
  - { id: calm, check: { alarm: ok, samples: 2, every: 20s, within: 3m }, on_failure: escalate }
on_resolved: { undo: [capacity], after: 2m, step: 50%, every: 1m }
`,
  // What a newer version makes of it: other values, another order, one step less.
  'line-edited': `${headOf('line')}
steps:
  - { id: canary, route53_weight: { record: canary, weight: 5 }, on_failure: continue }
  - { id: capacity, scale_out: { ecs: api, by: 3 }, on_failure: continue }
  - { id: page, notify: { to: oncall@sre }, on_failure: continue }
on_resolved: { undo: [canary, capacity], after: 1m }
`,
  // Its alarm may well stand for longer than that.
  holding: `${headOf('holding')}
steps:
  - { id: room, scale_out: { ecs: api, by: 50% } }
  - { id: drain, route53_weight: { record: canary, weight: 0 }, on_failure: continue }
on_resolved: { undo: [room, drain], after: 1m, step: 50%, every: 30s, max_hold: { for: 2m, then: undo } }
`,
  // AWS puts the floor back by itself, before the undo, in the midst of it, or not at all.
  'expiring-soon': `${headOf('expiring-soon')}
steps:
  - { id: room, scale_out: { ecs: api, by: 50%, expires_in: 5m } }
on_resolved: { undo: [room], after: 1m, step: 50%, every: 30s }
`,
  short: `${headOf('short', 'twin')}
steps:
  - { id: room, scale_out: { ecs: twin, by: 2 }, on_failure: continue }
on_resolved: { undo: [room], after: 1m, step: 50% }
`,
  // What its own alarm needs is held for two minutes at most; what it was built on is another's (ADR 35).
  bounded: `${headOf('bounded', 'twin')}
steps:
  - { id: room, scale_out: { ecs: twin, by: 2 }, on_failure: continue }
on_resolved: { undo: [room], after: 1m, step: 50%, max_hold: { for: 2m, then: undo } }
`,
  waiting: `${headOf('waiting', 'twin', '5m')}
hold_down: 10s
steps:
  - { id: breathe, wait: 5s }
  - parallel:
      - { id: drain, route53_weight: { record: canary, weight: 0 }, on_failure: continue }
      - { id: tell, notify: { to: oncall@sre }, on_failure: continue }
  - { id: more, scale_out: { ecs: twin, by: 2 }, on_failure: undo }
on_resolved: { undo: [drain, more], after: 1m, step: 50% }
`,
  asking: `${headOf('asking', 'twin')}
mode: approve
steps:
  - { id: room, scale_out: { ecs: twin, by: 2 }, on_failure: stop }
  - { id: back, rollback: { to: last-success }, on_failure: escalate }
on_resolved: { undo: [room], after: 1m, step: 50% }
`,
  // Silence means something else for each step, and never that it is applied.
  deciding: `${headOf('deciding', 'twin')}
steps:
  - id: room
    scale_out: { ecs: twin, by: 2 }
    approve: { by: sre, quorum: 2, timeout: 2m, on_timeout: skip }
    on_failure: continue
  - id: drain
    route53_weight: { record: canary, weight: 0 }
    approve: { by: sre, timeout: 1m, on_timeout: escalate }
    on_failure: continue
  - { id: back, rollback: { to: last-success }, approve: { by: sre, timeout: 1m, on_timeout: stop } }
  - { id: tell, notify: { to: oncall@sre } }
on_resolved: { undo: [drain, room], after: 1m, step: 50% }
`,
}

const compiled = new Map<string, Catalogue>()

/** Compiled once a process: a catalogue is immutable. Services and people on call are those that ship. */
export function catalogueOf(deployed: Deployed): Catalogue {
  const { runbooks, startsPerHour, once } = deployed
  const id = JSON.stringify([runbooks, startsPerHour, once])
  const known = compiled.get(id)
  if (known) return known
  const catalogue = compile(
    startsPerHour,
    [
      ...runbooks.map((name) => ({ path: `${name}.yaml`, text: OWN[name] ?? shipped(name) })),
      { path: 'services.yaml', text: `${shipped('services.yaml')}${TWIN}` },
    ],
    once,
  )
  compiled.set(id, catalogue)
  return catalogue
}

/** What the services of a storm that share one target may scale it to at most, and by how much each of them wants to. */
export const STORM_CEILING = 12
export const STORM_BY = 2

/**
 * For each alarm a service and a runbook of its own, so that no cooldown holds one back for another. The first `sharing` of the
 * services are on one ECS service, which has room for less than they all want to add.
 */
export function stormCatalogue(alarms: readonly string[], startsPerHour: number, sharing: number): Catalogue {
  const serviceOf = (alarm: string) => `${alarm}-service`
  const services = alarms.map((alarm, index) => {
    const on =
      index < sharing
        ? ', account: "123456789012", region: eu-west-1, ecs: { cluster: prod, service: api }'
        : ''
    return `${serviceOf(alarm)}: { alarms: [${alarm}], severity: sev3${on} }`
  })
  const runbookOf = (alarm: string, index: number) => {
    const isSharing = index < sharing
    return `
runbook: ${alarm}
service: ${serviceOf(alarm)}
triggers: [{ alarm: ${alarm} }]
cooldown: ${isSharing ? '10m' : '0s'}
keep_open: 1m
steps:
${isSharing ? `  - { id: room, scale_out: { ecs: ${serviceOf(alarm)}, by: ${STORM_BY} }, on_failure: continue }` : ''}
  - { id: breathe, wait: 5s }
  - { id: tell, notify: { to: oncall@sre } }
${isSharing ? 'on_resolved: { undo: [room], after: 1m }' : ''}
`
  }
  const ceilings = alarms
    .slice(0, sharing)
    .map((alarm) => `${serviceOf(alarm)}: { max_capacity: ${STORM_CEILING} }`)
  return compile(
    startsPerHour,
    [
      { path: 'services.yaml', text: ['api: { alarms: [none] }', ...services].join('\n') },
      ...alarms.map((alarm, index) => ({ path: `${alarm}.yaml`, text: runbookOf(alarm, index) })),
    ],
    undefined,
    ceilings.join('\n  '),
  )
}

function compile(
  startsPerHour: number,
  files: readonly { path: string; text: string }[],
  once?: string,
  services?: string,
): Catalogue {
  return catalogueFrom([
    ...files,
    { path: 'oncall.yaml', text: `${shipped('oncall.yaml')}${DESK}` },
    { path: 'policy.yaml', text: policyWith(startsPerHour, once, services) },
  ])
}

function shipped(path: string): string {
  return readFileSync(new URL(path, FOLDER), 'utf8')
}
