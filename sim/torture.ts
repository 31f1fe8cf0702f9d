import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { judge } from './torture/judge.ts'
import { linesOf, reportOf } from './torture/report.ts'
import { torture } from './torture/run.ts'

/*
 * `npm run torture -- --executions 1000` kills real worker processes at random moments and then proves from the account's
 * own log that nothing was lost or doubled. `--seed S` draws alarms and kills (processes are not deterministic: the same
 * seed is the same plan, not the same run), `--workers K` works with K at a time, `--trace` tells what happens, `--keep FILE`
 * writes down all that was judged. Exit code 1 where anything was wrong.
 */

const { values } = parseArgs({
  options: {
    executions: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    workers: { type: 'string', default: '3' },
    trace: { type: 'boolean', default: false },
    keep: { type: 'string' },
  },
})

function numberOf(name: 'executions' | 'seed' | 'workers', least: number): number {
  const number = Number(values[name])
  if (Number.isInteger(number) && number >= least) return number
  process.stderr.write(`--${name} must be a whole number from ${least} on, not "${values[name]}"\n`)
  process.exit(2)
}

const say = (line: string) => void process.stdout.write(`${line}\n`)
const options = {
  executions: numberOf('executions', 1),
  seed: numberOf('seed', 0),
  workers: numberOf('workers', 1),
}
const folder = await mkdtemp(join(tmpdir(), 'firebreak-torture-'))
const startedMs = performance.now()
const secondsSince = () => (performance.now() - startedMs) / 1_000
try {
  const { evidence, ...run } = await torture({
    ...options,
    folder,
    tell: values.trace ? say : () => {},
    progress: (onsets, kills) =>
      void process.stderr.write(
        `${secondsSince().toFixed(0)} s: ${onsets} alarms, ${kills} workers killed\n`,
      ),
  })
  if (values.keep !== undefined) await writeFile(values.keep, JSON.stringify(evidence))
  const findings = judge(evidence)
  linesOf(reportOf(evidence), findings, { ...options, ...run, seconds: secondsSince() }).forEach(say)
  process.exitCode = Object.values(findings).some((found) => found.length > 0) ? 1 : 0
} finally {
  await rm(folder, { recursive: true, force: true })
}
