import type { Catalogue } from '../lib/runbook/runbook.ts'
import { ingest } from '../lib/ingest.ts'
import { countingStorage, type Operations } from '../lib/ledger/counting.ts'
import { listIncidents } from '../lib/ledger/head.ts'
import { memoryStorage } from '../lib/ledger/memory.ts'
import { loadIncident } from '../lib/ledger/records.ts'
import type { Storage } from '../lib/ledger/storage.ts'
import { createAccount, type Account } from '../sim/account.ts'
import { catalogueFrom } from '../sim/catalogue.ts'
import { addService } from '../sim/ecs.ts'
import { MAX_RECEIVES } from '../sim/queue.ts'
import type { SimEvent } from '../sim/world.ts'
import { exactly, inFlight, shuffled, type Line, type Section } from './figures.ts'
import { startStore } from './store.ts'
import { appOn, firedAlarm, START_AT_MS, turnOf } from './world.ts'

export interface StormSize {
  readonly alarms: number
  readonly signals: number
  readonly signalsOnDynamodb: number
  /** How many functions work at the same time. */
  readonly inFlight: number
}

export const STORM_SIZE: StormSize = { alarms: 100, signals: 10_000, signalsOnDynamodb: 2_000, inFlight: 16 }

export interface StormResult {
  readonly signals: number
  readonly incidents: number
  readonly executions: number
  /** Changes of the account, and pages with different texts. */
  readonly effects: number
  readonly pages: number
  /** Signals that neither opened an incident nor were recognised as duplicates, redeliveries included. */
  readonly lost: number
  /** Deliveries that threw and came again, as SQS does. */
  readonly redelivered: number
  /** Of the deliveries that opened the incidents. */
  readonly putsOfFirsts: number
  /** By kind: starts that write the same item at the same time, and write it again. */
  readonly conflictsOfFirsts: { readonly [kind: string]: number }
  /** Of each other delivery. Those that come while the first is being carried out repeat or take over some of its work. */
  readonly putsOfDuplicates: readonly number[]
  readonly signalsPerSecond: number
}

const SEED = 20_261_123

/** Signals of many alarms at once, each alarm one onset and its duplicates, shuffled, through the real ingest. */
export async function playStorm(
  storage: Storage,
  alarms: number,
  signals: number,
  width: number,
): Promise<StormResult> {
  const names = Array.from(
    { length: alarms },
    (_unused, index) => `svc-${String(index + 1).padStart(3, '0')}`,
  )
  const { event, account: demo } = firedAlarm()
  const template = JSON.stringify(event)
  const deliveries = shuffled(
    Array.from({ length: signals }, (_unused, index) =>
      eventOf(template, names[index % alarms] ?? '', index),
    ),
    SEED,
  )
  const account = accountOf(names, demo.now())
  const app = appOn(storage, demo.now(), account.aws, account.http, catalogueOf(names))
  const putsOfDuplicates: number[] = []
  const conflictsOfFirsts: { [kind: string]: number } = {}
  let [taken, redelivered, putsOfFirsts] = [0, 0, 0]
  const beganMs = performance.now()
  await inFlight(width, deliveries, async (text) => {
    for (let receive = 1; receive <= MAX_RECEIVES; receive++) {
      const opening = { won: false }
      const counting = countingStorage(seesOpening(storage, opening))
      try {
        const { parts } = await ingest(
          { ...app, ports: { ...app.ports, storage: counting } },
          JSON.parse(text),
          turnOf(app),
        )
        if (
          parts.length === 1 &&
          parts.every(
            (part) => part.is === 'accepted' || (part.is === 'verdict' && part.code === 'duplicate'),
          )
        )
          taken += 1
        return
      } catch {
        redelivered += 1
      } finally {
        const { puts, conflicts } = counting.operations()
        if (opening.won) {
          putsOfFirsts += sum(puts)
          for (const [kind, count] of Object.entries(conflicts)) {
            conflictsOfFirsts[kind] = (conflictsOfFirsts[kind] ?? 0) + count
          }
        } else {
          putsOfDuplicates.push(sum(puts))
        }
      }
    }
  })
  const elapsedMs = performance.now() - beganMs
  const heads = await listIncidents(storage, alarms * 2)
  const streams = (await Promise.all(heads.map((head) => loadIncident(storage, head.incidentId)))).flat()
  return {
    signals,
    incidents: heads.length,
    executions: streams.filter((stream) => stream.entries[0]?.kind === 'execution.started').length,
    effects: account.effects('ecs:UpdateService'),
    pages: new Set(account.inbox.map((message) => message.subject)).size,
    lost: signals - taken,
    redelivered,
    putsOfFirsts,
    conflictsOfFirsts,
    putsOfDuplicates,
    signalsPerSecond: (signals * 1_000) / elapsedMs,
  }
}

/** Whether this delivery is the one that put OPEN. */
function seesOpening(storage: Storage, opening: { won: boolean }): Storage {
  return {
    ...storage,
    async put(item, condition) {
      const answer = await storage.put(item, condition)
      if (item.sk === 'OPEN' && condition.is === 'absent' && answer.is === 'put') opening.won = true
      return answer
    },
  }
}

function sum(tally: Operations['puts']): number {
  return Object.values(tally).reduce((total, count) => total + count, 0)
}

