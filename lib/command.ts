import * as z from 'zod'
import { messages } from './actions/index.ts'
import { abort, acknowledge, addNote, approve, deny, mitigate, resolve, type Decision } from './decide.ts'
import { never } from './errors.ts'
import { fold } from './execution/fold.ts'
import { programOf } from './execution/program.ts'
import { effectiveMode, frozenBy } from './guardrails.ts'
import { hookFailures, replayHook } from './hooks.ts'
import type { Json } from './json.ts'
import { incidentIdOf, runbookHashFor } from './ids.ts'
import { foldIncident } from './incident.ts'
import { INCIDENT_STREAM } from './incident-stream.ts'
import type { ChainRecord } from './ledger/chain.ts'
import { readPinned } from './ledger/control.ts'
import { listIncidents, readHeads } from './ledger/head.ts'
import { listApprovals, listEntries, listPages, listRunbooks, listSteps } from './listings.ts'
import { pausesOf, readControl } from './ledger/kill-switch.ts'
import { load, loadRecords } from './ledger/records.ts'
import { pause, resume } from './pause.ts'
import { planSteps } from './plan.ts'
import type { ProblemCode } from './problems.ts'
import { awsOf, type App, type Turn } from './ports.ts'
import type { Runbook } from './runbook/runbook.ts'
import { run, startedBefore } from './run.ts'
import { pinnedOf } from './start.ts'
import { startVerdicts } from './start-verdicts.ts'
import { why, type Why } from './why.ts'

const text = z.string().min(1, 'it is empty').max(1_000, 'it has more than 1000 characters')
const id = z.string().min(1).max(100)
const namedScope = z.discriminatedUnion('is', [
  z.strictObject({ is: z.literal('account'), name: id }),
  z.strictObject({ is: z.literal('service'), name: id }),
  z.strictObject({ is: z.literal('runbook'), name: id }),
])
const person = z.strictObject({
  name: z.string().min(1).max(200),
  via: z.string().min(1).max(50),
  key: text.exactOptional(),
})

/** Of what is listed only that of these services; all where it is left out. */
const reach = z.array(id).max(1_000).exactOptional()

const answering = {
  id,
  by: person,
  subject: id.exactOptional().describe('The step that is decided about, where more than one asks.'),
  digest: id.exactOptional().describe('Of the plan that was shown: the decision counts for no other.'),
  reason: text.exactOptional(),
}

/** What people may ask of a stack, by whichever surface. One vocabulary for all of them. */
export const requests = {
  list: z.strictObject({
    verb: z.literal('list'),
    limit: z.number().int().min(1).max(100).exactOptional(),
    beforeMs: z.number().exactOptional(),
  }),
  show: z.strictObject({ verb: z.literal('show'), id }),
  records: z.strictObject({ verb: z.literal('records'), id }),
  why: z.strictObject({ verb: z.literal('why'), id: text }),
  status: z.strictObject({ verb: z.literal('status') }),
  runbooks: z.strictObject({ verb: z.literal('runbooks'), services: reach }),
  approvals: z.strictObject({ verb: z.literal('approvals'), services: reach }),
  pages: z.strictObject({ verb: z.literal('pages'), id }),
  entries: z.strictObject({ verb: z.literal('entries'), id }),
  'hook-failures': z.strictObject({ verb: z.literal('hook-failures') }),
  'hook-replay': z.strictObject({
    verb: z.literal('hook-replay'),
    hook: id,
    incidentId: id,
    address: text,
    by: person,
  }),
  steps: z.strictObject({ verb: z.literal('steps'), id }),
  plan: z.strictObject({ verb: z.literal('plan'), runbook: text }),
  run: z.strictObject({
    verb: z.literal('run'),
    runbook: text,
    key: text,
    by: person,
    reason: text,
    mode: z.enum(['shadow', 'approve', 'auto']).exactOptional(),
    despiteFreeze: z.literal(true).exactOptional(),
  }),
  approve: z.strictObject({ verb: z.literal('approve'), ...answering }),
  deny: z.strictObject({ verb: z.literal('deny'), ...answering }),
  abort: z.strictObject({ verb: z.literal('abort'), id, by: person, reason: text }),
  ack: z.strictObject({ verb: z.literal('ack'), id, by: person, note: text.exactOptional() }),
  note: z.strictObject({ verb: z.literal('note'), id, by: person, note: text }),
  mitigate: z.strictObject({ verb: z.literal('mitigate'), id, by: person, reason: text }),
  resolve: z.strictObject({ verb: z.literal('resolve'), id, by: person, reason: text }),
  'pause-all': z.strictObject({ verb: z.literal('pause-all'), by: person, reason: text }),
  'resume-all': z.strictObject({ verb: z.literal('resume-all'), by: person }),
  pause: z.strictObject({ verb: z.literal('pause'), scope: namedScope, by: person, reason: text }),
  resume: z.strictObject({ verb: z.literal('resume'), scope: namedScope, by: person }),
} as const

