import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { MUTANTS, mutate } from './mutants.ts'

/*
 * Plays seeds with one deliberate defect in the code until something is noticed. Arguments: the defect's name, how many
 * seeds at most, the first seed. Writes what was found as one line of JSON.
 */

const [, , name = '', most = '0', first = '1'] = process.argv
const mutant = MUTANTS.find((candidate) => candidate.name === name)
if (!mutant) throw new Error(`there is no defect "${name}"`)
const place = fileURLToPath(new URL(`../../${mutant.file}`, import.meta.url))
let isIn = false
registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    if (!url.startsWith('file:') || fileURLToPath(url) !== place) return loaded
    isIn = true
    return { ...loaded, source: mutate(mutant, textOf(loaded.source)) }
  },
})

function textOf(source: string | ArrayBuffer | NodeJS.TypedArray | undefined): string {
  if (source === undefined) throw new Error('a module without source cannot have a defect')
  return typeof source === 'string' ? source : new TextDecoder().decode(source)
}

const { runSeed } = await import('./run.ts')
let seed = Number(first)
let found: string | undefined
for (; seed < Number(first) + Number(most) && found === undefined; seed++) {
  const { problems } = await runSeed({ seed })
  found = problems[0]
}
if (!isIn) throw new Error(`"${name}": ${mutant.file} was not loaded`)
process.stdout.write(`${JSON.stringify({ seeds: seed - Number(first), last: seed - 1, found })}\n`)