/** The demo's own event, for another alarm and with an id of its own, as a repeated delivery by CloudWatch has. */
function eventOf(template: string, name: string, index: number): string {
  const event = JSON.parse(template.replaceAll('api-5xx-spike', `${name}-5xx-spike`)) as SimEvent
  return JSON.stringify({ ...event, id: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}` })
}

/** A service, an alarm and a runbook for each name: scale out, and page. */
function catalogueOf(names: readonly string[]): Catalogue {
  const services = names.map(
    (name) =>
      `${name}:\n  alarms: ["${name}-*"]\n  account: "123456789012"\n  region: eu-west-1\n  ecs: { cluster: prod, service: ${name} }\n`,
  )
  const runbooks = names.map(
    (name) =>
      `- alert: ${name}-5xx-spike\n  actions:\n    - scale_out: ecs service ${name} +50%\n    - notify: oncall@sre\n`,
  )
  return catalogueFrom([
    { path: 'runbooks.yaml', text: runbooks.join('') },
    { path: 'services.yaml', text: services.join('') },
    {
      path: 'oncall.yaml',
      text: 'sre:\n  channels:\n    - pagerduty: { routing_key: "ssm:/firebreak/pagerduty/sre", region: eu }\n',
    },
    {
      path: 'policy.yaml',
      text: `mode: auto\nescalate_to: oncall@sre\nexecutions_per_hour: ${Math.max(1, names.length)}\n`,
    },
  ])
}

function accountOf(names: readonly string[], nowMs: number): Account {
  const account = createAccount({ startAtMs: START_AT_MS })
  const { world } = account
  const taskDefinition = `arn:aws:ecs:${world.region}:${world.account}:task-definition/api:1`
  world.builds[taskDefinition] = { errorRatio: 0, mu: 30 }
  for (const name of names) addService(world, { cluster: 'prod', name, desired: 6, taskDefinition })
  world.parameters['/firebreak/pagerduty/sre'] = { value: 'e93facc04764012d7bfb002500d5d1a6', secure: true }
  world.nowMs = nowMs
  world.tickedMs = nowMs
  return account
}

export interface Storms {
  /** One function, so that no duplicate comes while its first is under way. */
  readonly inTurn: StormResult
  readonly atOnce: StormResult
  readonly onDynamodb: StormResult
}

export async function measureStorm(size: StormSize): Promise<Storms> {
  const inTurn = await playStorm(memoryStorage(), size.alarms, size.signals, 1)
  const atOnce = await playStorm(memoryStorage(), size.alarms, size.signals, size.inFlight)
  const store = await startStore()
  try {
    const onDynamodb = await playStorm(store.storage, size.alarms, size.signalsOnDynamodb, size.inFlight)
    return { inTurn, atOnce, onDynamodb }
  } finally {
    await store.close()
  }
}

export async function storm(size = STORM_SIZE): Promise<Section> {
  const { inTurn, atOnce, onDynamodb } = await measureStorm(size)
  return {
    name: 'storm',
    title: `signals of ${size.alarms} alarms, each one onset and its duplicates, shuffled`,
    lines: [
      ...linesOf('memory, one function', inTurn, size),
      ...linesOf(`memory, ${size.inFlight} functions`, atOnce, size),
      ...linesOf(`embedded DynamoDB, ${size.inFlight} functions`, onDynamodb, size),
    ],
  }
}

/** The mean over all deliveries that opened nothing. */
export function putsPerDuplicate({ putsOfDuplicates }: StormResult): number {
  return putsOfDuplicates.reduce((total, count) => total + count, 0) / Math.max(1, putsOfDuplicates.length)
}

function linesOf(where: string, result: StormResult, size: StormSize): readonly Line[] {
  const more = result.putsOfDuplicates.filter((count) => count > 1)
  const conflicts = Object.entries(result.conflictsOfFirsts).map(([kind, count]) => `${count} of ${kind}`)
  const perSecond = `${Math.round(result.signalsPerSecond).toLocaleString('en')} a second`
  const again =
    result.redelivered === 0 ? {} : { note: `${result.redelivered} deliveries threw and came again` }
  const overlapping =
    more.length === 0
      ? {}
      : {
          note: `1 each, but for ${more.length} that came while the first was being carried out (up to ${Math.max(...more)})`,
        }
  const contended =
    conflicts.length === 0 ? {} : { note: `conflicts among all starts: ${conflicts.join(', ')}` }
  const line = (what: string, figure: number, rest: Partial<Line> = {}): Line => ({
    what: `${where}: ${what}`,
    unit: '',
    figure,
    ...rest,
  })
  return [
    line('signals', result.signals, { note: perSecond }),
    line('incidents', result.incidents, { goal: exactly(size.alarms) }),
    line('executions', result.executions, { goal: exactly(size.alarms) }),
    line('services scaled out', result.effects, { goal: exactly(size.alarms) }),
    line('teams paged', result.pages, { goal: exactly(size.alarms) }),
    line('signals lost', result.lost, { goal: exactly(0), ...again }),
    line('puts a duplicate', putsPerDuplicate(result), { goal: exactly(1), ...overlapping }),
    line('puts a start with its first turn', result.putsOfFirsts / size.alarms, contended),
  ]
}