const [, ...others] = Object.values(requests)
export const requestSchema = z.discriminatedUnion('verb', [requests.list, ...others])

export type Request = {
  [verb in keyof typeof requests]: z.output<(typeof requests)[verb]>
}[keyof typeof requests]

/** An answer, or a problem of the one catalogue that every surface shows. */
export type CommandResult =
  | { readonly is: 'answer'; readonly answer: Json }
  | { readonly is: 'problem'; readonly code: ProblemCode; readonly message: string }

/** Does what a person asks, or says why it cannot be done. Never throws for what was asked; only for a broken store. */
export async function command(app: App, request: unknown, turn: Turn): Promise<CommandResult> {
  const parsed = requestSchema.safeParse(request)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    return problem('bad-request', `${issue?.path.join('.') ?? 'request'}: ${issue?.message ?? 'malformed'}`)
  }
  return perform(app, parsed.data, turn)
}

function problem(code: ProblemCode, message: string): Extract<CommandResult, { is: 'problem' }> {
  return { is: 'problem', code, message }
}

function answer(value: unknown): CommandResult {
  return { is: 'answer', answer: value as Json }
}

async function perform(app: App, request: Request, turn: Turn): Promise<CommandResult> {
  switch (request.verb) {
    case 'list':
      return answer(await listIncidents(app.ports.storage, request.limit ?? 20, request.beforeMs))
    case 'show':
      return show(app, request.id)
    case 'records':
      return records(app, request.id)
    case 'why':
      return told(await why(app, request.id))
    case 'status':
      return stackStatus(app)
    case 'runbooks':
      return answer({ runbooks: listRunbooks(app, request.services) })
    case 'approvals':
      return answer({ approvals: await listApprovals(app, request.services) })
    case 'hook-failures':
      return answer({ failures: await hookFailures(app, MAX_FAILURES) })
    case 'hook-replay': {
      const refused = await replayHook(app, request)
      return refused === undefined ? answer({ text: 'it is sent again' }) : problem('not-found', refused)
    }
    case 'pages':
      return listed(request.id, async (incidentId) => listPages(app, incidentId), 'pages')
    case 'entries':
      return listed(
        request.id,
        async (incidentId) =>
          listEntries(app, incidentId, request.id === incidentId ? undefined : request.id),
        'entries',
      )
    case 'steps':
      return listed(request.id, async (incidentId) => listSteps(app, incidentId, request.id), 'steps')
    case 'plan':
      return plan(app, request.runbook)
    case 'run':
      return runByHand(app, request, turn)
    case 'approve':
      return decided(await approve(app, request.id, request.by, request))
    case 'deny':
      return decided(await deny(app, request.id, request.by, request))
    case 'abort':
      return decided(await abort(app, request.id, request.by, request.reason))
    case 'ack':
      return decided(await acknowledge(app, request.id, request.by, request.note))
    case 'note':
      return decided(await addNote(app, request.id, request.by, request.note))
    case 'mitigate':
      return decided(await mitigate(app, request.id, request.by, request.reason))
    case 'resolve':
      return decided(await resolve(app, request.id, request.by, request.reason))
    case 'pause-all':
      return decided(await pause(app, { is: 'all' }, request.by, request.reason))
    case 'resume-all':
      return decided(await resume(app, { is: 'all' }, request.by))
    case 'pause':
      return decided(await pause(app, request.scope, request.by, request.reason))
    case 'resume':
      return decided(await resume(app, request.scope, request.by))
    default:
      return never(request)
  }
}

/** The newest of what could not be delivered. */
const MAX_FAILURES = 100

/** What is listed of one incident or execution, under a name. */
async function listed(
  wanted: string,
  read: (incidentId: string) => Promise<unknown>,
  name: string,
): Promise<CommandResult> {
  const incidentId = incidentIdOf(wanted)
  if (incidentId === undefined)
    return problem('bad-request', `"${wanted}" is not the id of an incident or an execution`)
  const found = await read(incidentId)
  return found === undefined ? problem('not-found', `there is no ${wanted}`) : answer({ [name]: found })
}

async function stackStatus(app: App): Promise<CommandResult> {
  const { keys: _keys, ...control } = await readControl(app.ports.storage)
  return answer({ control, paused: pausesOf(control), mode: app.catalogue.policy.mode })
}

function told(answered: Why): CommandResult {
  return answered.is === 'answer' ? answer(answered.answer) : problem('not-found', answered.reason)
}

function decided(decision: Decision): CommandResult {
  return decision.is === 'recorded'
    ? answer({ text: decision.text })
    : problem(decision.code, decision.reason)
}

