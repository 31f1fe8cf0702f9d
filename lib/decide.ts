import { fold } from './execution/fold.ts'
import { isEnded, type ApprovalState, type Execution } from './execution/state.ts'
import { incidentIdOf } from './ids.ts'
import { foldIncident, type Incident } from './incident.ts'
import { addToIncident, INCIDENT_STREAM } from './incident-stream.ts'
import { advanceIncident } from './advance-incident.ts'
import { mitigated } from './incident-stream.ts'
import type { Actor, Entry } from './ledger/entry.ts'
import { advanceHead, readHead } from './ledger/head.ts'
import { append, load } from './ledger/records.ts'
import { wakePagings } from './paging.ts'
import type { App } from './ports.ts'
import { workFor } from './queue.ts'
import { headAt } from './session.ts'

/** A person, and the surface that knows who it is. */
export interface Person {
  readonly name: string
  readonly via: string
  /** By which the surface recognises a repeat of the same request: what is on record with it is not recorded twice. */
  readonly key?: string
}

export type Decision =
  | { readonly is: 'recorded'; readonly text: string }
  /** It cannot be decided so, or not any more; `reason` says who or what was first. */
  | {
      readonly is: 'refused'
      readonly code:
        | 'not-found'
        | 'nothing-asked'
        | 'forbidden'
        | 'changed'
        | 'ended'
        | 'ambiguous'
        | 'conflict'
        | 'key-reused'
      readonly reason: string
    }

/** The message of a decision has this long before the sweep sends another. */
const WAKE_GRACE_MS = 10_000

/** Approves what an execution asks for. Bound to the digest of the plan that was shown, where one is given. */
export async function approve(
  app: App,
  id: string,
  by: Person,
  options: { subject?: string; digest?: string; reason?: string },
): Promise<Decision> {
  return answer(app, id, by, 'step.approved', options)
}

export async function deny(
  app: App,
  id: string,
  by: Person,
  options: { subject?: string; digest?: string; reason?: string },
): Promise<Decision> {
  return answer(app, id, by, 'step.denied', options)
}

async function answer(
  app: App,
  id: string,
  by: Person,
  kind: 'step.approved' | 'step.denied',
  options: { subject?: string; digest?: string; reason?: string },
): Promise<Decision> {
  const { reason: words, subject: named, digest } = options
  return decideOn(app, id, by, { kind, words, subject: named, digest }, (execution, actor) => {
    if (isEnded(execution) || execution.aborted)
      return {
        is: 'refused',
        code: 'ended',
        reason: `${id} has ended, or was aborted: nothing is to be decided`,
      }
    const asked = [...execution.approvals].filter(([, approval]) => approval.is === 'asked')
    const chosen =
      options.subject === undefined ? asked : asked.filter(([subject]) => subject === options.subject)
    const [first, second] = chosen
    if (!first || first[1].is !== 'asked')
      return { is: 'refused', code: 'nothing-asked', reason: nothingAsked(execution, id, options.subject) }
    if (second) {
      const subjects = chosen.map(([subject]) => subject).join(', ')
      return {
        is: 'refused',
        code: 'ambiguous',
        reason: `${id} asks about ${subjects}: name one with --step`,
      }
    }
    const [subject, approval] = first
    if (approval.expiresAtMs <= app.ports.clock.now()) {
      return { is: 'refused', code: 'ended', reason: `the time to decide about ${subject} is over` }
    }
    if (options.digest !== undefined && options.digest !== approval.digest) {
      return {
        is: 'refused',
        code: 'changed',
        reason: `the plan has changed: it is ${approval.digest} now, you saw ${options.digest}`,
      }
    }
    if (kind === 'step.approved') {
      const barred = mayNotApprove(approval, subject, by)
      if (barred) return barred
    }
    const why = options.reason === undefined ? {} : { reason: options.reason }
    const decision = { subject, digest: approval.digest, actor, ...why }
    return kind === 'step.approved' ? { kind, ...decision } : { kind: 'step.denied', ...decision }
  })
}

function mayNotApprove(
  { notBy, approvedBy, quorum }: Extract<ApprovalState, { is: 'asked' }>,
  subject: string,
  { name }: Person,
): Extract<Decision, { is: 'refused' }> | undefined {
  if (name === notBy) {
    const reason = `${name} has started it: somebody else must approve ${subject}`
    return { is: 'refused', code: 'forbidden', reason }
  }
  if (!approvedBy.includes(name)) return undefined
  const reason = `${name} has approved ${subject} already; it takes ${quorum} different people`
  return { is: 'refused', code: 'nothing-asked', reason }
}

