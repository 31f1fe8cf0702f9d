import { readFileSync } from 'node:fs'
import { loadIncident } from '../../lib/ledger/records.ts'
import { listIncidents } from '../../lib/ledger/head.ts'
import { readSignalVerdict, type SignalVerdict } from '../../lib/ledger/control.ts'
import type { Catalogue } from '../../lib/runbook/runbook.ts'
import type { Stamped } from '../../lib/ledger/entry.ts'
import type { Account } from '../../sim/account.ts'
import { catalogueFrom } from '../../sim/catalogue.ts'
import { CALM_ALARM, calmAccount as calmAccountOf, transition } from '../../sim/calm.ts'
import type { DemoOptions } from '../../sim/scenarios.ts'
import { createStack, type Stack, type StackOptions } from '../../sim/stack.ts'
import type { AlarmState, SimEvent } from '../../sim/world.ts'
import { MINUTE_MS, START_AT_MS } from './world.ts'

export { addStillAlarm, asAlarmAction, transition } from '../../sim/calm.ts'

/** The alarm of the shipped runbook. */
export const ALARM = CALM_ALARM
export const SERVICE = 'prod/api'
export const ANN = { name: 'ann', via: 'cli' } as const
export const BOB = { name: 'bob', via: 'slack' } as const
export const HOUR_MS = 60 * MINUTE_MS

const shipped = (path: string) => readFileSync(new URL(`../../runbooks/${path}`, import.meta.url), 'utf8')

/** Runbooks as texts, one a file, beside the shipped settings; `policy` and `services` edit those. */
export function catalogueOf(
  runbooks: readonly string[],
  edit: {
    readonly policy?: (text: string) => string
    readonly services?: (text: string) => string
    readonly oncall?: (text: string) => string
  } = {},
): Catalogue {
  const same = (text: string) => text
  return catalogueFrom([
    ...runbooks.map((text, index) => ({ path: `runbook-${index + 1}.yaml`, text })),
    { path: 'services.yaml', text: (edit.services ?? same)(shipped('services.yaml')) },
    { path: 'oncall.yaml', text: (edit.oncall ?? same)(shipped('oncall.yaml')) },
    {
      path: 'policy.yaml',
      text: (edit.policy ?? same)(shipped('policy.yaml').replace(/^mode: .*$/m, 'mode: auto')),
    },
  ])
}

/** A second service, with an alarm of its own, on the ECS service of the first. */
export function withShop(services: string): string {
  return `${services}\nshop:\n  alarms: [shop-slow]\n  severity: sev2\n  account: "123456789012"\n  region: eu-west-1\n  ecs: { cluster: prod, service: api }\n`
}

/** The long form of one runbook of service api; `head` and `steps` are YAML without indentation. */
export function runbookText(steps: string, head = '', name = 'spike'): string {
  const indented = steps
    .trim()
    .split('\n')
    .map((line) => `  ${line}`)
  const has = (key: string) => new RegExp(`^${key}:`, 'm').test(head)
  return [
    `runbook: ${name}`,
    ...(has('service') ? [] : ['service: api']),
    ...(has('triggers') ? [] : [`triggers: [{ alarm: "${ALARM}" }]`]),
    ...(has('cooldown') ? [] : ['cooldown: 0s']),
    ...(has('on_resolved') ? [] : ['on_resolved: { undo: [] }']),
    head.trim(),
    'steps:',
    ...indented,
  ].join('\n')
}

/** The calm account at the time when every test begins. */
export function calmAccount(demo: Partial<DemoOptions> = {}, alarms: readonly string[] = [ALARM]): Account {
  return calmAccountOf({ startAtMs: START_AT_MS, ...demo }, alarms)
}

export function calmStack(
  catalogue: Catalogue,
  options: Omit<StackOptions, 'account' | 'catalogue'> & {
    readonly demo?: Partial<DemoOptions>
    readonly alarms?: readonly string[]
  } = {},
): Stack {
  const { demo, alarms, ...rest } = options
  return createStack({ account: calmAccount(demo, alarms), catalogue, ...rest })
}

/** The same, delivered by EventBridge. */
export function fire(stack: Stack, state: AlarmState = 'ALARM', name = ALARM): SimEvent {
  const event = transition(stack.account, state, name)
  stack.deliver(event)
  return event
}

