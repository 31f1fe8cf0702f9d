import { parseArgs } from 'node:util'
import { EXHAUSTED, firstFaults, playHits, secondFaults, singleFaults, type Hit } from './proof/exhaustive.ts'
import { FAULTS, faultsAt, type Fault } from './proof/faults.ts'
import { runSeed } from './proof/run.ts'

/*
 * `npm run sim -- --seeds 2000` plays seeds and says what broke; `--from N` begins elsewhere, `--minutes M` goes on for a
 * time, `--seed N --trace` tells one run as a story. `--schedule exhaustive` plays every single fault at every I/O and every
 * pair within two adjacent turns, over every action and every shipped runbook; `--schedule pairs` every pair, wherever the
 * second one is, which takes an hour or two; `--runbook NAME` one of them, `--every N` each Nth pair. Exit code 1 where a
 * guarantee was broken.
 */

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '500' },
    from: { type: 'string', default: '1' },
    minutes: { type: 'string' },
    seed: { type: 'string' },
    schedule: { type: 'string', default: 'random' },
    runbook: { type: 'string' },
    every: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false },
  },
})

// Whoever reads only the first lines has read enough.
process.stdout.on('error', () => process.exit())
const say = (line: string) => void process.stdout.write(`${line}\n`)
// Errors are thrown by the thousand and nobody looks at them; the story of one run is told with all there is.
if (!values.trace) Error.stackTraceLimit = 0
const started = performance.now()
const seconds = () => (performance.now() - started) / 1_000

switch (values.schedule) {
  case 'random':
    await playSeeds()
    break
  case 'exhaustive':
    await playExhaustively('adjacent')
    break
  case 'pairs':
    await playExhaustively('any')
    break
  default:
    usage(`--schedule must be random, exhaustive or pairs, not "${values.schedule}"`)
}

function usage(problem: string): never {
  process.stderr.write(`${problem}\n`)
  process.exit(2)
}

function numberOf(name: 'seeds' | 'from' | 'minutes' | 'seed' | 'every'): number {
  const number = Number(values[name])
  return Number.isFinite(number) && number >= 0
    ? number
    : usage(`--${name} must be a number, not "${values[name]}"`)
}

async function playSeeds(): Promise<void> {
  const only = values.seed === undefined ? undefined : numberOf('seed')
  const first = only ?? numberOf('from')
  const last = only ?? (values.minutes === undefined ? first + numberOf('seeds') - 1 : Infinity)
  const untilS = values.minutes === undefined ? Infinity : numberOf('minutes') * 60
  const faults: { [fault in Fault]?: number } = {}
  const kinds = new Set<string>()
  const hit = new Set<string>()
  let runs = 0
  let points = 0
  let executions = 0
  let broken = 0
  for (let seed = first; seed <= last && seconds() < untilS; seed++) {
    const run = await runSeed({ seed, ...(values.trace ? { trace: say } : {}) })
    runs++
    points += run.points.length
    executions += run.executions
    for (const { name, fault } of run.points) {
      kinds.add(name)
      if (fault) hit.add(`${fault} at ${name}`)
    }
    for (const fault of FAULTS) faults[fault] = (faults[fault] ?? 0) + (run.faults[fault] ?? 0)
    if (only !== undefined) say(`trace hash ${run.hash}`)
    if (run.problems.length === 0) continue
    broken++
    say(`seed ${seed}: npm run sim -- --seed ${seed} --trace`)
    for (const problem of run.problems.slice(0, 5)) say(`  ${problem}`)
  }
  const took = seconds()
  say(`${runs} seeds, ${broken} with a broken guarantee, in ${took.toFixed(1)} s`)
  say(
    `${(runs / took).toFixed(1)} seeds/s, ${(points / took).toFixed(0)} I/Os/s, ${executions} executions, ${points} I/Os of ${kinds.size} kinds`,
  )
  say(`faults: ${FAULTS.map((fault) => `${fault} ${faults[fault] ?? 0}`).join(', ')}`)
  const possible = [...kinds].reduce((sum, name) => sum + faultsAt(name).length, 0)
  say(
    `points of I/O covered: ${hit.size} of ${possible}, each kind of I/O with each kind of fault that it can meet`,
  )
  process.exitCode = broken > 0 ? 1 : 0
}

async function playExhaustively(reach: 'adjacent' | 'any'): Promise<void> {
  const every = Math.max(1, numberOf('every'))
  let broken = 0
  const tell = (problems: readonly string[]) => {
    if (problems.length > 0) broken++
    for (const problem of problems) say(problem)
  }
  const chosen =
    values.runbook === undefined ? EXHAUSTED : EXHAUSTED.filter((name) => name === values.runbook)
  if (chosen.length === 0) usage(`--runbook must be one of ${EXHAUSTED.join(', ')}`)
  for (const runbook of chosen) {
    const singles = await singleFaults(runbook)
    const firsts = new Set((await firstFaults(runbook)).map(keyOf))
    let pairs = 0
    let played = 0
    for (const single of singles) {
      const run = await playHits(runbook, single)
      tell(run.problems)
      // The run with the first fault says what may follow it, and is played once for both.
      if (!firsts.delete(keyOf(single))) continue
      for (const second of secondFaults(single, run, reach)) {
        if (pairs++ % every !== 0) continue
        played++
        tell((await playHits(runbook, single, second)).problems)
      }
    }
    if (firsts.size > 0) throw new Error(`no single fault: ${[...firsts].join(', ')}`)
    say(
      `${runbook}: ${singles.length} single faults, ${played} of ${pairs} pairs; ${broken} broken so far, ${seconds().toFixed(0)} s`,
    )
  }
  process.exitCode = broken > 0 ? 1 : 0
}

function keyOf({ ordinal, fault }: Hit): string {
  return `${fault} at ${ordinal}`
}
