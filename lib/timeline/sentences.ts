import { never } from '../errors.ts'
import type { EntryKind, Stamped } from '../ledger/entry.ts'
import { tellApproval, tellPage } from './approval-sentences.ts'
import { tellAnswer, tellPaging } from './paging-sentences.ts'
import { tellStep } from './step-sentences.ts'
import { because, type Telling, type Told } from './telling.ts'
import { durationText, forecastText, timeText } from './words.ts'

type Of<K extends EntryKind> = Extract<Stamped, { readonly kind: K }>

/** One entry in people's words. `telling` knows what stands before it in the same stream. */
export function tell(entry: Stamped, telling: Telling): Told {
  switch (entry.kind) {
    case 'incident.opened':
    case 'incident.recurred':
    case 'signal.attached':
    case 'incident.cleared':
    case 'incident.mitigated':
    case 'incident.resolved':
    case 'incident.acknowledged':
    case 'incident.noted':
      return tellIncident(entry)
    case 'execution.started':
    case 'execution.refused':
    case 'execution.aborted':
    case 'execution.stopped':
    case 'execution.finished':
    case 'undo.started':
    case 'paging.started':
    case 'plan.recorded':
    case 'worker.tookover':
      return tellExecution(entry, telling)
    case 'approval.requested':
    case 'step.approved':
    case 'step.denied':
    case 'approval.expired':
      return tellApproval(entry, telling)
    case 'execution.escalated':
      return tellPage(entry)
    case 'step.intended':
    case 'step.applied':
    case 'step.retried':
    case 'step.unsettled':
    case 'step.failed':
    case 'step.skipped':
    case 'step.waiting':
    case 'step.waited':
    case 'step.verified':
    case 'step.checking':
    case 'step.checked':
      return tellStep(entry, telling)
    default:
      return never(entry)
  }
}

type IncidentEntry = Of<
  | 'incident.opened'
  | 'incident.recurred'
  | 'signal.attached'
  | 'incident.cleared'
  | 'incident.mitigated'
  | 'incident.resolved'
  | 'incident.acknowledged'
  | 'incident.noted'
>

function tellIncident(entry: IncidentEntry): Told {
  switch (entry.kind) {
    case 'incident.opened': {
      const facts = entry.signal === undefined ? {} : factsOf(entry.signal)
      const onset =
        entry.onsetAtMs === undefined
          ? undefined
          : `it began at ${timeText(entry.onsetAtMs)} by the source's own time`
      return {
        level: 'bad',
        text: `The incident was opened (${entry.severity}, service ${entry.service}): ${entry.title}.`,
        ...because({ reason: entry.reason, values: facts, notes: [onset] }),
      }
    }
    case 'incident.recurred':
      return {
        level: 'bad',
        text: `${entry.signal.name} ${stateText(entry.signal.state)} again; the incident is open again.`,
        ...because({ reason: reasonOf(entry.signal), values: factsOf(entry.signal) }),
      }
    case 'signal.attached':
      return {
        level: 'info',
        text: `A further signal joined the incident: ${entry.signal.name} ${stateText(entry.signal.state)}.`,
        ...because({ reason: entry.note }),
      }
    case 'incident.cleared':
      return {
        level: 'good',
        text: `${entry.signal.name} is clear since ${timeText(entry.clearedAtMs)}.`,
        ...because({ reason: reasonOf(entry.signal) }),
      }
    case 'incident.mitigated':
      return {
        level: 'good',
        text:
          entry.actor.is === 'person'
            ? `${entry.actor.name} says that the impact is reduced.`
            : 'The impact is reduced: a check has passed.',
        ...because({ reason: entry.reason, notes: [entry.executionId && `by ${entry.executionId}`] }),
      }
    case 'incident.resolved':
      return {
        level: 'good',
        text:
          entry.how === 'person'
            ? 'The incident was resolved by a person.'
            : 'The incident is resolved: the alarm has stayed clear.',
        ...because({ reason: entry.reason }),
      }
    case 'incident.acknowledged':
      return {
        level: 'info',
        text: `${whoActs(entry)} took ownership of the incident.`,
        ...because({ reason: entry.note }),
      }
    case 'incident.noted':
      return { level: 'info', text: `Note: ${entry.note}` }
    default:
      return never(entry)
  }
}

type ExecutionEntry = Of<
  | 'execution.started'
  | 'execution.refused'
  | 'execution.aborted'
  | 'execution.stopped'
  | 'execution.finished'
  | 'undo.started'
  | 'paging.started'
  | 'plan.recorded'
  | 'worker.tookover'
>

