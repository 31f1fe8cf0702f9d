import * as z from 'zod'
import type { Json } from '../json.ts'
import type { Signal } from '../signal/signal.ts'

/*
 * The schema of everything that is on record. Entries are facts: they are added and never changed, so a kind or member
 * that was released stays readable for ever. Add members as optional; never rename or reuse one.
 */

/** A version is raised only when an old reader would misread a new entry. */
export const ENTRY_VERSION = 1

/** Entry bodies come out of `JSON.parse`, so any value in them is JSON already. */
const json = z.unknown() as z.ZodType<Json>
const signal = z.looseObject({
  signalId: z.string(),
  name: z.string(),
  state: z.string(),
}) as unknown as z.ZodType<Signal>
const verdict = z.object({
  verdict: z.enum(['passed', 'failed', 'inconclusive', 'error']),
  reason: z.string(),
  values: z.record(z.string(), json).exactOptional(),
})
const change = z.object({
  target: z.looseObject({ locks: z.array(z.string()), label: z.string() }),
  before: json,
  after: json,
  summary: z.string(),
})
/** What was still to be put back where this change was made. */
const heritage = z.object({
  /** Somebody else's value stood there: the earlier change is not put back any more. */
  replaces: z.literal(true).exactOptional(),
  /** The executions on whose change it was built, and which its own undo puts back as well. */
  over: z.array(z.string()).exactOptional(),
})
const receipt = z.object({
  requestId: z.string().exactOptional(),
  operationId: z.string().exactOptional(),
  detail: z.string().exactOptional(),
})
export const forecast = z.object({
  step: z.string(),
  target: z.string(),
  summary: z.string(),
  is: z.enum(['change', 'none', 'refused', 'human', 'skipped', 'unreadable', 'not-planned']),
  reversible: z.boolean(),
  after: json.exactOptional(),
  /** Of a step with references: what they came to (`params.<name>`), and all facts that were read. */
  values: z.record(z.string(), json).exactOptional(),
})

/** Who did it: the engine, a person by a surface, or a source of signals. */
const actor = z.discriminatedUnion('is', [
  z.object({ is: z.literal('engine'), worker: z.string() }),
  z.object({
    is: z.literal('person'),
    name: z.string(),
    via: z.string(),
    /** Of the request; the same person's next one with it is the same request. */
    key: z.string().exactOptional(),
  }),
  z.object({ is: z.literal('signal'), signalId: z.string(), source: z.string() }),
])

/** What an execution was started for. */
const occasion = z.discriminatedUnion('is', [
  z.object({ is: z.literal('alarm'), onsetAtMs: z.number(), signal }),
  z.object({
    is: z.literal('manual'),
    by: z.string(),
    via: z.string(),
    key: z.string(),
    reason: z.string(),
    /** The person knew of a change freeze and started all the same. */
    despiteFreeze: z.literal(true).exactOptional(),
  }),
])

const header = {
  executionId: z.string(),
  incidentId: z.string(),
  /** OPEN's key, so that a turn can ask whether the alarm is clear. */
  key: z.string(),
  runbook: z.string(),
  runbookHash: z.string(),
  service: z.string(),
  severity: z.enum(['sev1', 'sev2', 'sev3', 'sev4']),
  mode: z.enum(['shadow', 'approve', 'auto']),
  occasion,
}