/** The SNS notification of the same transition, as SQS hands it on (AWS.md 14.2). */
export function asSns(event: SimEvent): object {
  const detail = event.detail as unknown as {
    alarmName: string
    state: { value: string; reason: string; timestamp: string }
    previousState: { value: string }
  }
  const message = {
    AlarmName: detail.alarmName,
    AWSAccountId: event.account,
    NewStateValue: detail.state.value,
    NewStateReason: detail.state.reason,
    StateChangeTime: detail.state.timestamp,
    Region: 'EU (Ireland)',
    AlarmArn: event.resources[0],
    OldStateValue: detail.previousState.value,
    Trigger: { MetricName: 'Nothing', Namespace: 'Test', Period: 60, EvaluationPeriods: 2, Threshold: 100 },
  }
  return {
    Records: [
      {
        EventSource: 'aws:sns',
        EventVersion: '1.0',
        EventSubscriptionArn: `arn:aws:sns:${event.region}:${event.account}:alarms:1`,
        Sns: {
          Type: 'Notification',
          MessageId: '95df01b4-ee98-5cb9-9903-4c221d41eb5e',
          TopicArn: `arn:aws:sns:${event.region}:${event.account}:alarms`,
          Subject: `${detail.state.value}: "${detail.alarmName}" in EU (Ireland)`,
          Message: JSON.stringify(message),
          Timestamp: event.time,
        },
      },
    ],
  }
}

/** Every entry of every incident, by time and address. */
export async function allEntries(stack: Stack): Promise<readonly Stamped[]> {
  const heads = await listIncidents(stack.storage, 1_000)
  const streams = await Promise.all(heads.map((head) => loadIncident(stack.storage, head.incidentId)))
  return streams
    .flat()
    .flatMap((stream) => stream.entries)
    .toSorted((a, b) => a.atMs - b.atMs)
}

type Kind = Stamped['kind']

export async function entriesOfKind<K extends Kind>(
  stack: Stack,
  kind: K,
): Promise<readonly Extract<Stamped, { kind: K }>[]> {
  return (await allEntries(stack)).filter(
    (entry): entry is Extract<Stamped, { kind: K }> => entry.kind === kind,
  )
}

export async function incidentsOf(stack: Stack): Promise<readonly string[]> {
  return (await listIncidents(stack.storage, 1_000))
    .map((head) => `${head.incidentId} ${head.status}`)
    .toSorted()
}

/** What `firebreak why` would answer for a signal. */
export async function verdictOn(stack: Stack, signalId: string): Promise<SignalVerdict | undefined> {
  return readSignalVerdict(stack.storage, signalId)
}

/** Pages that were accepted, as people read them. */
export function pagesOf(stack: Stack): readonly string[] {
  return stack.account.inbox.map((message) => message.subject)
}

export function desired(stack: Stack): number | undefined {
  return stack.account.world.services[SERVICE]?.desired
}

/** Plays on by so many minutes. */
export async function play(
  stack: Stack,
  minutes: number,
  holds?: () => boolean | Promise<boolean>,
): Promise<boolean> {
  return stack.runUntil(stack.account.now() + minutes * MINUTE_MS, holds)
}

/** An execution that waits for the approval of its one step, a minute after its alarm; and until when it may be decided. */
export async function asking(
  timeout: string,
): Promise<{ readonly stack: Stack; readonly stream: string; readonly expiresAtMs: number }> {
  const stack = calmStack(asksFor(timeout))
  fire(stack)
  await play(stack, 1)
  const [asked] = await entriesOfKind(stack, 'approval.requested')
  if (!asked) throw new Error('nothing was asked')
  return { stack, stream: asked.stream, expiresAtMs: asked.expiresAtMs }
}

/** A runbook whose one step is skipped where nobody has decided by then. */
export function asksFor(timeout: string): Catalogue {
  return catalogueOf([
    runbookText(
      `- scale_out: { ecs: api, by: 50% }\n  approve: { by: sre, timeout: ${timeout}, on_timeout: skip }`,
    ),
  ])
}

export function turnOf(
  stack: Stack,
  ms = 30_000,
): { readonly workerId: string; readonly deadlineMs: number } {
  return { workerId: stack.app.ports.random.id(), deadlineMs: stack.account.now() + ms }
}

/** The next version: processes of its own on the same table, the same account, and with the messages that are under way. */
export function deployOver(
  before: Stack,
  catalogue: Catalogue,
  options: Partial<Pick<StackOptions, 'log' | 'storage'>> = {},
): Stack {
  // What a process has read once it knows; a new one begins without it.
  const after = createStack({
    account: before.account,
    catalogue,
    storage: { ...before.storage },
    ...options,
  })
  for (const { body, visibleAtMs } of before.work.waiting)
    after.work.send(body, Math.max(0, visibleAtMs - before.account.now()))
  return after
}
