import type { Catalogue } from '../../lib/runbook/runbook.ts'
import { createAccount, type Account } from '../account.ts'
import { addApplication, addPastDeployment, ecsAppSpec } from '../applications.ts'
import { addStillAlarm } from '../calm.ts'
import { catalogueFrom } from '../catalogue.ts'
import { addService } from '../ecs.ts'
import { addZone } from '../route53.ts'

/*
 * What the kill test works on: so many services alike, each with its own ECS service, DNS name, deployment group and two
 * alarms. The second alarm belongs to a service entry of its own that names the same targets, so that two executions want
 * one target at the same time: within one entry the guardrails let only one run.
 */

/** The tasks of each service and the weight of its canary, before anything happens. */
export const FIRST_DESIRED = 6
export const FIRST_WEIGHT = 10
/** The version that serves at first; every release after it is a bad one. */
export const FIRST_VERSION = 41

const HOUR_MS = 3_600_000
const TOPIC = 'oncall-sre'

export function serviceNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_unused, index) => `svc-${String(index + 1).padStart(2, '0')}`)
}

/** The two alarms of a service. */
export function alarmsOf(service: string): { readonly spike: string; readonly slow: string } {
  return { spike: `${service}-spike`, slow: `${service}-slow` }
}

/** Whether a person is asked before the runbook of the second alarm acts. */
export function asksPerson(service: string): boolean {
  return kindOf(service) === 'asking'
}

type Kind = 'short' | 'waiting' | 'asking'
const KINDS: readonly Kind[] = ['short', 'waiting', 'asking']

function kindOf(service: string): Kind {
  return KINDS[Number(service.slice(-2)) % KINDS.length] ?? 'short'
}

function zoneOf(service: string): string {
  return `Z0123456789${service.replace('-', '').toUpperCase()}`
}

/** Every alarm here comes and goes within minutes, which is what flapping is told by elsewhere. */
const HABITS = `
cooldown: 0s
keep_open: 1m
flapping: { changes: 19, within: 1m }`

function spikeRunbook(service: string): string {
  return `
runbook: ${service}-line
service: ${service}
triggers: [{ alarm: ${alarmsOf(service).spike} }]
${HABITS}
steps:
  - { id: capacity, scale_out: { ecs: ${service}, by: 50% }, on_failure: continue }
  - { id: canary, route53_weight: { record: canary, weight: 0 }, on_failure: continue }
  - { id: rollback, rollback: { to: last-success }, on_failure: continue }
  - { id: page, notify: { to: oncall@sre }, on_failure: continue }
  - { id: calm, check: { alarm: ok, samples: 2, every: 30s, within: 8m }, on_failure: escalate }
on_resolved: { undo: [capacity, canary], after: 2m, step: 50%, every: 1m }
`
}

function slowRunbook(service: string): string {
  const steps: { readonly [kind in Kind]: string } = {
    short: `
steps:
  - { id: room, scale_out: { ecs: ${service}-twin, by: 2 }, on_failure: continue }
on_resolved: { undo: [room], after: 1m }`,
    waiting: `
hold_down: 20s
steps:
  - { id: breathe, wait: 30s }
  - parallel:
      - { id: drain, route53_weight: { record: canary, weight: 0 }, on_failure: continue }
      - { id: tell, notify: { to: oncall@sre }, on_failure: continue }
  - { id: more, scale_out: { ecs: ${service}-twin, by: 2 }, on_failure: undo }
on_resolved: { undo: [drain, more], after: 1m }`,
    asking: `
mode: approve
steps:
  - { id: room, scale_out: { ecs: ${service}-twin, by: 2 }, on_failure: stop }
on_resolved: { undo: [room], after: 1m }`,
  }
  return `
runbook: ${service}-second
service: ${service}-twin
triggers: [{ alarm: ${alarmsOf(service).slow} }]
${HABITS}
${steps[kindOf(service)].trim()}
`
}

function serviceEntry(service: string, entry: string, alarm: string): string {
  return `
${entry}:
  alarms: [${alarm}]
  account: "123456789012"
  region: eu-west-1
  severity: sev2
  ecs: { cluster: prod, service: ${service} }
  codedeploy: { application: ${service}, group: ${service}-prod }
  records:
    canary: { zone: ${zoneOf(service)}, name: ${service}.example.com, type: A, set: canary }
`
}

function serviceEntries(service: string): string {
  const { spike, slow } = alarmsOf(service)
  return serviceEntry(service, service, spike) + serviceEntry(service, `${service}-twin`, slow)
}

const ONCALL = `
sre:
  channels:
    - pagerduty: { routing_key: "ssm:/firebreak/pagerduty/sre", region: eu }
    - sns: { topic_arn: "arn:aws:sns:eu-west-1:123456789012:${TOPIC}" }
`
const POLICY = `
mode: auto
escalate_to: oncall@sre
executions_per_hour: 1000
`

/** Throws with the first mistake where the files above do not compile. */
export function estateCatalogue(services: number): Catalogue {
  const names = serviceNames(services)
  return catalogueFrom([
    ...names.flatMap((name) => [
      { path: `${name}-line.yaml`, text: spikeRunbook(name) },
      { path: `${name}-second.yaml`, text: slowRunbook(name) },
    ]),
    { path: 'services.yaml', text: names.map(serviceEntries).join('') },
    { path: 'oncall.yaml', text: ONCALL },
    { path: 'policy.yaml', text: POLICY },
  ])
}

/** The account that the catalogue speaks of, on a quiet day. */
export function estateAccount(startAtMs: number, services: number): Account {
  const account = createAccount({ startAtMs, seed: 1 })
  const { world } = account
  world.topics.push(`arn:aws:sns:${world.region}:${world.account}:${TOPIC}`)
  world.parameters['/firebreak/pagerduty/sre'] = { value: 'e93facc04764012d7bfb002500d5d1a6', secure: true }
  for (const name of serviceNames(services)) {
    const taskDefinition = (version: number) =>
      `arn:aws:ecs:${world.region}:${world.account}:task-definition/${name}:${version}`
    for (const version of [FIRST_VERSION - 1, FIRST_VERSION])
      world.builds[taskDefinition(version)] = { errorRatio: 0, mu: 30 }
    addService(world, {
      cluster: 'prod',
      name,
      desired: FIRST_DESIRED,
      taskDefinition: taskDefinition(FIRST_VERSION),
      controller: 'CODE_DEPLOY',
    })
    addZone(
      world,
      zoneOf(name),
      `${name}.example.com`,
      [
        { set: 'stable', weight: 90 },
        { set: 'canary', weight: FIRST_WEIGHT },
      ].map(({ set, weight }) => ({
        Name: `${name}.example.com`,
        Type: 'A' as const,
        SetIdentifier: set,
        Weight: weight,
        TTL: 60,
        ResourceRecords: [{ Value: set === 'stable' ? '198.51.100.10' : '198.51.100.20' }],
      })),
    )
    const application = addApplication(world, name, 'ECS', {
      [`${name}-prod`]: { backend: { is: 'ecs', service: `prod/${name}` }, durationMs: 40_000 },
    })
    for (const [version, hoursAgo] of [
      [FIRST_VERSION - 1, 72],
      [FIRST_VERSION, 26],
    ] as const)
      addPastDeployment(world, application, `${name}-prod`, ecsAppSpec(taskDefinition(version)), {
        createdAtMs: world.nowMs - hoursAgo * HOUR_MS,
        description: `release ${version}`,
      })
    const { spike, slow } = alarmsOf(name)
    addStillAlarm(account, spike)
    addStillAlarm(account, slow)
  }
  return account
}
