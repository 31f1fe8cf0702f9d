import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { addedBy, adds, measureAdds, type Adds } from '../bench/adds.ts'
import { recordChain, storeTripsBefore, type Chain } from '../bench/chain.ts'
import { measureExecution } from '../bench/execution.ts'
import { atMost, exactly, shuffled, spreadOf } from '../bench/figures.ts'
import { measureFirstEffect } from '../bench/first-effect.ts'
import { measureLoads, modules } from '../bench/modules.ts'
import { runBare, runEngine } from '../bench/pairs.ts'
import { renderJson, renderText } from '../bench/report.ts'
import { startStore } from '../bench/store.ts'
import { acknowledge, commandOf } from '../bench/chat.ts'
import { playStorm, putsPerDuplicate } from '../bench/storm.ts'
import { measureWrites, writes } from '../bench/writes.ts'
import { countingStorage } from '../lib/ledger/counting.ts'
import { memoryStorage } from '../lib/ledger/memory.ts'

// The bench in its smallest form: what it counts is asserted, what it times is not.

test('four steps are five records, one lock taken and released each target, and no read of the stream (CORE.md 1.3)', async () => {
  const { steps, targets, phases } = await measureWrites()
  expect([steps, targets]).toEqual([4, 3])
  expect(phases.steps.puts).toEqual({ REC: steps + 1, LOCK: 2 * targets })
  expect(phases.steps.queries).toEqual({})
  expect(phases.start.puts).toMatchObject({ OPEN: 2, REC: 1, RUNBOOK: 1, HEAD: 2 })
  expect(phases.start.gets).toEqual({ CONTROL: 1 })
})

test('every line of the writes has its phase, and the whole life of the incident is among them', async () => {
  const { lines } = await writes()
  const text = renderText([{ name: 'writes', title: '', lines }])
  for (const what of ['end: put OPEN', 'end: put LIMIT', 'undo: put REC', 'undo: put LOCK'])
    expect(text).toContain(what)
})

describe('what locks, limits and verdicts add', () => {
  let measured: Adds
  beforeAll(async () => {
    measured = await measureAdds()
  })
  const added = (name: keyof Adds['additions']) => addedBy(measured.additions[name])

  test('the bare life has no lock, and as many records as it has without a verdict: three of the incident, three of the execution', () => {
    expect(measured.bare).toMatchObject({ 'put LOCK': 0, 'put REC': 6, 'put HEAD': 5, 'get CONTROL': 1 })
    expect(Object.keys(measured.bare).filter((operation) => operation.includes('LIMIT'))).toEqual([])
  })

  test('a lock adds two puts a target, and one more where the target is known; no lock is read', () => {
    const { targets } = measured
    expect(added('locks')).toEqual({ 'put LOCK': 2 * targets, 'write units': 2 * targets })
    expect(added('locks, known targets')).toEqual({
      'put LOCK': 3 * targets,
      'conflict on LOCK': targets,
      'write units': 3 * targets,
    })
  })

  test("limits add a put for each window and one for the end, and a runbook's own window one more", () => {
    expect(added('limits')).toEqual({ 'put LIMIT': 3, 'get LIMIT': 1, 'write units': 3 })
    expect(added('limits, known windows')).toMatchObject({ 'put LIMIT': 5, 'conflict on LIMIT': 2 })
    expect(added("limits, runbook's own")).toEqual({ 'put LIMIT': 1, 'write units': 1 })
    expect(added('kill switch')).toEqual({ 'get CONTROL': 1 })
  })

  test('verdicts add records, and HEAD and reads of polls; both kinds together poll no more often than each alone', () => {
    const [verification, check] = [added('verification'), added('check')]
    expect(verification).toMatchObject({ 'put REC': 2, 'put HEAD': 3 })
    expect(check).toMatchObject({ 'put REC': 2, 'put HEAD': 10 })
    const together = addedBy(measured.together)
    expect(together).toMatchObject({ 'put LOCK': 6, 'put LIMIT': 4, 'get CONTROL': 1, 'put REC': 4 })
    for (const operation of ['put HEAD', 'query'])
      expect(together[operation]).toBeLessThanOrEqual(
        (verification[operation] ?? 0) + (check[operation] ?? 0),
      )
  })

  test('every addition has its lines, with what it was before and after', async () => {
    const text = renderText([await adds()])
    expect(text).toMatch(/locks: put LOCK +6 +goal 6: met +0 -> 6;/)
    expect(text).toMatch(/check: put HEAD +10 +5 -> 15/)
    expect(text).not.toContain('MISSED')
  })
})

let chain: Chain

beforeAll(async () => {
  chain = await recordChain()
})

test('the recorded execution, issued bare, is the very same writes and reads', async () => {
  const engine = countingStorage(memoryStorage())
  const bare = countingStorage(memoryStorage())
  await runEngine(chain, engine, 'last-record')
  await runBare(chain, bare, 'last-record')
  expect(bare.operations()).toEqual(engine.operations())
  expect(engine.operations().conflicts).toEqual({})
})

