import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { InvalidArgumentError, type Command } from 'commander'
import { describe } from '../lib/errors.ts'
import { incidentIdOf } from '../lib/ids.ts'
import { checkBundle, type Checked } from '../lib/bundle.ts'
import { verifyChain, type ChainVerdict } from '../lib/ledger/chain.ts'
import { stackOf } from './ask-stack.ts'
import { contextOf, type Context } from './context.ts'
import { documented } from './documented.ts'
import { EXIT, Failure } from './exit.ts'
import { readText } from './files.ts'
import { plural, printable } from './output.ts'
import { bundleSchema, fetchBundle, INCIDENT, type Bundle } from './records.ts'

/** Far above any incident; what is larger was not written by `export`. */
const MAX_BUNDLE_BYTES = 256 * 1024 * 1024

interface Heads {
  readonly [stream: string]: string
}

export function register(program: Command): void {
  const command = program
    .command('verify')
    .description(
      'Proves that records are unaltered: their numbering and their hash chain, the runbooks that they name, and that what was approved is what was done. Works on a file without any stack. Names the first broken record and exits with 1.',
    )
    .argument('<file-or-id>', 'a file that `export` wrote, or the id of an incident')
    .option(
      '--head <stream=hash>',
      'a head hash that was kept elsewhere; may be repeated. Proves that nothing was cut off',
      addHead,
    )
    .action(async (what: string, options: { readonly head?: Heads }, self: Command) =>
      verify(self, what, options.head ?? {}),
    )
  documented(command, [
    ['firebreak verify incident.json', 'check a file, offline'],
    ['firebreak verify inc-4k2m9x7p0qzr', 'check what the stack has on record'],
    ['firebreak verify incident.json --head incident=5d1c…', 'against a hash that was kept'],
  ])
}

function addHead(text: string, before: Heads | undefined): Heads {
  const [, stream, hash] = /^([\w.-]{1,100})=([0-9a-f]{64})$/.exec(text) ?? []
  if (stream === undefined || hash === undefined)
    throw new InvalidArgumentError('Write <stream>=<hash of 64 hex digits>.')
  return { ...before, [stream]: hash }
}

async function verify(command: Command, what: string, heads: Heads): Promise<void> {
  const context = contextOf(command)
  const bundle = await bundleOf(context, what)
  const chain = judge(bundle, heads)
  const checked =
    chain.is === 'consistent' && bundle.runbooks ? checkBundle(bundle.records, bundle.runbooks) : undefined
  const [wrong] = checked?.findings ?? []
  const verdict: ChainVerdict = wrong ? { is: 'broken', ...wrong } : chain
  const beside =
    checked === undefined ? {} : { runbooks: checked.runbooks, approved_changes: checked.approved }
  if (context.settings.json) context.printJson({ incident_id: bundle.incidentId, ...verdict, ...beside })
  else report(context, bundle, verdict, checked)
  if (verdict.is === 'broken') context.exit(EXIT.failed)
  else if (Object.keys(heads).length === 0) {
    context.say(
      'This proves that what is there is consistent. That nothing is missing at the end, only a head hash proves that was kept elsewhere: --head <stream=hash>',
    )
  }
}

function report(
  { print, paint }: Context,
  bundle: Bundle,
  verdict: ChainVerdict,
  checked: Checked | undefined,
): void {
  if (verdict.is === 'broken') {
    print(`${paint('red', 'BROKEN')} at ${printable(verdict.address)}: ${printable(verdict.reason)}`)
    return
  }
  print(
    `${paint('green', 'consistent')}: ${plural(verdict.records, 'record')} in ${plural(verdict.streams, 'stream')} of ${printable(bundle.incidentId)}`,
  )
  if (checked)
    print(
      `  ${plural(checked.runbooks, 'runbook')} as the record names ${checked.runbooks === 1 ? 'it' : 'them'}; ${plural(checked.approved, 'change')} as approved`,
    )
  for (const [stream, hash] of Object.entries(verdict.heads))
    print(`  head ${printable(stream)}=${printable(hash)}`)
}

/** A name that is both a file and an id means the file. */
async function bundleOf(context: Context, what: string): Promise<Bundle> {
  const { terminal } = context
  const isFile = statSync(resolve(terminal.cwd, what), { throwIfNoEntry: false }) !== undefined
  if (!isFile && incidentIdOf(what) !== undefined)
    return (await fetchBundle(await stackOf(context), what)).bundle
  return parseBundle(what, readText(what, terminal.cwd, MAX_BUNDLE_BYTES))
}

/** A file that is no bundle fails the verification: somebody may have made it so. */
function parseBundle(path: string, text: string): Bundle {
  const refuse = (why: string): Failure =>
    new Failure(
      EXIT.failed,
      'not-a-bundle',
      `${printable(path)} is not what \`firebreak export\` writes: ${why}`,
    )
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ''))
  } catch (error) {
    throw refuse(error instanceof Error ? printable(error.message).slice(0, 200) : 'it is not JSON')
  }
  const parsed = bundleSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw refuse(`${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim())
}

/** The chain, and that every stream belongs to the incident: streams of another one may be consistent, too. */
function judge(bundle: Bundle, heads: Heads): ChainVerdict {
  if (bundle.records.length === 0 && Object.keys(heads).length === 0) {
    return { is: 'broken', address: `${INCIDENT}/0`, reason: 'there are no records' }
  }
  const foreign = bundle.records.find(
    ({ stream }) => stream !== INCIDENT && incidentIdOf(stream) !== bundle.incidentId,
  )
  if (foreign)
    return {
      is: 'broken',
      address: `${foreign.stream}/${foreign.seq}`,
      reason: `it does not belong to ${bundle.incidentId}`,
    }
  try {
    return verifyChain(bundle.records, heads)
  } catch (error) {
    // An entry that is nested too deeply to be hashed is none of ours.
    return { is: 'broken', address: 'unknown', reason: `it cannot be checked: ${describe(error)}` }
  }
}
