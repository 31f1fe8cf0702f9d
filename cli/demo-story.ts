import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { undoStreamOf } from '../lib/ids.ts'
import { verifyChain, type ChainRecord } from '../lib/ledger/chain.ts'
import { listIncidents } from '../lib/ledger/head.ts'
import { loadRecords } from '../lib/ledger/records.ts'
import type { Catalogue } from '../lib/runbook/runbook.ts'
import { timelineOf } from '../lib/timeline.ts'
import { startLocal, type LocalStack } from '../sim/local.ts'
import { apiBadCanary } from '../sim/scenarios.ts'
import type { Context } from './context.ts'
import { packageRoot } from './documented.ts'
import { endingOf, treeOf } from './execution-tree.ts'
import { EXIT, Failure } from './exit.ts'
import { withFakeSlack } from './fake-slack.ts'
import { compile } from './files.ts'
import { liveTree, plainTree, type Live } from './live.ts'
import { localToken, openAddress, serveLocal, withGrant } from './local-server.ts'
import { timeText } from './output.ts'
import { entriesOf, INCIDENT, streamsOf } from './records.ts'
import { renderTimelineText } from './render-timeline.ts'
import { scenery } from './demo-scenery.ts'

export interface DemoOptions {
  readonly chaos: boolean
  readonly speed: number
  readonly exit: boolean
}

/** Idle time passes this much faster, so that half an hour of an incident is told in less than a minute. */
const IDLE_SPEED = 36

/** How much virtual time the story may take before it counts as failed. */
const PATIENCE_MS = 60 * 60_000

const LOOK_EVERY_MS = 100

/** The call after which the worker is killed: in the middle of the runbook, with effects before and after it. */
const KILLED_AFTER = 'route53:ChangeResourceRecordSets'

/** How often each call may take effect: the changes of the runbook, and the slow steps of its undo. */
const EXPECTED: { readonly [call: string]: number } = {
  'ecs:UpdateService': 4,
  'route53:ChangeResourceRecordSets': 1,
  'codedeploy:CreateDeployment': 1,
}

interface Outcome {
  readonly ok: boolean
  readonly incidentId: string
  readonly mitigated: boolean
  readonly resolved: boolean
  readonly undone: boolean
  readonly killed: number
  readonly effects: { readonly [call: string]: number }
  readonly doubled: readonly string[]
  readonly chain: string
}

/** Plays the demo and tells it as it happens. */
export async function playDemo(context: Context, options: DemoOptions): Promise<{ readonly ok: boolean }> {
  const { terminal, settings } = context
  const { token, grant } = localToken(terminal.user || 'unknown')
  const catalogue = withFakeSlack(withGrant(await demoCatalogue(), grant), grant.name)
  const account = apiBadCanary({
    startAtMs: Math.floor(terminal.now() / 60_000) * 60_000,
    releaseAfterMs: 20_000,
  })
  const stamp = () => timeText(account.now()).slice(11, 19)
  const live = settings.json ? silentLive() : storyLive(context, stamp)
  // On a terminal a line is a line: what is longer is cut, colours not counted.
  const note = (text: string) =>
    live.note(
      terminal.outIsTty ? `${context.paint('dim', stamp())} ${cut(text, terminal.columns - 10)}` : text,
    )
  let killed = 0
  const stack = await startLocal({
    account,
    catalogue,
    idleSpeed: () => IDLE_SPEED * options.speed,
    onWorker: (pid, number) => note(`worker ${number} starts as process ${pid}`),
    onWorkerDied: (pid) =>
      note(
        context.paint(
          'red',
          `worker process ${pid} is dead (SIGKILL): its call was made, the answer never recorded`,
        ),
      ),
  })
  const unhook = options.chaos
    ? account.onCall({
        after(call) {
          if (call.name !== KILLED_AFTER || killed > 0) return
          killed += 1
          stack.killWorker()
          throw new Error('the worker that asked is gone')
        },
      })
    : () => {}
  const server = await serveLocal(stack, { cwd: terminal.cwd, port: 0, token })
  try {
    note(`to watch it in a browser: ${openAddress(server.url, token)} (its chat: ${server.url}/fake-slack)`)
    note('a simulated account: service api (6 tasks) behind weighted DNS, 10 % of the traffic on a canary')
    const incidentId = await tell(context, stack, live, note)
    live.end()
    const outcome = await judge(stack, incidentId, killed, options.chaos)
    await conclude(context, stack, outcome, options, server.url)
    if (!options.exit) await stayUp(context, server.url)
    return { ok: outcome.ok }
  } finally {
    unhook()
    await server.close()
    await stack.close()
  }
}