const kinds = [
  // The incident's own stream.
  z.object({
    kind: z.literal('incident.opened'),
    incidentId: z.string(),
    key: z.string(),
    title: z.string(),
    service: z.string(),
    severity: z.enum(['sev1', 'sev2', 'sev3', 'sev4']),
    keepOpenMs: z.number(),
    onsetAtMs: z.number().exactOptional(),
    detectedAtMs: z.number(),
    signal: signal.exactOptional(),
    reason: z.string(),
  }),
  z.object({ kind: z.literal('incident.recurred'), onsetAtMs: z.number(), signal }),
  z.object({ kind: z.literal('signal.attached'), signal, note: z.string() }),
  z.object({ kind: z.literal('incident.cleared'), clearedAtMs: z.number(), signal }),
  z.object({
    kind: z.literal('incident.mitigated'),
    executionId: z.string().exactOptional(),
    reason: z.string(),
  }),
  z.object({ kind: z.literal('incident.resolved'), how: z.enum(['cleared', 'person']), reason: z.string() }),
  z.object({ kind: z.literal('incident.acknowledged'), note: z.string().exactOptional() }),
  z.object({ kind: z.literal('incident.noted'), note: z.string() }),
  // An execution's stream.
  z.object({
    kind: z.literal('execution.started'),
    ...header,
    /** Why it may not act on its own, and where that rule stands. */
    capped: z.object({ reason: z.string(), place: z.string().exactOptional() }).exactOptional(),
  }),
  z.object({
    kind: z.literal('execution.refused'),
    ...header,
    code: z.string(),
    reason: z.string(),
    /** The rule's file and line, where a rule refused. */
    place: z.string().exactOptional(),
  }),
  z.object({ kind: z.literal('plan.recorded'), steps: z.array(forecast) }),
  z.object({
    kind: z.literal('worker.tookover'),
    from: z.string(),
    worker: z.string(),
    reason: z.string(),
  }),
  z.object({
    kind: z.literal('step.intended'),
    step: z.string(),
    action: z.string(),
    attempt: z.number().int().positive(),
    change,
    worker: z.string(),
    leaseUntilMs: z.number(),
    /** After the lease, how long an effect may still be invisible. */
    settleMs: z.number(),
    /** Lock keys with the token under which each was taken. */
    locks: z.record(z.string(), z.number()).exactOptional(),
    notes: z.array(z.string()).exactOptional(),
    /** What `when` and the references were evaluated on, and what each reference came to (`params.<name>`). */
    values: z.record(z.string(), json).exactOptional(),
    /** What an undo goes back to, where that is not `before`: an earlier change of the same target is still outstanding. */
    undoTo: json.exactOptional(),
    heritage: heritage.exactOptional(),
    /** Undo only: this change is the last on the way back. */
    last: z.boolean().exactOptional(),
  }),
  z.object({
    kind: z.literal('step.applied'),
    step: z.string(),
    attempt: z.number(),
    receipt,
    /** How it is known, when not by AWS's own answer. */
    recovered: z.string().exactOptional(),
    /** A message: there is nothing to verify. */
    message: z.boolean().exactOptional(),
  }),
  z.object({
    kind: z.literal('step.retried'),
    step: z.string(),
    attempt: z.number(),
    reason: z.string(),
    retryAtMs: z.number(),
    /** The breaker that holds it up: until then no attempt is made. */
    breaker: z.string().exactOptional(),
  }),
  z.object({
    kind: z.literal('step.unsettled'),
    step: z.string(),
    attempt: z.number(),
    reason: z.string(),
    observeAtMs: z.number(),
    /** The breaker that holds it up: until then no attempt is made. */
    breaker: z.string().exactOptional(),
  }),
  z.object({
    kind: z.literal('step.failed'),
    step: z.string(),
    attempt: z.number().exactOptional(),
    code: z.enum([
      'refused',
      'terminal',
      'exhausted',
      'conflict',
      'unreadable',
      'unknown',
      'human',
      'denied',
      'guardrail',
    ]),
    reason: z.string(),
    place: z.string().exactOptional(),
  }),
  z.object({
    kind: z.literal('step.skipped'),
    step: z.string(),
    code: z.enum([
      'condition',
      'already',
      'stopped',
      'unapproved',
      'undone',
      'foreign',
      'superseded',
      'locked',
    ]),
    reason: z.string(),
    values: z.record(z.string(), json).exactOptional(),
  }),
  z.object({
    kind: z.literal('step.waiting'),
    step: z.string(),
    waitId: z.string(),
    wakeAtMs: z.number(),
    reason: z.string(),
    /** The step has not begun: it is looked at again then. Without it, waiting is what the step is for. */
    blocked: z.boolean().exactOptional(),
    /** The breaker that holds it up: until then no attempt is made. */
    breaker: z.string().exactOptional(),
  }),
  z.object({ kind: z.literal('step.waited'), step: z.string(), waitId: z.string() }),
  z.object({ kind: z.literal('step.verified'), step: z.string(), verdict }),
  z.object({
    kind: z.literal('step.checking'),
    step: z.string(),
    untilMs: z.number(),
    values: z.record(z.string(), json).exactOptional(),
  }),
  z.object({ kind: z.literal('step.checked'), step: z.string(), verdict, samples: z.array(verdict) }),
  z.object({
    kind: z.literal('approval.requested'),
    /** A step's id, or `plan` for the whole plan. */
    subject: z.string(),
    round: z.number(),
    by: z.string(),
    digest: z.string(),
    steps: z.array(forecast),
    expiresAtMs: z.number(),
    onTimeout: z.enum(['skip', 'stop', 'escalate']),
    quorum: z.number().exactOptional(),
    notSelf: z.literal(true).exactOptional(),
  }),
  z.object({
    kind: z.literal('step.approved'),
    subject: z.string(),
    digest: z.string(),
    reason: z.string().exactOptional(),
  }),
  z.object({
    kind: z.literal('step.denied'),
    subject: z.string(),
    digest: z.string(),
    reason: z.string().exactOptional(),
  }),
  z.object({
    kind: z.literal('approval.expired'),
    subject: z.string(),
    onTimeout: z.enum(['skip', 'stop', 'escalate']),
  }),
  z.object({
    kind: z.literal('execution.escalated'),
    /** The step id under which the page is sent: `page-1`. */
    page: z.string(),
    to: z.string(),
    reason: z.string(),
    step: z.string().exactOptional(),
    /** The step is still under way, and has been for too long. */
    stuck: z.literal(true).exactOptional(),
  }),
  z.object({ kind: z.literal('execution.aborted'), reason: z.string() }),
  z.object({ kind: z.literal('execution.stopped'), reason: z.string() }),
  z.object({
    kind: z.literal('execution.finished'),
    outcome: z.enum(['succeeded', 'failed', 'aborted', 'skipped']),
    reason: z.string(),
  }),
  // An undo's stream.
  z.object({
    kind: z.literal('undo.started'),
    ...header,
    /** In the order in which they are put back. */
    items: z.array(
      z.object({
        step: z.string(),
        action: z.string(),
        change,
        receipt: receipt.exactOptional(),
        /** Executions on whose change it was built: while one of their alarms stands, it is not put back. */
        over: z.array(z.string()).exactOptional(),
      }),
    ),
    afterMs: z.number(),
    stepPercent: z.number(),
    everyMs: z.number(),
    /** A failed step asked for it: it does not wait for the alarm to clear. */
    atOnce: z.boolean().exactOptional(),
    /** The end of `max_hold`: from then on it does not wait in silence for an alarm that is not clear. */
    heldUntilMs: z.number().exactOptional(),
    reason: z.string(),
  }),
  // The stream of a page that is repeated until somebody answers.
  z.object({
    kind: z.literal('paging.started'),
    ...header,
    /** The step that has sent the first page. */
    origin: z.object({ stream: z.string(), step: z.string() }),
    team: z.string(),
    levels: z.array(z.object({ page: z.string(), forMs: z.number() })),
    repeat: z.number(),
    ackTimeoutMs: z.number().exactOptional(),
    /** Whether the team's own channels are paged after the last level. */
    fallback: z.boolean(),
    startedAtMs: z.number(),
    /** What the page is about. */
    reason: z.string(),
  }),
] as const