/** An incident with its streams' states, or one execution. */
async function show(app: App, wanted: string): Promise<CommandResult> {
  const incidentId = incidentIdOf(wanted)
  if (incidentId === undefined)
    return problem('bad-request', `"${wanted}" is not the id of an incident or an execution`)
  const { storage } = app.ports
  const [heads, own] = await Promise.all([
    readHeads(storage, incidentId),
    load(storage, incidentId, INCIDENT_STREAM),
  ])
  const incident = foldIncident(own.entries)
  if (!incident) return problem('not-found', `there is no incident ${incidentId}`)
  const { signalIds: _signalIds, ...shown } = incident
  const streams = heads.filter(
    (head) => head.stream !== INCIDENT_STREAM && (wanted === incidentId || head.stream === wanted),
  )
  if (streams.length === 0 && wanted !== incidentId)
    return problem('not-found', `there is no execution ${wanted}`)
  return answer({
    incident: shown,
    streams: await Promise.all(
      streams.map(async (head) => ({ ...head, steps: await stepsOf(app, incidentId, head.stream) })),
    ),
  })
}

/** The ids of all steps of a stream, also of those that are still to come: its runbook is pinned. */
async function stepsOf(app: App, incidentId: string, stream: string): Promise<readonly string[]> {
  const { storage } = app.ports
  const { header } = fold((await load(storage, incidentId, stream)).entries)
  if (!header || header.kind === 'execution.refused') return []
  const { runbook } = await readPinned(storage, header.runbookHash)
  return programOf(header, runbook, messages)
    .flat()
    .map((step) => step.id)
}

/** Everything on record about an incident, exactly as stored: the timeline and `verify` are made from it offline. */
async function records(app: App, wanted: string): Promise<CommandResult> {
  const found = await findRecords(app, wanted)
  if (found.is === 'problem') return found
  const { incidentId, records: all } = found
  return answer({
    format: 'firebreak.records/1',
    incidentId,
    records: all,
    runbooks: await runbooksOf(app, all),
  })
}

/** Every record of an incident, whichever of its executions was named, for whoever needs no runbooks beside them. */
export async function findRecords(
  { ports }: App,
  wanted: string,
): Promise<
  | { readonly is: 'found'; readonly incidentId: string; readonly records: readonly ChainRecord[] }
  | Extract<CommandResult, { is: 'problem' }>
> {
  const incidentId = incidentIdOf(wanted)
  if (incidentId === undefined)
    return problem('bad-request', `"${wanted}" is not the id of an incident or an execution`)
  const all = await loadRecords(ports.storage, incidentId)
  if (all.length === 0) return problem('not-found', `there is no incident ${incidentId}`)
  return { is: 'found', incidentId, records: all }
}

/** The runbooks that the records name, as they were pinned: what was to be done can be read without this stack. */
async function runbooksOf(
  { ports }: App,
  found: readonly ChainRecord[],
): Promise<{ readonly [hash: string]: unknown }> {
  const hashes = new Set(
    found.flatMap(({ entries }) =>
      (entries as readonly { readonly runbookHash?: unknown }[]).flatMap(({ runbookHash }) =>
        typeof runbookHash === 'string' ? [runbookHash] : [],
      ),
    ),
  )
  const pinned = await Promise.all(
    [...hashes].map(async (hash) => [hash, await readPinned(ports.storage, hash)] as const),
  )
  return Object.fromEntries(pinned)
}

function findRunbook(app: App, name: string): Runbook | undefined {
  return app.catalogue.runbooks.find((runbook) => runbook.runbook === name)
}

function noRunbook(app: App, name: string): CommandResult {
  const known = app.catalogue.runbooks.map((runbook) => runbook.runbook).join(', ')
  return problem('not-found', `there is no runbook "${name}"; there are: ${known === '' ? 'none' : known}`)
}

/** The forecast of a runbook, read live; changes nothing. */
async function plan(app: App, name: string): Promise<CommandResult> {
  const runbook = findRunbook(app, name)
  if (!runbook) return noRunbook(app, name)
  const { ports, catalogue } = app
  const pinned = pinnedOf(catalogue, runbook)
  const nowMs = ports.clock.now()
  const [steps, guardrails] = await Promise.all([
    planSteps({
      aws: awsOf(ports, pinned.service, undefined),
      pinned,
      runbookHash: runbookHashFor(pinned),
      policy: catalogue.policy,
      incidentId: 'plan',
      executionId: 'plan',
      reason: 'a plan was asked for',
      onsetAtMs: nowMs,
      nowMs,
    }),
    startVerdicts(app, runbook),
  ])
  return answer({
    format: 'firebreak.plan/1',
    runbook: runbook.runbook,
    service: runbook.service,
    mode: effectiveMode(catalogue, runbook, frozenBy(catalogue.policy, runbook, nowMs)),
    guardrails,
    steps,
    onResolved: runbook.onResolved ?? null,
  })
}

async function runByHand(
  app: App,
  request: Extract<Request, { verb: 'run' }>,
  turn: Turn,
): Promise<CommandResult> {
  const runbook = findRunbook(app, request.runbook)
  const result = runbook ? await run(app, runbook, request, turn) : await startedBefore(app, request)
  if (!result) return noRunbook(app, request.runbook)
  const { is, ...started } = result
  if (is === 'started') return answer(started)
  return problem('key-reused', `the idempotency key "${request.key}" was used for another request`)
}
