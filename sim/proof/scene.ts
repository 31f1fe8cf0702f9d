import type { CallName } from '../../lib/aws/aws.ts'
import type { PauseScope } from '../../lib/ledger/kill-switch.ts'
import type { Catalogue } from '../../lib/runbook/runbook.ts'
import type { Dice } from './dice.ts'
import {
  answersOf,
  autoscale,
  byHand,
  comeAndGo,
  foreignAct,
  strike,
  type DistributiveOmit,
  type Happening,
  type Strike,
} from './happenings.ts'
import type { Answer } from './people.ts'
import { ACCOUNT, ACTION_RUNBOOKS, catalogueOf, SHIPPED, stormCatalogue, type Deployed } from './settings.ts'

export interface Scene {
  /** What is deployed at that time: a newer version may come between two turns. */
  readonly catalogueAt: (nowMs: number) => Catalogue
  readonly alarms: readonly string[]
  readonly happenings: readonly Happening[]
  readonly strikes: readonly Strike[]
  readonly answers: readonly Answer[]
  /** From the beginning, so long everything may fail; after it only what is under way goes wrong. */
  readonly faultsForMs: number
  /** How far describes and lists stay behind; never longer than the actions reckon with. */
  readonly lagMs: { readonly [name in CallName]?: number }
  /** How far the table's indexes stay behind. */
  readonly indexLagMs: number
  /** Whether the service has a scalable target; what a scaling policy then does is among the happenings. */
  readonly autoscaler: boolean
  /** How long a task takes to start and a change of DNS to be in sync, where it is not as long as in the demo's account. */
  readonly settlesInMs?: number | undefined
  /** Whether wakes are lost: then a wait may end later. */
  readonly losesWakes: boolean
  readonly startsPerHour: number
  /** So many invocations for one queue at a time. */
  readonly atOnce: number
}

const SECOND_MS = 1_000
const MINUTE_MS = 60_000
/** Only where a scalable target looks after the service a change can expire. */
const EXPIRING: ReadonlySet<string> = new Set(['only-expiring', 'expiring-soon'])
/** What ends while their alarm still stands is to be seen. */
const LONG: ReadonlySet<string> = new Set(['holding', 'expiring-soon'])
/** Their alarm may come and go more often than a runbook allows; the default is four changes within ten minutes. */
const FLAPPING: ReadonlySet<string> = new Set(['line', 'only-scale-out', 'only-weight', 'only-notify'])
/** They ask a person before they change anything. */
const ASKING: ReadonlySet<string> = new Set(['asking', 'deciding'])
/** What has several steps or stands for long: three tenths as likely as the rest, since they cost twice as much, and half of the crowded runs play one as well. */
const LONGEST: ReadonlySet<string> = new Set(['line', 'holding', 'expiring-soon'])
/** Three of ten short waits are long ones instead. */
const SMALL = ['line', 'holding', 'expiring-soon', ...Object.keys(ACTION_RUNBOOKS)].flatMap((name) =>
  Array.from({ length: LONGEST.has(name) ? 3 : 10 }, (_unused, index) =>
    name === 'only-wait' && index < 3 ? 'long-wait' : name,
  ),
) as [string, ...string[]]
const SPIKE = 'api-5xx-spike'
const SLOW = 'twin-slow'
const FLAPS = { alarm: SPIKE, stays: false, standsForS: 40, awayForS: 90 } as const

/** What is left out makes room for more of the rest: in so many runs the alarm stands to the end, and nothing is put back. */
const STAYS = 0.65

/** In so many runs a person starts a runbook as well. */
const BY_HAND = 0.06

/** In so many small runs a shipped runbook is played: they are the longest, and the exhaustive search plays them as well. */
const BY_SHIPPED = 0.03

/** In so many runs the account takes as long as the demo's to follow a change; each further look at it while it does shows nothing new. */
const SLOW_ACCOUNT = 0.1
const QUICK_MS = 8 * SECOND_MS

/** Draws a run. Most are small, so that the faults of many runs fall on few steps; the others are crowded, and cost three times as much. */
export function sceneFrom(dice: Dice, startAtMs: number): Scene {
  return dice.chance(0.94) ? smallScene(dice, startAtMs) : crowdedScene(dice, startAtMs)
}

