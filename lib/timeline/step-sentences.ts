import { isMessageChange } from '../execution/state.ts'
import { never } from '../errors.ts'
import { HOLD_DOWN } from '../execution/state.ts'
import type { EntryKind, RecordedVerdict, Stamped } from '../ledger/entry.ts'
import type { Level } from '../timeline.ts'
import { because, type Telling, type Told } from './telling.ts'
import { timeText, valueLines } from './words.ts'

type Of<K extends EntryKind> = Extract<Stamped, { readonly kind: K }>

type StepEntry = Of<
  | 'step.intended'
  | 'step.applied'
  | 'step.retried'
  | 'step.unsettled'
  | 'step.failed'
  | 'step.skipped'
  | 'step.waiting'
  | 'step.waited'
  | 'step.verified'
  | 'step.checking'
  | 'step.checked'
>

export function tellStep(entry: StepEntry, telling: Telling): Told {
  const { step } = entry
  const name = nameOf(step, telling)
  switch (entry.kind) {
    case 'step.intended':
      return tellIntended(entry, telling, name)
    case 'step.applied':
      return tellApplied(entry, telling, name)
    case 'step.retried':
      return {
        step,
        level: 'attention',
        attempt: entry.attempt,
        text: `${name}: attempt ${entry.attempt} did not succeed; it is tried again from ${timeText(entry.retryAtMs)} on.`,
        ...because({ reason: entry.reason }),
      }
    case 'step.unsettled':
      return {
        step,
        level: 'attention',
        attempt: entry.attempt,
        text: `${name}: the outcome of attempt ${entry.attempt} is not known; it is observed from ${timeText(entry.observeAtMs)} on and not repeated before.`,
        ...because({ reason: entry.reason }),
      }
    case 'step.failed':
      return {
        step,
        level: 'bad',
        ...(entry.attempt === undefined ? {} : { attempt: entry.attempt }),
        text: `${name} has failed: ${failureText(entry.code)}.`,
        ...because({ reason: entry.reason, place: entry.place }),
      }
    case 'step.skipped':
      return {
        step,
        level: entry.code === 'foreign' || entry.code === 'unapproved' ? 'attention' : 'info',
        text: `${name} was ${skipText(entry.code)}.`,
        ...because({ reason: entry.reason, values: entry.values }),
      }
    case 'step.waiting':
      return { step, level: 'info', text: waitingText(entry, name), ...because({ reason: entry.reason }) }
    case 'step.waited':
      return {
        step,
        level: 'info',
        text:
          step === HOLD_DOWN
            ? 'The hold-down is over and the alarm still stands.'
            : `${name}: the wait is over.`,
      }
    case 'step.verified':
      return {
        step,
        level: levelOf(entry.verdict),
        text: verifiedText(entry.verdict, name),
        ...measured(entry.verdict),
      }
    case 'step.checking':
      return {
        step,
        level: 'info',
        text: `${name}: is the symptom gone? It is measured until ${timeText(entry.untilMs)} at the latest.`,
        ...because({ values: entry.values }),
      }
    case 'step.checked':
      return {
        step,
        level: levelOf(entry.verdict),
        text: checkedText(entry.verdict, name),
        ...measured(entry.verdict, entry.samples),
      }
    default:
      return never(entry)
  }
}

/** A page of the engine's own is called what it is; everything else by its id in the runbook. */
function nameOf(step: string, telling: Telling): string {
  const to = telling.pages.get(step)
  if (to === undefined) return step
  return to === '' ? 'The page' : `The page to ${to}`
}

function tellIntended(entry: Of<'step.intended'>, telling: Telling, name: string): Told {
  const { step, attempt, change } = entry
  const again = attempt > 1 ? `, attempt ${attempt}` : ''
  return {
    step,
    attempt,
    level: 'info',
    text: `${name}${again}: ${intentText(entry, telling)}.`,
    change: {
      target: change.target.label,
      before: change.before,
      after: change.after,
      summary: change.summary,
    },
    ...because({
      notes: [repetitionText(entry, telling), ...(entry.notes ?? [])],
      values: entry.values,
    }),
  }
}

/** Why there is a further attempt at what may have been done already. */
function repetitionText(entry: Of<'step.intended'>, telling: Telling): string | undefined {
  if (entry.attempt === 1) return undefined
  const workerGone = telling.steps.get(entry.step)?.is === 'worker-gone'
  if (isMessageChange(entry.change)) {
    return workerGone
      ? 'the worker died and whether it was sent is not known: it is sent again, since twice is better than not at all'
      : undefined
  }
  return workerGone
    ? 'the worker died before its call took effect: a new worker observed that the change was not there'
    : 'observed before: the change was not there'
}

function intentText(entry: Of<'step.intended'>, telling: Telling): string {
  const { target, summary } = entry.change
  if (isMessageChange(entry.change)) return `about to ${summary}`
  const verb = telling.header?.kind === 'undo.started' ? 'put back' : 'change'
  return `about to ${verb} ${target.label}: ${summary}`
}