test('a request waits for what the engine waits for, and for nothing else', () => {
  const { links, firstEffect, lastRecord, steps } = chain
  const after = (key: string) => links.find((link) => link.key === key)?.after ?? []
  expect(steps).toBe(4)
  // Intent first (G2): the first effect waits for record 0 and by it for everything before.
  expect(after(firstEffect)).toEqual([expect.stringMatching(/^put INC#\S+ REC#\S+#000000 1$/)])
  const takes = links.filter(({ key }) => key.startsWith('put LOCK#ecs/123456789012/eu-west-1/prod/api LOCK'))
  expect(takes).toHaveLength(2)
  // The release is waited for by nothing that the steps need.
  const release = takes[1]?.key ?? ''
  expect(links.filter(({ key }) => key.includes('REC#inc-')).flatMap((link) => link.after)).not.toContain(
    release,
  )
  expect(links.at(-1)?.key).not.toBe(lastRecord)
})

test('the first effect waits for four answers of the store (CORE.md 1.2)', () => {
  expect(storeTripsBefore(chain, chain.firstEffect)).toBe(4)
})

test('a storm of 100 alarms is 100 incidents and 100 executions, nothing is lost, and a duplicate is one put (G1)', async () => {
  const inTurn = await playStorm(memoryStorage(), 100, 1_000, 1)
  expect(inTurn).toMatchObject({
    incidents: 100,
    executions: 100,
    effects: 100,
    pages: 100,
    lost: 0,
    redelivered: 0,
  })
  expect(inTurn.putsOfDuplicates).toEqual(Array.from({ length: 900 }, () => 1))
  expect(putsPerDuplicate(inTurn)).toBe(1)
})

test('many functions at once change nothing about it', async () => {
  const atOnce = await playStorm(memoryStorage(), 100, 1_000, 16)
  expect(atOnce).toMatchObject({ incidents: 100, executions: 100, effects: 100, pages: 100, lost: 0 })
})

test('the times are taken on one embedded DynamoDB, where the same counts hold', async () => {
  const { pairs, perSecond } = await measureExecution({
    pairs: 2,
    warmUp: 0,
    blocks: 2,
    executionsPerBlock: 2,
    inFlight: 2,
  })
  expect([pairs.ratio.runs, perSecond.runs]).toEqual([2, 2])
  const { pairs: first } = await measureFirstEffect({ pairs: 2, warmUp: 0 })
  expect(first.ratio.runs).toBe(2)
  const store = await startStore()
  try {
    const result = await playStorm(store.storage, 5, 20, 1)
    expect(result).toMatchObject({ incidents: 5, executions: 5, effects: 5, lost: 0 })
    expect(result.putsOfDuplicates).toEqual(Array.from({ length: 15 }, () => 1))
  } finally {
    await store.close()
  }
}, 60_000)

test('modules are loaded in fresh processes; where nothing is packaged it says how to', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'firebreak-bench-test-'))
  try {
    expect((await modules({ runs: 1 }, folder)).skipped).toContain('npm run package')
    writeFileSync(join(folder, 'small.mjs'), 'export const handler = async () => 1\n')
    const loads = await measureLoads(2, folder)
    expect(loads.map(({ name, importMs }) => [name, importMs.runs])).toEqual([
      ['an empty function', 2],
      ['small', 2],
    ])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}, 60_000)

test('a goal that is missed is printed as missed', () => {
  const lines = [
    { what: 'fast', unit: 'ms', figure: spreadOf([3, 1, 2]), goal: atMost(2) },
    { what: 'slow', unit: '', figure: 1.21, goal: atMost(1.2) },
    { what: 'count', unit: '', figure: 99, goal: exactly(100) },
  ]
  const section = { name: 'x', title: 'y', lines }
  expect(
    renderText([section])
      .split('\n')
      .slice(1)
      .map((line) => line.trim().replaceAll(/ +/g, ' ')),
  ).toEqual([
    'fast 2 (1 to 3, 3 runs) ms goal at most 2: met',
    'slow 1.21 goal at most 1.20: MISSED',
    'count 99 goal 100: MISSED',
  ])
  const machine = { cores: 2, node: 'v24', at: '2026-11-23T09:00:00.000Z', load: 0 }
  const printed = JSON.parse(renderJson(machine, [section])) as { sections: { lines: { met: boolean }[] }[] }
  expect(printed.sections[0]?.lines.map(({ met }) => met)).toEqual([true, false, false])
})

test('a seed decides the order, and nothing is lost in it', () => {
  const list = Array.from({ length: 50 }, (_unused, index) => index)
  expect(shuffled(list, 7)).toEqual(shuffled(list, 7))
  expect(shuffled(list, 7)).not.toEqual(shuffled(list, 8))
  expect(shuffled(list, 7).toSorted((a, b) => a - b)).toEqual(list)
})

test.each([
  ['a command', 'status', 1],
  ['a slip of the keyboard', 'staus', 0],
  ['the help', 'help', 0],
])(
  '%s of Slack is acknowledged with %s: messages to the outbox, and nothing of the ledger',
  async (_what, text, sent) => {
    const [answer] = await acknowledge([commandOf(text, 1)])
    expect(answer).toMatchObject({ status: 200, sent, ledger: 0 })
  },
)
