import {
  decidedApprovalsIn,
  openApprovalsIn,
  type DecidedApproval,
  type OpenApproval,
} from '../../lib/execution/approvals.ts'
import type { Stamped } from '../../lib/ledger/entry.ts'
import type { ExecutionSummary, Level, Timeline, TimelineIncident } from '../../lib/timeline.ts'
import { titleOf } from '../../lib/timeline/executions.ts'
import { durationText, forecastText } from '../../lib/timeline/words.ts'
import {
  buttons,
  context,
  fields,
  fitted,
  header,
  moment,
  plan,
  planAsText,
  safe,
  section,
  type Block,
  type Button,
  type Task,
  type TaskStatus,
} from './blocks.ts'

export interface Shown {
  readonly timeline: Timeline
  readonly incident: TimelineIncident
  readonly streams: ReadonlyMap<string, readonly Stamped[]>
  readonly nowMs: number
  /** Where the pages are, if anywhere. */
  readonly url?: string
}

export interface Message {
  /** What notifications show. */
  readonly text: string
  readonly blocks: readonly Block[]
}

/** More executions than these are on the page. */
const MAX_EXECUTIONS = 4

/** One incident as its one message in the channel. `plans`: whether the workspace draws them. Pure. */
export function incidentMessage(shown: Shown, plans: 'plan' | 'text'): Message {
  const { incident, timeline, url } = shown
  const questions = questionsOf(shown)
  const executions = timeline.executions.filter(({ outcome }) => outcome !== 'skipped').slice(-MAX_EXECUTIONS)
  const blocks = [
    header(`[${incident.severity}] ${incident.service}: ${incident.title}`),
    section(safe(incident.reason, 1_000)),
    fields(factsOf(shown)),
    ...executions.map((one) => planOf(one, plans)),
    ...decisionsIn(shown).map(decisionBlock),
    ...questions.map(questionBlock),
    buttons(buttonsOf(shown, questions)),
    context(
      `${incident.incidentId} · ${timeline.rows.length} entries, ${timeline.chain.is === 'consistent' ? 'consistent' : '*the record is broken*'}`,
    ),
  ]
  return {
    text: safe(`${statusWord(shown)}: [${incident.severity}] ${incident.service}: ${incident.title}`, 300),
    blocks: fitted(
      blocks,
      url === undefined
        ? 'There is more: `timeline` tells it.'
        : `There is more: <${url}/incidents/${incident.incidentId}|the page>`,
    ),
  }
}

function statusWord({ incident }: Shown): string {
  return { open: 'Open', mitigated: 'Mitigated', resolved: 'Resolved' }[incident.status]
}

function factsOf(shown: Shown): readonly string[] {
  const { incident, timeline } = shown
  const { owner, mitigatedAtMs, resolvedAtMs, detectedAtMs } = incident
  const { ttmMs, ttrMs } = timeline.metrics
  const after = (ms: number | undefined) => (ms === undefined ? '' : ` (after ${durationText(ms)})`)
  return [
    `*Status*\n${statusWord(shown)}`,
    `*Detected*\n${moment(detectedAtMs)}`,
    owner === undefined ? '*Owner*\nnobody yet' : `*Owner*\n${safe(owner, 200)}`,
    ...(mitigatedAtMs === undefined ? [] : [`*Mitigated*\n${moment(mitigatedAtMs)}${after(ttmMs)}`]),
    ...(resolvedAtMs === undefined ? [] : [`*Resolved*\n${moment(resolvedAtMs)}${after(ttrMs)}`]),
  ]
}

function planOf(execution: ExecutionSummary, plans: 'plan' | 'text'): Block {
  const tasks: readonly Task[] = execution.steps.map(
    ({ step, state, level, change, target, reason, recovered }) => ({
      id: `${execution.executionId}/${step}`,
      title: change === undefined ? step : `${step}: ${target ?? ''} ${change}`,
      status: statusOf(state, level),
      detail: [
        state,
        ...(recovered === undefined ? [] : [recovered]),
        ...(reason === undefined ? [] : [reason]),
      ].join('; '),
    }),
  )
  const title = `${titleOf(execution)}: ${execution.outcome}`
  return plans === 'plan' && tasks.length > 0 ? plan(title, tasks) : planAsText(title, tasks)
}

function statusOf(state: string, level: Level): TaskStatus {
  if (state === 'not begun') return 'pending'
  if (level === 'bad') return 'error'
  return ['under way', 'waiting', 'measuring', 'to be tried again', 'outcome not known'].includes(state)
    ? 'in_progress'
    : 'complete'
}

interface Question extends OpenApproval {
  readonly stream: string
}

/** What is asked of people and can still be answered. */
export function questionsOf({ streams, nowMs }: Pick<Shown, 'streams' | 'nowMs'>): readonly Question[] {
  return [...streams].flatMap(([stream, entries]) =>
    openApprovalsIn(entries, nowMs).map((open) => ({ stream, ...open })),
  )
}