/** The shipped runbooks, under the demo's own policy. */
async function demoCatalogue(): Promise<Catalogue> {
  const read = (path: string, as = path) => ({
    path: as,
    text: readFileSync(join(packageRoot, path), 'utf8'),
  })
  const files = [
    read('runbooks/api-5xx-spike.yaml', 'api-5xx-spike.yaml'),
    read('runbooks/services.yaml', 'services.yaml'),
    read('runbooks/oncall.yaml', 'oncall.yaml'),
    read('sim/demo-policy.yaml', 'policy.yaml'),
  ]
  const { catalogue, diagnostics } = await compile(files)
  if (catalogue) return catalogue
  const [first] = diagnostics
  throw new Failure(
    EXIT.failed,
    'bad-runbooks',
    `the shipped runbooks have a mistake: ${first?.file}:${first?.line} ${first?.message}`,
    {
      remedy: 'See `firebreak lint`.',
    },
  )
}

/** Looks at the record and the account until everything has been put back; answers the incident's id, empty where none came. */
async function tell(
  context: Context,
  stack: LocalStack,
  live: Live,
  note: (text: string) => void,
): Promise<string> {
  const startedMs = stack.now()
  const seen = scenery(context.paint, note)
  let incidentId = ''
  while (stack.now() - startedMs < PATIENCE_MS && !context.terminal.interrupted()) {
    seen.look(stack.account)
    incidentId ||= (await listIncidents(stack.storage, 1))[0]?.incidentId ?? ''
    if (incidentId !== '') {
      const records = await loadRecords(stack.storage, incidentId)
      live.show(treesOf(records, stack.now()))
      seen.read(records, stack.account)
      if (isOver(records)) return incidentId
    }
    await context.terminal.sleep(LOOK_EVERY_MS)
  }
  return incidentId
}

const STEPS = ['scale_out', 'route53_weight', 'rollback', 'notify', 'check']

function treesOf(
  records: readonly ChainRecord[],
  nowMs: number,
): ReadonlyMap<string, ReturnType<typeof treeOf>> {
  const streams = streamsOf(records).filter((stream) => stream !== INCIDENT)
  return new Map(
    streams.map((stream) => [
      stream,
      treeOf(entriesOf(records, stream), nowMs, stream.endsWith('.undo') ? [] : STEPS),
    ]),
  )
}

/** The execution and its undo have ended, and the incident is resolved. */
function isOver(records: readonly ChainRecord[]): boolean {
  const streams = streamsOf(records)
  const execution = streams.find((stream) => stream !== INCIDENT && !stream.endsWith('.undo'))
  if (execution === undefined || !streams.includes(undoStreamOf(execution))) return false
  const ended = [execution, undoStreamOf(execution)].every(
    (stream) => endingOf(entriesOf(records, stream)).is === 'ended',
  )
  return ended && entriesOf(records, INCIDENT).some((entry) => entry.kind === 'incident.resolved')
}