/** One alarm and one runbook, nobody else: what the exhaustive search plays. */
export function quietScene(runbook: string, startAtMs: number): Scene {
  const at = (afterMs: number, state: 'ALARM' | 'OK'): Happening => ({
    atMs: startAtMs + afterMs,
    is: 'alarm',
    alarm: SPIKE,
    state,
    copies: 1,
  })
  const asks = runbook === 'asking' || SHIPPED.includes(runbook)
  const catalogue = catalogueOf({ runbooks: [runbook], startsPerHour: 20 })
  return {
    ...STILL,
    catalogueAt: () => catalogue,
    alarms: [SPIKE],
    ...(EXPIRING.has(runbook) ? { autoscaler: true } : {}),
    happenings: [
      at(SECOND_MS, 'ALARM'),
      ...(asks ? [{ atMs: startAtMs + 2 * MINUTE_MS, is: 'person', verb: 'approve' } as const] : []),
      at(4 * MINUTE_MS, 'OK'),
    ],
    faultsForMs: 0,
  }
}

/**
 * Many alarms at once, each told many times over four minutes, while everything may fail. Those of the services that share one
 * target come again, within the cooldown of their runbooks.
 */
export function stormScene(
  startAtMs: number,
  size: {
    readonly alarms: number
    readonly copies: number
    readonly startsPerHour: number
    /** So many of the services scale one ECS service. */
    readonly sharing: number
  },
): Scene {
  const alarms = Array.from({ length: size.alarms }, (_unused, index) => `storm-${index}`)
  const catalogue = stormCatalogue(alarms, size.startsPerHour, size.sharing)
  return {
    ...STILL,
    catalogueAt: () => catalogue,
    alarms,
    happenings: alarms.flatMap((alarm, index): readonly Happening[] => {
      const at = (afterMs: number, state: 'ALARM' | 'OK', copies: number): Happening => ({
        atMs: startAtMs + afterMs + 10 * index,
        is: 'alarm',
        alarm,
        state,
        copies,
      })
      const once = [at(0, 'ALARM', size.copies), at(5 * MINUTE_MS, 'OK', 1)]
      if (index >= size.sharing) return once
      return [...once, at(5.5 * MINUTE_MS, 'ALARM', 2), at(7 * MINUTE_MS, 'OK', 1)]
    }),
    faultsForMs: 6 * MINUTE_MS,
    losesWakes: true,
    startsPerHour: size.startsPerHour,
    atOnce: 20,
  }
}

const STILL = {
  atOnce: 4,
  strikes: [],
  answers: [],
  lagMs: {},
  indexLagMs: 0,
  autoscaler: false,
  losesWakes: false,
  startsPerHour: 20,
} as const

function smallScene(dice: Dice, startAtMs: number): Scene {
  const runbook = dice.chance(BY_SHIPPED) ? dice.pick<string>(['line', ...SHIPPED]) : dice.pick(SMALL)
  const happenings: Happening[] = []
  const rounds = dice.chance(0.15) ? 2 : 1
  const standsForS = LONG.has(runbook) ? 900 : 240
  // The checks of the shipped runbooks would look at it for ten minutes.
  const stays = !LONG.has(runbook) && !SHIPPED.includes(runbook) && dice.chance(STAYS)
  if (FLAPPING.has(runbook) && dice.chance(0.05))
    comeAndGo(dice, happenings, { ...FLAPS, fromMs: startAtMs, rounds: dice.between(3, 5) })
  else comeAndGo(dice, happenings, { alarm: SPIKE, fromMs: startAtMs, rounds, stays, standsForS })
  if (SHIPPED.includes(runbook) && dice.chance(0.5))
    happenings.push({
      atMs: startAtMs + dice.between(20, 240) * SECOND_MS,
      is: 'person',
      verb: dice.chance(0.9) ? 'approve' : 'deny',
    })
  if (runbook === 'only-paged' && dice.chance(0.4))
    happenings.push({ atMs: startAtMs + dice.between(2, 90) * SECOND_MS, is: 'person', verb: 'ack' })
  if (dice.chance(BY_HAND)) byHand(dice, happenings, runbook, startAtMs)
  const strikes = dice.chance(0.3) ? [strike(dice, 8)] : []
  const deployed = { runbooks: [runbook], startsPerHour: 20 }
  const scene = weather(dice, deployed, startAtMs, { faultsForMs: 4 * MINUTE_MS, staleShare: 0.3 })
  const autoscaler = scene.autoscaler || EXPIRING.has(runbook)
  if (autoscaler) autoscale(dice, happenings, startAtMs)
  return {
    ...scene,
    alarms: [SPIKE],
    happenings,
    strikes,
    answers: SHIPPED.includes(runbook) && dice.chance(0.3) ? answersOf(dice) : [],
    autoscaler,
  }
}

