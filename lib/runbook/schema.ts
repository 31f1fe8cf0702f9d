import * as z from 'zod'
import type { Json } from '../json.ts'
import { duration, glob, issue, mode, name, percent, severity } from './fields.ts'
import {
  MAX_FLAPPING_CHANGES,
  MAX_RETRY_BUDGET,
  MAX_STEPS,
  MAX_SUMMARY_LENGTH,
  MAX_TRIGGERS,
  RETRY_BUDGET,
} from './limits.ts'
import type { MaxHold, Trigger } from './runbook.ts'
import { approveForm } from './step-parts.ts'
import { parallelShown, shortActionShown, stepShown } from './steps.ts'

const FLAPPING = { changes: 4, within: '10m' }

const eventPattern = z
  .record(z.string().min(1), z.json())
  .superRefine((pattern, context) => {
    for (const { path, message } of patternProblems(pattern, []))
      context.addIssue(issue('WRONG_VALUE', message, { path: [...path] }))
  })
  .describe('A pattern in the syntax of EventBridge: each field lists the values it may have.')

/** EventBridge refuses a pattern whose leaves are not lists, and one with nothing in it would match everything. */
function patternProblems(
  pattern: Json,
  path: readonly (string | number)[],
): { path: readonly (string | number)[]; message: string }[] {
  if (Array.isArray(pattern))
    return pattern.length > 0 ? [] : [{ path, message: 'an empty list matches nothing' }]
  if (typeof pattern !== 'object' || pattern === null) {
    return [{ path, message: 'a field of a pattern lists the values it may have: put the value in [ ]' }]
  }
  const members = Object.entries(pattern as { [key: string]: Json })
  if (members.length === 0) return [{ path, message: 'an empty pattern matches everything' }]
  return members.flatMap(([key, member]) => (key === '$or' ? [] : patternProblems(member, [...path, key])))
}

export const triggerForm = z
  .strictObject({
    alarm: z.exactOptional(glob).describe('A glob on the name of the alarm; * stands for any characters.'),
    pattern: z
      .exactOptional(eventPattern)
      .describe('An EventBridge event pattern, for events that are not alarms.'),
  })
  .meta({ oneOf: [{ required: ['alarm'] }, { required: ['pattern'] }] })
  .transform((form, context): Trigger => {
    if (form.alarm !== undefined && form.pattern === undefined) return { is: 'alarm', glob: form.alarm }
    if (form.pattern !== undefined && form.alarm === undefined)
      return { is: 'pattern', pattern: form.pattern }
    context.addIssue(
      issue(
        'WRONG_VALUE',
        'a trigger is either "alarm: <glob>" or "pattern: <EventBridge pattern>"; begin each with "- "',
      ),
    )
    return z.NEVER
  })

const MIN_HOLD = { minMs: 60_000 }

const maxHoldForm = z
  .union(
    [
      duration(MIN_HOLD),
      z.strictObject({
        for: duration(MIN_HOLD).describe('How long a change may be held.'),
        // oxlint-disable-next-line no-thenable -- a key of the language with a word in it, not a function
        then: z
          .enum(['page', 'undo'])
          .describe(
            'page: a person is called, and it is held on; undo: it is put back while the alarm stands.',
          ),
      }),
    ],
    { error: 'must be a duration such as 24h, or { for: <duration>, then: page | undo }' },
  )
  .transform((given): MaxHold =>
    typeof given === 'number' ? { forMs: given, atEnd: 'page' } : { forMs: given.for, atEnd: given.then },
  )

export const onResolvedForm = z
  .strictObject({
    undo: z
      .exactOptional(z.array(name).max(MAX_STEPS))
      .describe(
        'The steps to undo, by id. Default: those whose action is undone by default (added capacity); [] for none.',
      ),
    after: duration().prefault('15m').describe('How long the alarm must have stayed clear. Default 15m.'),
    step: percent
      .prefault('25%')
      .describe(
        'How much of the added capacity one slow step takes away; 100% puts all back at once. Default 25%.',
      ),
    every: duration({ minMs: 10_000 })
      .prefault('1m')
      .describe('The time between two slow steps. Default 1m.'),
    max_hold: maxHoldForm
      .prefault('24h')
      .describe(
        'How long a change may be held by an alarm that does not clear; then a person is called, or with { for, then: undo } it is put back all the same. Default 24h.',
      ),
  })
  .transform(({ undo, after, step, every, max_hold }) => ({
    ...(undo === undefined ? {} : { undo }),
    afterMs: after,
    stepPercent: step,
    everyMs: every,
    maxHold: max_hold,
  }))

