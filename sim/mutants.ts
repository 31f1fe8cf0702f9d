import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { MUTANTS, type Mutant } from './proof/mutants.ts'

/*
 * `npm run sim:mutants` puts each deliberate defect into the code and plays seeds until the proof notices; `--seeds N` is
 * how many it may take, `--from N` where it begins, `--only TEXT` the defects whose name has the text. Exit code 1 where one
 * is not noticed.
 */

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20000' },
    from: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
  },
})

interface Answer {
  readonly seeds: number
  readonly last: number
  readonly found?: string
}

async function play({ name }: Mutant): Promise<Answer> {
  const script = fileURLToPath(new URL('./proof/mutated.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--no-warnings',
    script,
    name,
    values.seeds,
    values.from,
  ])
  return JSON.parse(stdout) as Answer
}

const say = (line: string) => void process.stdout.write(`${line}\n`)
const chosen = MUTANTS.filter(({ name }) => name.includes(values.only))
const queue = [...chosen]
let missed = 0
async function work(): Promise<void> {
  for (let mutant = queue.shift(); mutant; mutant = queue.shift()) {
    const { seeds, last, found } = await play(mutant)
    const { name, rule, demanded } = mutant
    const title = `${demanded ? '*' : ' '} ${rule}: ${name}`
    if (found === undefined) missed++
    say(
      found === undefined
        ? `${title}: NOT noticed in ${seeds} seeds`
        : `${title}: seed ${last} (${seeds}): ${found}`,
    )
  }
}
await Promise.all(Array.from({ length: availableParallelism() }, work))
say(
  `${chosen.length - missed} of ${chosen.length} defects noticed; * marks those that every run of the tests plays`,
)
process.exitCode = missed > 0 ? 1 : 0
