import type { Entry } from '../../lib/ledger/entry.ts'
import { attemptsOf } from '../../sim/proof/attempts.ts'
import { runSeed, type RunResult } from '../../sim/proof/run.ts'
import { stormScene } from '../../sim/proof/scene.ts'
import { STORM_BY, STORM_CEILING } from '../../sim/proof/settings.ts'
import { standingOf } from '../../sim/proof/standing.ts'
import { isUndo } from '../../sim/proof/told.ts'

/** So many of the services scale one ECS service, which has six tasks at first. */
const SHARING = 10
const FIRST_DESIRED = 6

const entriesOf = ({ streams }: RunResult): readonly Entry[] =>
  streams.flatMap(({ entries }) => entries.map(({ entry }) => entry))

const refusedFor = (run: RunResult) =>
  entriesOf(run)
    .flatMap((entry) => (entry.kind === 'execution.refused' ? [entry.code] : []))
    .toSorted()

/** Every change of the shared target that was made, in order. */
const changesIn = ({ streams }: RunResult) =>
  streams
    .flatMap((told) => attemptsOf(told).map((attempt) => ({ ...attempt, isUndo: isUndo(told) })))
    .filter(({ came, entry }) => came === 'applied' && entry.change.target.label === 'ECS service prod/api')
    .toSorted((a, b) => a.putAtMs - b.putAtMs)
    .map(({ entry: { change }, ...rest }) => ({
      ...rest,
      from: standingOf(change.before).desired,
      to: standingOf(change.after).desired ?? 0,
    }))

const times = (what: string, all: readonly string[]) => all.filter((one) => one === what).length

test.each([
  ['100 executions, one each', 1_000, 100],
  ['the 60 executions that the limit allows', 60, 60],
])(
  '10,000 signals of 100 alarms while workers crash: 100 incidents, %s, and no limit, cooldown, ceiling or lock is exceeded (G1, G4, G6)',
  async (_what, startsPerHour, executions) => {
    const run = await runSeed({
      seed: 7,
      share: 0.02,
      scene: (startAtMs) =>
        stormScene(startAtMs, { alarms: 100, copies: 100, startsPerHour, sharing: SHARING }),
    })
    expect(run.problems).toEqual([])
    expect(run.incidents).toBe(100)
    expect(run.executions).toBe(executions)
    expect(run.faults['crash-after']).toBeGreaterThan(10)

    // Whoever was refused by the limit is on record; and nobody who has started did so twice, though ten alarms came again.
    const refused = refusedFor(run)
    const started = entriesOf(run).filter((entry) => entry.kind === 'execution.started')
    expect(times('rate', refused)).toBeGreaterThanOrEqual(100 - executions)
    expect(times('cooldown', refused)).toBeGreaterThan(0)
    expect(new Set(started.map(({ service }) => service)).size).toBe(executions)

    // Each change of the shared target was built on the one before it, as they can only under its lock, up to the ceiling.
    const changes = changesIn(run)
    const room = STORM_CEILING - FIRST_DESIRED
    expect(changes.filter(({ isUndo: back }) => !back)).toHaveLength(room / STORM_BY)
    expect(changes.map(({ from }) => from)).toEqual([
      FIRST_DESIRED,
      ...changes.slice(0, -1).map(({ to }) => to),
    ])
    expect(Math.max(...changes.map(({ to }) => to))).toBe(STORM_CEILING)
    expect(changes.at(-1)?.to).toBe(FIRST_DESIRED)
    const turnedDown = entriesOf(run).filter(
      (entry) => entry.kind === 'step.failed' && entry.code === 'guardrail',
    )
    expect(turnedDown.length).toBeGreaterThan(0)
  },
  120_000,
)
