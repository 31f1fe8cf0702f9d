import { parseArgs } from 'node:util'
import { playSingle, singleFaults } from './proof/exhaustive.ts'
import { FAULTS, type Fault } from './proof/faults.ts'
import { runSeed } from './proof/run.ts'

/*
 * `npm run sim -- --seeds 2000` plays seeds and says what broke; `--from N` begins elsewhere, `--minutes M` goes on for a
 * time, `--seed N --trace` tells one run as a story, `--schedule exhaustive --seed N` plays each single fault at each I/O of that
 * run. Exit code 1 where a guarantee was broken.
 */

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '500' },
    from: { type: 'string', default: '1' },
    minutes: { type: 'string' },
    seed: { type: 'string' },
    schedule: { type: 'string', default: 'random' },
    trace: { type: 'boolean', default: false },
  },
})

function numberOf(name: 'seeds' | 'from' | 'minutes' | 'seed'): number {
  const number = Number(values[name])
  if (Number.isFinite(number) && number >= 0) return number
  process.stderr.write(`--${name} must be a number, not "${values[name]}"\n`)
  process.exit(2)
}

const say = (line: string) => void process.stdout.write(`${line}\n`)
const started = performance.now()
if (values.schedule === 'exhaustive') {
  await playExhaustively(values.seed === undefined ? 1 : numberOf('seed'))
  process.exit()
}
const only = values.seed === undefined ? undefined : numberOf('seed')
const first = only ?? numberOf('from')
const last = only ?? (values.minutes === undefined ? first + numberOf('seeds') - 1 : Infinity)
const untilMs = values.minutes === undefined ? Infinity : started + numberOf('minutes') * 60_000
const faults: { [fault in Fault]?: number } = {}
const names = new Set<string>()
let runs = 0
let points = 0
let executions = 0
let broken = 0
for (let seed = first; seed <= last && performance.now() < untilMs; seed++) {
  const run = await runSeed({ seed, ...(values.trace ? { trace: say } : {}) })
  runs++
  points += run.points.length
  executions += run.executions
  for (const { name } of run.points) names.add(name)
  for (const fault of FAULTS) faults[fault] = (faults[fault] ?? 0) + (run.faults[fault] ?? 0)
  if (only !== undefined) say(`trace hash ${run.hash}`)
  if (run.problems.length === 0) continue
  broken++
  say(`seed ${seed}: npm run sim -- --seed ${seed} --trace`)
  for (const problem of run.problems.slice(0, 5)) say(`  ${problem}`)
}
const seconds = (performance.now() - started) / 1_000
say(`${runs} seeds, ${broken} with a broken guarantee, in ${seconds.toFixed(1)} s`)
say(
  `${(runs / seconds).toFixed(1)} seeds/s, ${(points / seconds).toFixed(0)} I/Os/s, ${executions} executions, ${points} I/Os of ${names.size} kinds`,
)
say(`faults: ${FAULTS.map((fault) => `${fault} ${faults[fault] ?? 0}`).join(', ')}`)
process.exitCode = broken > 0 ? 1 : 0

async function playExhaustively(seed: number): Promise<void> {
  const singles = await singleFaults(seed)
  let count = 0
  for (const one of singles) {
    const problems = await playSingle(seed, one)
    if (problems.length > 0) count++
    for (const problem of problems) say(problem)
  }
  const took = ((performance.now() - started) / 1_000).toFixed(1)
  say(`seed ${seed}: ${singles.length} single faults, ${count} with a broken guarantee, in ${took} s`)
  process.exitCode = count > 0 ? 1 : 0
}
