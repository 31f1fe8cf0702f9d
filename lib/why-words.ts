import * as z from 'zod'
import { never } from './errors.ts'

const rule = z.looseObject({ reason: z.string(), place: z.string().exactOptional() })
const decision = z.looseObject({
  stream: z.string(),
  status: z.looseObject({
    is: z.string(),
    outcome: z.string().exactOptional(),
    code: z.string().exactOptional(),
    reason: z.string().exactOptional(),
  }),
  place: z.string().exactOptional(),
  // Absent in answers of older stacks.
  atMs: z.number().exactOptional(),
  mode: z.string().exactOptional(),
  capped: rule.exactOptional(),
  held: z.string().exactOptional(),
  steps: z.array(rule.extend({ step: z.string(), is: z.string(), code: z.string() })).exactOptional(),
})

/** What `why` answers; more may stand in it than is read here, since the stack may be newer than whoever asks. */
export const whyAnswer = z.discriminatedUnion('is', [
  z.looseObject({
    is: z.literal('signal'),
    signalId: z.string(),
    name: z.string(),
    state: z.string(),
    stateAtMs: z.number(),
    code: z.string(),
    reason: z.string(),
  }),
  z.looseObject({
    is: z.literal('accepted'),
    name: z.string(),
    state: z.string(),
    stateAtMs: z.number(),
    incidentId: z.string(),
    effect: z.string(),
    reasons: z.array(decision),
    verdict: z.looseObject({ code: z.string(), reason: z.string() }).exactOptional(),
  }),
  z.looseObject({ is: z.literal('executions'), reasons: z.array(decision) }),
  z.looseObject({
    is: z.literal('runbook'),
    runbook: z.string(),
    service: z.string(),
    mode: z.looseObject({
      mode: z.string(),
      reason: z.string().exactOptional(),
      place: z.string().exactOptional(),
    }),
    now: z.array(rule.extend({ rule: z.string(), verdict: z.enum(['passed', 'failed']) })),
    decisions: z.array(decision),
  }),
])

export type WhyAnswer = z.output<typeof whyAnswer>
type Decision = z.output<typeof decision>

/** One line of the answer; `verdict` where a mark stands before it. Nothing in it is escaped. */
export interface WhyWords {
  readonly text: string
  readonly verdict?: 'passed' | 'failed'
}

/** Says a moment, as the surface says moments. */
type TimeText = (atMs: number) => string

/** The answer as people read it. Pure. */
export function whyWords(told: WhyAnswer, time: TimeText): readonly WhyWords[] {
  return linesOf(told, time).map((line) => (typeof line === 'string' ? { text: line } : line))
}

function linesOf(told: WhyAnswer, time: TimeText): readonly (string | WhyWords)[] {
  switch (told.is) {
    case 'signal':
      return [`${signalText(told, time)} started nothing`, `  ${told.code}: ${told.reason}`]
    case 'accepted': {
      const { incidentId, effect, reasons, verdict } = told
      return [
        `${signalText(told, time)} ${effectText(effect, incidentId)}`,
        ...(reasons.length === 0 && startsSomething(effect) ? ['  no execution of it is on record'] : []),
        ...reasons.flatMap((one) => decisionLines(one, time)),
        ...(verdict ? [`beside it, ${verdict.code}: ${verdict.reason}`] : []),
      ]
    }
    case 'executions':
      return told.reasons.flatMap((one) => decisionLines(one, time))
    case 'runbook': {
      const { mode, reason, place } = told.mode
      const because = reason === undefined ? '' : `: ${reason}`
      return [
        `${told.runbook} on service ${told.service}, mode ${mode}${because}${placeText(place)}`,
        ...told.now.map(({ rule: name, reason: why, place: at, verdict }) => ({
          text: `${name}: ${why}${placeText(at)}`,
          verdict,
        })),
        ...(told.decisions.length === 0 ? ['no decision of it is on record in the latest incidents'] : []),
        ...told.decisions.flatMap((one) => decisionLines(one, time)),
      ]
    }
    default:
      return never(told)
  }
}

function signalText(
  { name, state, stateAtMs }: Extract<WhyAnswer, { is: 'signal' | 'accepted' }>,
  time: TimeText,
): string {
  return `${name} ${state} at ${time(stateAtMs)}`
}

function startsSomething(effect: string): boolean {
  return effect === 'opened' || effect === 'recurred'
}

/** A stack that is newer than this command line may know more effects: then its word is shown. */
function effectText(effect: string, incidentId: string): string {
  switch (effect) {
    case 'opened':
      return `opened ${incidentId}`
    case 'recurred':
      return `joined ${incidentId} as a new onset`
    case 'attached':
      return `joined ${incidentId}, whose alarm stood already, and started nothing`
    case 'cleared':
      return `cleared ${incidentId}`
    default:
      return `${effect} ${incidentId}`
  }
}

/** What became of it; under it every rule and condition that had a say. */
function decisionLines(
  { stream, atMs, status, place, mode, capped, held, steps = [] }: Decision,
  time: TimeText,
): readonly string[] {
  const words = [status.outcome ?? status.is, ...(status.code === undefined ? [] : [status.code])]
  const reason = status.reason === undefined || status.reason === '' ? '' : `: ${status.reason}`
  const when = atMs === undefined ? '' : `${time(atMs)} `
  return [
    `${when}${stream} ${words.join(', ')}${reason}${placeText(place)}`,
    ...(capped ? [`  mode ${mode ?? ''}: ${capped.reason}${placeText(capped.place)}`] : []),
    ...(held === undefined ? [] : [`  held: ${held}`]),
    ...steps.map((one) => `  ${one.step} ${one.is}, ${one.code}: ${one.reason}${placeText(one.place)}`),
  ]
}

function placeText(place: string | undefined): string {
  return place === undefined ? '' : ` (${place})`
}