function tellApplied(entry: Of<'step.applied'>, telling: Telling, name: string): Told {
  const { step, attempt, receipt } = entry
  const tried = telling.steps.get(step)
  const recovered = entry.recovered === undefined ? undefined : recoveryText(tried?.is)
  const { change } = tried?.intent ?? {}
  const what = change === undefined ? '' : ` ${change.target.label}: ${change.summary}`
  const done = telling.header?.kind === 'undo.started' ? 'put back' : 'changed'
  const text = entry.message
    ? `${name}: it was sent and accepted.`
    : recovered === undefined
      ? `${name}: ${done}${what}.`
      : `${name}: ${recovered} (${done}${what}).`
  return {
    step,
    attempt,
    level: 'good',
    text,
    ...(receipt.requestId === undefined ? {} : { requestId: receipt.requestId }),
    ...(receipt.operationId === undefined ? {} : { operationId: receipt.operationId }),
    ...(recovered === undefined ? {} : { recovered }),
    ...because({ reason: entry.recovered, notes: [receipt.detail] }),
  }
}

/** How a result is known without AWS's own answer to the call. */
function recoveryText(
  doubt: 'open' | 'settled' | 'worker-gone' | 'no-answer' | 'not-taken' | undefined,
): string {
  switch (doubt) {
    case 'worker-gone':
      return 'the worker died between the call and its record; a new worker observed that the change was there: not repeated'
    case 'no-answer':
      return 'the answer to the call was lost; it was observed that the change was there: not repeated'
    case 'not-taken':
      return 'before trying again it was observed that the change was there: not repeated'
    case 'open':
    case 'settled':
    case undefined:
      return 'it was observed that the change was there: not repeated'
    default:
      return never(doubt)
  }
}

function failureText(code: Of<'step.failed'>['code']): string {
  switch (code) {
    case 'refused':
      return 'it would not be safe, so nothing was changed'
    case 'terminal':
      return 'AWS refused the call for good'
    case 'exhausted':
      return 'its attempts are used up'
    case 'conflict':
      return 'somebody else has changed the target, so it is left alone'
    case 'unreadable':
      return 'what it depends on could not be read'
    case 'unknown':
      return 'its outcome is not known, and a person must look'
    case 'human':
      return 'a person must decide'
    case 'denied':
      return 'it was not approved'
    case 'guardrail':
      return 'a guardrail forbids it'
    default:
      return never(code)
  }
}

function skipText(code: Of<'step.skipped'>['code']): string {
  switch (code) {
    case 'condition':
      return 'skipped: its condition does not hold'
    case 'already':
      return 'skipped: there is nothing to do'
    case 'stopped':
      return 'skipped: nothing more is begun'
    case 'unapproved':
      return 'skipped: it was not approved'
    case 'undone':
      return 'left as it is: it is back already'
    case 'foreign':
      return 'left as it is: somebody else has changed it since'
    case 'locked':
      return 'skipped: another execution is changing its target'
    case 'superseded':
      return 'left to a later execution, which puts back both changes'
    default:
      return never(code)
  }
}

function waitingText(entry: Of<'step.waiting'>, name: string): string {
  const until = timeText(entry.wakeAtMs)
  if (entry.step === HOLD_DOWN) return `Hold-down: nothing is done before ${until}.`
  return entry.blocked ? `${name} is put off until ${until}.` : `${name}: waiting until ${until}.`
}

/** Silence is not health: without data a verdict wants a person's eye, it is never good. */
function levelOf({ verdict }: RecordedVerdict): Level {
  switch (verdict) {
    case 'passed':
      return 'good'
    case 'failed':
      return 'bad'
    case 'inconclusive':
    case 'error':
      return 'attention'
    default:
      return never(verdict)
  }
}

function verifiedText({ verdict }: RecordedVerdict, name: string): string {
  switch (verdict) {
    case 'passed':
      return `${name}: verified, the change has landed.`
    case 'failed':
      return `${name}: the change has not landed.`
    case 'inconclusive':
      return `${name}: whether the change has landed cannot be told.`
    case 'error':
      return `${name}: whether the change has landed could not be measured.`
    default:
      return never(verdict)
  }
}

function checkedText({ verdict }: RecordedVerdict, name: string): string {
  switch (verdict) {
    case 'passed':
      return `${name}: the symptom is gone.`
    case 'failed':
      return `${name}: the symptom is not gone.`
    case 'inconclusive':
      return `${name}: whether the symptom is gone cannot be told.`
    case 'error':
      return `${name}: whether the symptom is gone could not be measured.`
    default:
      return never(verdict)
  }
}

function measured(
  verdict: RecordedVerdict,
  samples: readonly RecordedVerdict[] = [],
): { readonly why?: Told['why'] & {} } {
  const notes = samples.map((sample, index) => {
    const values = valueLines(sample.values).join(', ')
    return `sample ${index + 1} ${sample.verdict}: ${sample.reason}${values === '' ? '' : ` (${values})`}`
  })
  return because({ reason: verdict.reason, values: verdict.values, notes })
}
