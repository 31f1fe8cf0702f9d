import { runSeed } from '../../sim/proof/run.ts'
import { stormScene } from '../../sim/proof/scene.ts'

test.each([
  ['10,000 signals', 100, '100 executions, as the limit allows', 100],
  ['1,000 signals', 10, 'the 60 executions that the limit allows', 60],
])(
  '%s of 100 alarms, each told %d times, while workers crash: 100 incidents and %s (G1, G4, G6)',
  async (_signals, copies, _what, startsPerHour) => {
    const run = await runSeed({
      seed: 7,
      share: 0.02,
      scene: (startAtMs) => stormScene(startAtMs, { alarms: 100, copies, startsPerHour }),
    })
    expect(run.problems).toEqual([])
    expect(run.incidents).toBe(100)
    expect(run.executions).toBe(startsPerHour)
    expect(run.faults['crash-after']).toBeGreaterThan(10)
  },
  120_000,
)