/** What a runbook says before its steps. */
const head = {
  runbook: name.describe('The name of the runbook, unique among all.'),
  summary: z
    .exactOptional(z.string().min(1).max(MAX_SUMMARY_LENGTH))
    .describe('What it is for, in a sentence or two. Default: made from the triggers.'),
  service: name.describe('The service it is about: an entry of services.yaml.'),
  severity: z
    .exactOptional(severity)
    .describe('How bad it is: sev1 (worst) to sev4. Default: the severity of the service.'),
  mode: mode
    .prefault('auto')
    .describe(
      'What it may do: shadow (record only), approve (ask first) or auto; policy.yaml may allow less. Default auto.',
    ),
  approve: z
    .exactOptional(approveForm)
    .describe(
      'How the whole plan is asked for where the mode is approve. Default: the team of escalate_to, for 15m, then escalate.',
    ),
  triggers: z
    .array(triggerForm)
    .max(MAX_TRIGGERS)
    .describe('What starts it, any of them. [] for a runbook that only people start.'),
  hold_down: duration()
    .prefault('0s')
    .describe('How long the alarm must have stayed in ALARM before it starts. Default 0s.'),
  cooldown: duration()
    .prefault('5m')
    .describe(
      "No further execution for the service beside it, nor for this long after it ends. Default 5m, or the alarm's evaluation window where that is longer.",
    ),
  keep_open: duration()
    .prefault('5m')
    .describe('How long the alarm must have been clear before the incident counts as resolved. Default 5m.'),
  flapping: z
    .strictObject({
      changes: z
        .int()
        .min(2)
        .max(MAX_FLAPPING_CHANGES)
        .prefault(FLAPPING.changes)
        .describe('Changes of state that count as flapping. Default 4.'),
      within: duration({ minMs: 1_000 })
        .prefault(FLAPPING.within)
        .describe('The time in which they are counted. Default 10m.'),
    })
    .prefault(FLAPPING)
    .transform(({ changes, within }) => ({ changes, withinMs: within }))
    .describe(
      'When the alarm changes this often, stop acting and page instead. Default 4 changes within 10m.',
    ),
  retry_budget: z
    .int()
    .min(0)
    .max(MAX_RETRY_BUDGET)
    .prefault(RETRY_BUDGET)
    .describe(
      'How many attempts all steps together may repeat in one execution; messages are not counted. Default 20.',
    ),
  on_resolved: z
    .exactOptional(onResolvedForm)
    .describe(
      'What is put back when the alarm has stayed clear. Default: added capacity, after 15m, 25% a minute.',
    ),
}

/** The long form. Its steps are parsed one by one, so that a mistake in one hides none in another. */
export const runbookForm = z.strictObject({
  ...head,
  steps: z.array(z.unknown()).min(1).max(MAX_STEPS),
})

const shortHead = {
  alert: glob.describe('The name of the alarm, or a glob on it.'),
  mode: mode
    .prefault('auto')
    .describe('What it may do: shadow, approve or auto; policy.yaml may allow less. Default auto.'),
  severity: z
    .exactOptional(severity)
    .describe('sev1 (worst) to sev4. Default: the severity of the service whose alarms match.'),
}

/** One entry of the short form. */
export const shortForm = z.strictObject({
  ...shortHead,
  actions: z
    .array(z.unknown())
    .min(1)
    .max(MAX_STEPS - 1),
})

const runbookShown = z
  .strictObject({
    ...head,
    steps: z
      .array(z.union([stepShown, parallelShown]))
      .min(1)
      .max(MAX_STEPS)
      .describe('What is done, in this order.'),
  })
  .describe('A runbook in its long form.')

const shortShown = z
  .strictObject({
    ...shortHead,
    actions: z
      .array(shortActionShown)
      .min(1)
      .max(MAX_STEPS - 1)
      .describe('What is done, in this order; a check of the alarm follows.'),
  })
  .describe('A runbook in its short form.')

/** For the editor: a whole file. */
export const fileShown = z
  .union([runbookShown, z.array(shortShown).min(1)])
  .describe('A runbook of Firebreak: a list of short ones, or one in the long form.')