function tellExecution(entry: ExecutionEntry, telling: Telling): Told {
  switch (entry.kind) {
    case 'execution.started':
      return {
        level: 'info',
        text: `Runbook ${entry.runbook} was started ${occasionText(entry)}${modeText(entry.mode)}${cappedText(entry)}.`,
        ...because({ reason: entry.occasion.is === 'manual' ? entry.occasion.reason : undefined }),
      }
    case 'execution.refused':
      return {
        level: 'attention',
        text: `Runbook ${entry.runbook} was not run: ${refusalText(entry.code)}.`,
        ...because({ reason: entry.reason, place: entry.place }),
      }
    case 'execution.aborted':
      return {
        level: 'attention',
        text: `${whoActs(entry)} aborted: no further step begins.`,
        ...because({ reason: entry.reason }),
      }
    case 'execution.stopped':
      return {
        level: 'bad',
        text: 'The engine stopped working on this: people must take over.',
        ...because({ reason: entry.reason }),
      }
    case 'execution.finished':
      return tellFinished(entry, telling)
    case 'undo.started':
      return {
        level: 'info',
        text: `Putting back what runbook ${entry.runbook} changed begins: ${entry.items.map((item) => item.step).join(', ') || 'nothing'}.`,
        ...because({
          reason: entry.reason,
          notes: [
            entry.afterMs > 0
              ? `only while the alarm has been clear for ${durationText(entry.afterMs)}`
              : undefined,
            entry.stepPercent < 100
              ? `in steps of ${entry.stepPercent} %, one every ${durationText(entry.everyMs)}`
              : undefined,
            ...entry.items.map(
              (item) => `${item.step}: ${item.change.target.label}, back from "${item.change.summary}"`,
            ),
          ],
        }),
      }
    case 'paging.started':
      return tellPaging(entry)
    case 'plan.recorded':
      return {
        level: 'info',
        text: 'The plan was put on record; nothing was changed.',
        ...because({ notes: entry.steps.map(forecastText) }),
      }
    case 'worker.tookover':
      return {
        level: 'attention',
        text: `A new worker (${entry.worker}) took over from one that was gone (${entry.from}).`,
        ...because({ reason: entry.reason }),
      }
    default:
      return never(entry)
  }
}

function tellFinished(entry: Of<'execution.finished'>, telling: Telling): Told {
  const reason = because({ reason: entry.reason })
  if (telling.header?.kind === 'paging.started') return { ...tellAnswer(entry, telling.header), ...reason }
  const what = telling.header?.kind === 'undo.started' ? 'Putting back' : 'The execution'
  switch (entry.outcome) {
    case 'succeeded':
      return { level: 'good', text: `${what} has succeeded.`, ...reason }
    case 'failed':
      return { level: 'bad', text: `${what} has ended, and not all of it worked.`, ...reason }
    case 'aborted':
      return { level: 'attention', text: `${what} has ended because it was aborted.`, ...reason }
    case 'skipped':
      return { level: 'info', text: `${what} has ended without doing anything.`, ...reason }
    default:
      return never(entry.outcome)
  }
}

/** Who did it, at the beginning of a sentence. */
function whoActs(entry: Stamped): string {
  if (entry.actor.is === 'person') return entry.actor.name
  return entry.actor.is === 'signal' ? entry.actor.source : 'The engine'
}

function occasionText(entry: Of<'execution.started'>): string {
  const { occasion } = entry
  return occasion.is === 'manual'
    ? `by ${occasion.by} (${occasion.via})${occasion.despiteFreeze ? ', in spite of a change freeze' : ''}`
    : `because of ${occasion.signal.name}`
}

function cappedText({ capped }: Of<'execution.started'>): string {
  if (!capped) return ''
  return `; ${capped.reason}${capped.place === undefined ? '' : ` (${capped.place})`}`
}

function modeText(mode: 'shadow' | 'approve' | 'auto'): string {
  switch (mode) {
    case 'shadow':
      return ', in shadow mode: it only records its plan'
    case 'approve':
      return ', in approve mode: nothing is changed before a person approves the plan'
    case 'auto':
      return ''
    default:
      return never(mode)
  }
}

/** Codes of guardrails; one that a newer version added is shown as it is. */
function refusalText(code: string): string {
  switch (code) {
    case 'paused':
      return 'the kill switch is on for it'
    case 'freeze':
      return 'a change freeze is on'
    case 'actions-disabled':
      return "the alarm's actions are switched off"
    case 'flapping':
      return 'the alarm changes its state too often'
    case 'cooldown':
      return 'the cooldown of the service is not over'
    case 'rate':
      return 'too many executions were started within the hour'
    default:
      return code
  }
}

/** A recorded signal has a name and a state for certain; the rest is as some version or source wrote it. */
type RecordedSignal = Of<'incident.recurred'>['signal']

function stateText(state: string): string {
  switch (state) {
    case 'alarm':
      return 'went into alarm'
    case 'ok':
      return 'is clear'
    case 'insufficient-data':
      return 'has no data'
    case 'occurred':
      return 'happened'
    default:
      return `is "${state}"`
  }
}

function reasonOf(signal: RecordedSignal): string | undefined {
  return typeof signal.reason === 'string' ? signal.reason : undefined
}

function factsOf(signal: RecordedSignal): { readonly [name: string]: number } {
  return {
    ...(typeof signal.value === 'number' ? { 'alarm.value': signal.value } : {}),
    ...(typeof signal.threshold === 'number' ? { 'alarm.threshold': signal.threshold } : {}),
  }
}