/** The second decider is told who was first, and whoever names another step, what is asked about. */
function nothingAsked(execution: Execution, id: string, subject: string | undefined): string {
  for (const [one, approval] of execution.approvals) {
    if (subject !== undefined && one !== subject) continue
    if (approval.is === 'approved') return `${one} was approved already, by ${approval.by}`
    if (approval.is === 'denied') return `${one} was denied already, by ${approval.by}`
    if (approval.is === 'expired') return `nobody decided about ${one} in time`
  }
  const asked = [...execution.approvals].flatMap(([one, { is }]) => (is === 'asked' ? [one] : []))
  if (asked.length > 0) return `${id} asks about ${asked.join(', ')}, not about ${subject ?? 'that'}`
  return `${id} asks for no approval`
}

/** Stops an execution: no intent is accepted after it. What is under way is observed and recorded. */
export async function abort(app: App, id: string, by: Person, reason: string): Promise<Decision> {
  return decideOn(app, id, by, { kind: 'execution.aborted', words: reason }, (execution, actor) => {
    if (isEnded(execution) || execution.status.is === 'refused')
      return { is: 'refused', code: 'ended', reason: `${id} has ended already` }
    if (execution.aborted)
      return { is: 'refused', code: 'ended', reason: `${id} was aborted already, by ${execution.aborted.by}` }
    return { kind: 'execution.aborted', reason, actor }
  })
}

/**
 * One conditional append, whichever surface it came from. The message and HEAD go first: whatever is lost, and wherever we die,
 * something looks at the stream soon after, and not when the wait was to end.
 */
async function decideOn(
  app: App,
  id: string,
  by: Person,
  wanted: Wanted,
  build: (execution: Execution, actor: Actor) => Entry | Extract<Decision, { is: 'refused' }>,
): Promise<Decision> {
  const { ports } = app
  const incidentId = incidentIdOf(id)
  if (incidentId === undefined || incidentId === id) {
    return { is: 'refused', code: 'not-found', reason: `"${id}" is not the id of an execution` }
  }
  let stream = await load(ports.storage, incidentId, id)
  for (;;) {
    if (stream.headSeq < 0) return { is: 'refused', code: 'not-found', reason: `there is no execution ${id}` }
    const execution = fold(stream.entries)
    const repeated = repeatOf(stream.entries, by, wanted, execution)
    if (repeated) return repeated
    const entry = build(execution, { is: 'person', ...by })
    if ('is' in entry) return entry
    const nowMs = ports.clock.now()
    const dueAtMs = nowMs + WAKE_GRACE_MS
    await ports.queue.send(workFor(stream, stream.headSeq + 1, nowMs), 0)
    await advanceHead(ports.storage, headAt(stream, execution, dueAtMs))
    const result = await append(ports.storage, ports.random, stream, [entry], nowMs)
    if (result.is === 'appended') {
      // Whoever looked in vain while the record was on its way has put HEAD off again.
      const after = fold(result.stream.entries)
      await advanceHead(ports.storage, headAt(result.stream, after, dueAtMs))
      ports.log.info(entry.kind, { incident: incidentId, execution: id, by: by.name })
      return { is: 'recorded', text: sentenceOf(entry, after) }
    }
    stream = result.stream
  }
}

/** What a person asks to be put on record, as far as a repeat must be the same. */
interface Wanted {
  readonly kind: Entry['kind']
  readonly words: string | undefined
  /** Of an answer to a question: what it named, if it did. */
  readonly subject?: string | undefined
  readonly digest?: string | undefined
}

/** A repeat of what is on record is answered as before; the same key with another request is a mistake of the sender's. */
function repeatOf(
  entries: readonly Entry[],
  by: Person,
  { kind, words, subject, digest }: Wanted,
  execution?: Execution,
): Decision | undefined {
  if (by.key === undefined) return undefined
  const first = entries.find(
    ({ actor }) => actor.is === 'person' && actor.name === by.name && actor.key === by.key,
  )
  if (!first) return undefined
  const said = 'note' in first ? first.note : 'reason' in first ? first.reason : undefined
  const isOther =
    ('subject' in first && subject !== undefined && first.subject !== subject) ||
    ('digest' in first && digest !== undefined && first.digest !== digest)
  if (first.kind === kind && said === words && !isOther)
    return { is: 'recorded', text: sentenceOf(first, execution) }
  const reason = `the idempotency key "${by.key}" was used for another request`
  return { is: 'refused', code: 'key-reused', reason }
}

