import { availableParallelism, loadavg } from 'node:os'
import { adds } from './adds.ts'
import { chat } from './chat.ts'
import { execution } from './execution.ts'
import type { Section } from './figures.ts'
import { firstEffect } from './first-effect.ts'
import { modules } from './modules.ts'
import { renderJson, renderText, type Machine } from './report.ts'
import { storm } from './storm.ts'
import { writes } from './writes.ts'

const MEASUREMENTS: { readonly [name: string]: () => Promise<Section> } = {
  writes,
  adds,
  execution: () => execution(),
  'first-effect': () => firstEffect(),
  modules: () => modules(),
  storm: () => storm(),
  chat: () => chat(),
}

const USAGE = `npm run bench -- [--json] [${Object.keys(MEASUREMENTS).join('] [')}]

Measures what is named, or everything. A goal that is missed is printed as missed; the exit code is 0 all the same.`

/** Measurements run one after the other, so that none takes another's time. */
async function main(args: readonly string[]): Promise<number> {
  const asked = args.filter((arg) => arg !== '--json')
  const unknown = asked.filter((name) => !Object.hasOwn(MEASUREMENTS, name))
  if (unknown.length > 0) {
    const isHelp = unknown.some((arg) => arg === '--help' || arg === '-h')
    console[isHelp ? 'log' : 'error'](
      isHelp ? USAGE : `there is no measurement ${unknown.join(', ')}\n\n${USAGE}`,
    )
    return isHelp ? 0 : 2
  }
  const json = args.includes('--json')
  const machine = machineNow()
  if (!json)
    console.log(`${machine.cores} cores, Node ${machine.node}, ${machine.at}, load ${machine.load}\n`)
  const sections: Section[] = []
  for (const [name, measure] of Object.entries(MEASUREMENTS)) {
    if (asked.length > 0 && !asked.includes(name)) continue
    const section = await measure()
    sections.push(section)
    if (!json) console.log(`${renderText([section])}\n`)
  }
  if (json) console.log(renderJson(machine, sections))
  return 0
}

/** Times are worth little where the load already comes near the number of cores. */
function machineNow(): Machine {
  const load = Math.round((loadavg()[0] ?? 0) * 100) / 100
  return { cores: availableParallelism(), node: process.version, at: new Date().toISOString(), load }
}

process.exitCode = await main(process.argv.slice(2))