/** What the account itself counted, and what the record says. */
async function judge(
  stack: LocalStack,
  incidentId: string,
  killed: number,
  chaos: boolean,
): Promise<Outcome> {
  const records = incidentId === '' ? [] : await loadRecords(stack.storage, incidentId)
  const effects: { [call: string]: number } = {}
  for (const call of stack.account.calls)
    if (call.mutating && call.effect) effects[call.name] = (effects[call.name] ?? 0) + 1
  const doubled = Object.entries(effects)
    .filter(([call, count]) => count > (EXPECTED[call] ?? Infinity))
    .map(([call, count]) => `${call} took effect ${count} times`)
  const entries = [INCIDENT, ...streamsOf(records)].flatMap((stream) => entriesOf(records, stream))
  const has = (kind: string) => entries.some((entry) => entry.kind === kind)
  const succeeded = entries.filter(
    (entry) => entry.kind === 'execution.finished' && entry.outcome === 'succeeded',
  ).length
  const chain = verifyChain(records).is
  const mitigated = has('incident.mitigated')
  const resolved = has('incident.resolved')
  const undone = succeeded === 2
  const ok =
    mitigated &&
    resolved &&
    undone &&
    doubled.length === 0 &&
    chain === 'consistent' &&
    killed === (chaos ? 1 : 0)
  return { ok, incidentId, mitigated, resolved, undone, killed, effects, doubled, chain }
}

async function conclude(
  context: Context,
  stack: LocalStack,
  outcome: Outcome,
  options: DemoOptions,
  url: string,
): Promise<void> {
  if (context.settings.json) {
    context.printJson({ ...outcome, virtualMs: stack.now() })
    return
  }
  const { paint, print } = context
  if (outcome.incidentId !== '') {
    const timeline = timelineOf(await loadRecords(stack.storage, outcome.incidentId))
    print('')
    print(
      renderTimelineText(timeline, {
        colour: paint('bold', 'x') !== 'x',
        width: Math.min(context.terminal.columns, 140),
      }),
    )
  }
  print('')
  for (const [call, count] of Object.entries(outcome.effects))
    print(
      `  ${call} took effect ${count === 1 ? 'once' : `${count} times`}${call === 'ecs:UpdateService' ? ': once out, three slow steps back' : ''}`,
    )
  if (options.chaos)
    print(
      `  the worker was killed between the call ${KILLED_AFTER} and its record; the account still counted it once`,
    )
  for (const line of outcome.doubled) print(paint('red', `  DOUBLED: ${line}`))
  print(
    outcome.ok
      ? paint(
          'green',
          'Mitigated, resolved, and put back what was only meant for the emergency. No call was doubled.',
        )
      : paint('red', 'The story did not end as it should.'),
  )
  print('')
  print(options.exit ? 'Try next:' : `The stack stays up at ${url} until Ctrl-C. In another terminal, try:`)
  const next = options.exit
    ? ['npx firebreak demo', 'npx firebreak dev', 'npx firebreak lint --expand runbooks/api-5xx-spike.yaml']
    : [
        `npx firebreak timeline ${outcome.incidentId}`,
        `npx firebreak verify ${outcome.incidentId}`,
        'npx firebreak plan api-5xx-spike',
        'npx firebreak list',
      ]
  for (const line of next) print(`  ${line}`)
}

async function stayUp(context: Context, url: string): Promise<void> {
  const signal = context.terminal.interruptible()
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve())
  })
  context.say(`the stack at ${url} ends`)
}

/** Cuts a painted line to a width; its colours end with it. */
function cut(text: string, columns: number): string {
  const plain = stripVTControlCharacters(text)
  return plain.length <= columns ? text : text.replace(plain, `${plain.slice(0, columns - 1)}…`)
}

/** A live tree on a terminal, lines elsewhere; times are those of the simulated account. */
function storyLive({ terminal, paint }: Context, stamp: () => string): Live {
  const colour = paint('bold', 'x') !== 'x'
  const write = (text: string) => terminal.out(text)
  if (!terminal.outIsTty || terminal.env['TERM'] === 'dumb') return plainTree(write, { colour, stamp })
  return liveTree({ write, columns: terminal.columns, rows: terminal.rows }, { colour })
}

function silentLive(): Live {
  return { show: () => {}, note: () => {}, end: () => {} }
}