/** Every kind with who did it; in one object each, since entries are read with every turn. */
function withActor<Kinds extends readonly z.ZodObject[]>(
  all: Kinds,
): { -readonly [K in keyof Kinds]: z.ZodObject<Kinds[K]['shape'] & { actor: typeof actor }> } {
  return all.map((one) => one.extend({ actor })) as never
}

export const entrySchema = z.discriminatedUnion('kind', withActor(kinds))

export type Entry = z.output<typeof entrySchema>
export type EntryKind = Entry['kind']
export type EntryOf<K extends EntryKind> = Extract<Entry, { readonly kind: K }>
export type Actor = z.output<typeof actor>
export type Occasion = z.output<typeof occasion>
export type Forecast = z.output<typeof forecast>
export type RecordedChange = z.output<typeof change>
export type Heritage = z.output<typeof heritage>
export type RecordedReceipt = z.output<typeof receipt>
export type RecordedVerdict = z.output<typeof verdict>

/** The header that begins the stream of an execution, an undo or a paging. */
export type Header =
  | EntryOf<'execution.started'>
  | EntryOf<'execution.refused'>
  | EntryOf<'undo.started'>
  | EntryOf<'paging.started'>

type HeaderFields = Pick<Header, keyof typeof header>

/** What each stream that an execution leads to says of it again. */
export function headerFields(of: Header): HeaderFields {
  const { executionId, incidentId, key, runbook, runbookHash, service, severity, mode } = of
  return {
    executionId,
    incidentId,
    key,
    runbook,
    runbookHash,
    service,
    severity,
    mode,
    occasion: of.occasion,
  }
}

/** An entry with where and when it stands. */
export type Stamped = Entry & {
  readonly atMs: number
  readonly stream: string
  readonly seq: number
  /** `<stream>/<seq>.<index>`. */
  readonly address: string
}