function questionBlock({ subject, steps, by, digest, expiresAtMs, quorum, approvedBy }: Question): Block {
  const people =
    quorum > 1
      ? ` It takes ${quorum} people; ${approvedBy.length === 0 ? 'nobody has approved yet' : `approved by ${safe(approvedBy.join(', '), 200)}`}.`
      : ''
  return section(
    [
      `*${safe(by, 100)} is asked: ${subject === 'plan' ? 'the whole plan' : safe(subject, 100)}*`,
      ...steps.slice(0, 10).map((step) => `• ${safe(forecastText(step), 200)}`),
      `Plan \`${digest}\`, until ${moment(expiresAtMs)}.${people} Silence never applies a change.`,
    ].join('\n'),
  )
}

/** More decisions than these are on the page. */
const MAX_DECISIONS = 4

/** What was asked and is answered, the latest last: it stands where the buttons were. */
function decisionsIn({ streams }: Shown): readonly DecidedApproval[] {
  return [...streams.values()]
    .flatMap(decidedApprovalsIn)
    .toSorted((a, b) => a.atMs - b.atMs)
    .slice(-MAX_DECISIONS)
}

function decisionBlock({ subject, is, atMs, by, reason }: DecidedApproval): Block {
  const what = subject === 'plan' ? 'The whole plan' : safe(subject, 100)
  if (is === 'expired') return context(`${what}: nobody answered, at ${moment(atMs)}.`)
  const people = by.map((one) => `*${safe(one.name, 100)}* (${safe(one.via, 40)}) at ${moment(one.atMs)}`)
  const why = reason === undefined ? '' : `: ${safe(reason, 500)}`
  return context(`${what}: ${is} by ${people.slice(0, 5).join(', ')}${why}`)
}

/** Of what can be done the three most urgent. */
function buttonsOf({ incident, timeline, url }: Shown, questions: readonly Question[]): readonly Button[] {
  const { incidentId, status, owner } = incident
  const [question] = questions
  const running = timeline.executions.find(
    ({ outcome, paging }) => outcome === 'running' && paging === undefined,
  )
  return [
    ...(question ? answerButtons(question) : []),
    ...(status !== 'resolved' && owner === undefined
      ? [
          {
            action: 'ack',
            label: 'Acknowledge',
            value: incidentId,
            ...(question ? {} : { style: 'primary' as const }),
          },
        ]
      : []),
    ...(running
      ? [
          {
            action: 'abort',
            label: 'Abort',
            value: running.executionId,
            style: 'danger' as const,
            confirm: `No further step of ${running.runbook} begins. What was changed stays changed.`,
          },
        ]
      : []),
    url === undefined
      ? { action: 'timeline', label: 'Timeline', value: incidentId }
      : { action: 'page', label: 'Open', url: `${url}/incidents/${incidentId}` },
  ].slice(0, 3)
}

/** A decision counts for the plan that was shown, and for no other. */
export function answerButtons({
  stream,
  subject,
  digest,
}: Pick<Question, 'stream' | 'subject' | 'digest'>): readonly Button[] {
  const value = JSON.stringify({ id: stream, subject, digest })
  return [
    { action: 'approve', label: 'Approve', value, style: 'primary' },
    { action: 'deny', label: 'Deny', value, style: 'danger' },
  ]
}

/** What must be noticed, since an edit alone rings no bell: each said once in the thread. */
export function noticesOf(shown: Shown): readonly { readonly key: string; readonly text: string }[] {
  const { incident, timeline, streams } = shown
  const notices: { key: string; text: string }[] = []
  for (const [stream, entries] of streams)
    for (const entry of entries) {
      if (entry.kind === 'approval.requested')
        notices.push({
          key: `asked ${stream} ${entry.subject} ${entry.round}`,
          text: `${safe(entry.by, 100)} is asked to approve ${entry.subject === 'plan' ? 'the whole plan' : safe(entry.subject, 100)}, until ${moment(entry.expiresAtMs)}.`,
        })
      if (entry.kind === 'execution.escalated')
        notices.push({
          key: `page ${stream} ${entry.page}`,
          text: `${safe(entry.to, 100)} is paged: ${safe(entry.reason, 500)}`,
        })
    }
  for (const { executionId, runbook, outcome, reason, level, paging } of timeline.executions)
    if (paging === undefined && (level === 'bad' || outcome === 'aborted'))
      notices.push({
        key: `ended ${executionId}`,
        text: `${safe(runbook, 100)} (${safe(executionId, 100)}) ended: ${outcome}: ${safe(reason, 500)}`,
      })
  if (incident.mitigatedAtMs !== undefined)
    notices.push({ key: 'mitigated', text: `Mitigated at ${moment(incident.mitigatedAtMs)}.` })
  if (incident.resolvedAtMs !== undefined)
    notices.push({
      key: `resolved ${incident.resolvedAtMs}`,
      text: `Resolved at ${moment(incident.resolvedAtMs)}.`,
    })
  return notices
}