/** Two alarms about two services on the same resources that come, go, flap, and are told of more than once or never; people; somebody else's hand. */
function crowdedScene(dice: Dice, startAtMs: number): Scene {
  // Where nothing is deployed, two executions change the capacity one on top of the other.
  const first = dice.pick(['line', 'only-scale-out'])
  const second = dice.pick(['short', 'bounded', 'waiting', 'asking', 'deciding'])
  const happenings: Happening[] = []
  const add = (afterS: number, what: DistributiveOmit<Happening, 'atMs'>) =>
    void happenings.push({ ...what, atMs: startAtMs + afterS * SECOND_MS })
  // Two executions that begin together reach for the same locks.
  const together = dice.chance(0.5)
  const spikeAtMs = startAtMs + dice.between(0, 90) * SECOND_MS
  const rounds = () => (dice.chance(0.3) ? 2 : 1)
  const stays = dice.chance(STAYS)
  comeAndGo(dice, happenings, { alarm: SPIKE, fromMs: spikeAtMs, rounds: rounds(), stays })
  if (together || dice.chance(0.7)) {
    // Or the second one comes when the first has just made its change.
    const afterMs = dice.between(0, dice.chance(0.5) ? 300 : 5_000)
    const fromMs = together ? spikeAtMs + afterMs : startAtMs + dice.between(0, 90) * SECOND_MS
    comeAndGo(dice, happenings, { alarm: SLOW, fromMs, rounds: rounds(), stays })
  }
  if (second === 'asking' && dice.chance(0.5)) add(dice.between(30, 300), { is: 'person', verb: 'approve' })
  if (dice.chance(0.05)) add(dice.between(30, 400), { is: 'person', verb: 'resolve' })
  if (dice.chance(BY_HAND)) byHand(dice, happenings, dice.pick([first, second]), startAtMs)
  if (dice.chance(0.15)) {
    const service: PauseScope = { is: 'service', name: dice.pick(['api', 'twin']) }
    // Both services are in one account, so its pause takes half of the place that the pause of everything had.
    const scope = dice.pick<PauseScope>([
      { is: 'all' },
      { is: 'account', name: ACCOUNT },
      service,
      service,
      { is: 'runbook', name: first },
      { is: 'runbook', name: first },
      { is: 'runbook', name: second },
      { is: 'runbook', name: second },
    ])
    add(dice.between(1, 300), {
      is: 'person',
      verb: 'pause',
      scope,
      forMs: dice.between(5, 120) * SECOND_MS,
    })
  }
  const strikes = dice.chance(0.4) ? [strike(dice, 20), strike(dice, 20)] : []
  const startsPerHour = dice.chance(0.1) ? dice.between(1, 2) : 20
  const deployed = {
    runbooks: [first, second],
    startsPerHour,
    ...(dice.chance(0.2) ? { once: second } : {}),
  }
  // What one has changed the other reads too soon.
  const scene = weather(dice, deployed, startAtMs, { faultsForMs: 12 * MINUTE_MS, staleShare: 0.6 })
  if (scene.autoscaler) autoscale(dice, happenings, startAtMs)
  if (dice.chance(0.1)) add(dice.between(1, 600), foreignAct(dice))
  return {
    ...scene,
    alarms: [SPIKE, SLOW],
    happenings,
    strikes,
    answers: ASKING.has(second) ? answersOf(dice) : [],
  }
}

/** What else a run has against it. */
function weather(
  dice: Dice,
  deployed: Deployed,
  startAtMs: number,
  { faultsForMs, staleShare }: { readonly faultsForMs: number; readonly staleShare: number },
) {
  const stale = dice.chance(staleShare)
  const autoscaler = dice.chance(0.1)
  const newerAtMs = dice.chance(0.15) ? startAtMs + dice.between(1, 300) * SECOND_MS : Infinity
  const newer: Deployed = {
    startsPerHour: deployed.startsPerHour,
    // The first runbook is edited, or it is not there any more.
    runbooks: dice.chance(0.6) ? ['line-edited'] : ['short'],
  }
  const before = catalogueOf(deployed)
  const after = newerAtMs === Infinity ? before : catalogueOf(newer)
  return {
    catalogueAt: (nowMs: number) => (nowMs < newerAtMs ? before : after),
    faultsForMs,
    lagMs: stale
      ? {
          'ecs:DescribeServices': dice.between(0, 4) * SECOND_MS,
          'application-autoscaling:DescribeScalableTargets': dice.between(0, 4) * SECOND_MS,
          'codedeploy:ListDeployments': dice.between(0, 14) * SECOND_MS,
        }
      : {},
    indexLagMs: dice.chance(0.3) ? dice.between(0, 3_000) : 0,
    autoscaler,
    settlesInMs: dice.chance(SLOW_ACCOUNT) ? undefined : QUICK_MS,
    losesWakes: dice.chance(0.5),
    startsPerHour: deployed.startsPerHour,
    atOnce: 4,
  }
}