function sentenceOf(entry: Entry, execution?: Execution): string {
  switch (entry.kind) {
    case 'step.approved': {
      const still = execution?.approvals.get(entry.subject)
      const missing =
        still?.is === 'asked' ? `; ${still.approvedBy.length} of the ${still.quorum} it takes` : ''
      return `approved ${entry.subject} (plan ${entry.digest})${missing}`
    }
    case 'step.denied':
      return `denied ${entry.subject} (plan ${entry.digest})`
    case 'execution.aborted':
      return 'aborted: no further step begins'
    default:
      return entry.kind
  }
}

/** A person takes ownership. */
export async function acknowledge(
  app: App,
  incidentId: string,
  by: Person,
  note?: string,
): Promise<Decision> {
  const wanted = { kind: 'incident.acknowledged', words: note } as const
  const decision = await decideOnIncident(app, incidentId, by, wanted, (incident, actor) =>
    incident.status === 'resolved'
      ? { is: 'refused', code: 'ended', reason: `${incidentId} is resolved` }
      : { kind: 'incident.acknowledged', actor, ...(note === undefined ? {} : { note }) },
  )
  if (decision.is === 'recorded') await wakePagings(app.ports, incidentId)
  return decision
}

/** A sentence of a person, for the timeline. */
export async function addNote(app: App, incidentId: string, by: Person, note: string): Promise<Decision> {
  const wanted = { kind: 'incident.noted', words: note } as const
  return decideOnIncident(app, incidentId, by, wanted, (_incident, actor) => ({
    kind: 'incident.noted',
    actor,
    note,
  }))
}

/** A person says that the impact is reduced. */
export async function mitigate(app: App, incidentId: string, by: Person, reason: string): Promise<Decision> {
  const stream = await load(app.ports.storage, incidentId, INCIDENT_STREAM)
  const incident = foldIncident(stream.entries)
  if (!incident) return { is: 'refused', code: 'not-found', reason: `there is no incident ${incidentId}` }
  const repeated = repeatOf(stream.entries, by, { kind: 'incident.mitigated', words: reason })
  if (repeated) return repeated
  if (incident.status !== 'open')
    return { is: 'refused', code: 'ended', reason: `${incidentId} is ${incident.status} already` }
  await mitigated(app, incidentId, { kind: 'incident.mitigated', actor: { is: 'person', ...by }, reason })
  return { is: 'recorded', text: 'mitigated' }
}

/** A person closes an incident. A recurrence then opens a new one, and an undo still waits until the alarm is clear. */
export async function resolve(app: App, incidentId: string, by: Person, reason: string): Promise<Decision> {
  const { storage, queue, clock } = app.ports
  // What hangs on it is also done where we die right after the record: the message comes later than that.
  if (incidentIdOf(incidentId) === incidentId && (await readHead(storage, incidentId, INCIDENT_STREAM)))
    await queue.send(workFor({ incidentId, stream: INCIDENT_STREAM }, 0, clock.now()), WAKE_GRACE_MS)
  const wanted = { kind: 'incident.resolved', words: reason } as const
  const decision = await decideOnIncident(app, incidentId, by, wanted, (incident, actor) =>
    incident.status === 'resolved'
      ? { is: 'refused', code: 'ended', reason: `${incidentId} is resolved already` }
      : { kind: 'incident.resolved', how: 'person', reason, actor },
  )
  if (decision.is === 'recorded') await advanceIncident(app, incidentId)
  return decision
}

async function decideOnIncident(
  app: App,
  incidentId: string,
  by: Person,
  wanted: Wanted,
  build: (incident: Incident, actor: Actor) => Entry | Extract<Decision, { is: 'refused' }>,
): Promise<Decision> {
  if (incidentIdOf(incidentId) !== incidentId) {
    return { is: 'refused', code: 'not-found', reason: `"${incidentId}" is not the id of an incident` }
  }
  let refused: Extract<Decision, { is: 'refused' }> | undefined
  let repeated: Decision | undefined
  const added: Entry[] = []
  await addToIncident(app.ports, incidentId, (entries) => {
    repeated = repeatOf(entries, by, wanted)
    if (repeated) return []
    const incident = foldIncident(entries)
    if (!incident) {
      refused = { is: 'refused', code: 'not-found', reason: `there is no incident ${incidentId}` }
      return []
    }
    const entry = build(incident, { is: 'person', ...by })
    if ('is' in entry) {
      refused = entry
      return []
    }
    added.splice(0, added.length, entry)
    return added
  })
  const instead = repeated ?? refused
  if (instead) return instead
  return { is: 'recorded', text: added[0]?.kind ?? '' }
}
