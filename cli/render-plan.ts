import * as z from 'zod'
import { never } from '../lib/errors.ts'
import { durationText, valueLines } from '../lib/timeline/words.ts'
import { painter, plural, printable, table, type Format, type Paint } from './output.ts'
import { widthOf } from './width.ts'

const outcome = z.enum(['change', 'none', 'refused', 'human', 'skipped', 'unreadable', 'not-planned'])

/** What `plan` answers, as far as it is shown. */
export const planSchema = z.looseObject({
  format: z.literal('firebreak.plan/1'),
  runbook: z.string(),
  service: z.string(),
  mode: z.looseObject({ mode: z.enum(['shadow', 'approve', 'auto']), place: z.string().exactOptional() }),
  guardrails: z.array(
    z.looseObject({
      rule: z.string(),
      verdict: z.enum(['passed', 'failed']),
      reason: z.string(),
      place: z.string().exactOptional(),
    }),
  ),
  steps: z.array(
    z.looseObject({
      forecast: z.looseObject({
        step: z.string(),
        target: z.string(),
        summary: z.string(),
        is: outcome,
        reversible: z.boolean(),
        values: z.record(z.string(), z.json()).exactOptional(),
      }),
      action: z.string(),
      notes: z.array(z.string()),
      permissions: z.array(z.looseObject({ actions: z.array(z.string()) })),
      /** Absent in answers of older stacks. */
      guardrails: z
        .array(
          z.looseObject({
            rule: z.string(),
            verdict: z.enum(['passed', 'failed']),
            reason: z.string(),
            place: z.string(),
          }),
        )
        .exactOptional(),
    }),
  ),
  onResolved: z.nullable(
    z.looseObject({
      undo: z.array(z.string()),
      afterMs: z.number(),
      stepPercent: z.number(),
      everyMs: z.number(),
    }),
  ),
})

export type Plan = z.output<typeof planSchema>
type Step = Plan['steps'][number]

/** Whether a start would change anything, and whether anything stands in its way. */
export function judge(plan: Plan): { readonly changes: number; readonly obstacles: number } {
  const bad = plan.steps.filter(
    ({ forecast }) => forecast.is === 'refused' || forecast.is === 'human' || forecast.is === 'unreadable',
  )
  const forbidden = plan.guardrails.filter((guardrail) => guardrail.verdict === 'failed')
  return {
    changes: plan.steps.filter(({ forecast }) => forecast.is === 'change').length,
    obstacles: bad.length + forbidden.length,
  }
}

/** The plan for a terminal: a row for each step and under it what it needs; blocks where a row would not fit. Nothing is cut. */
export function planLines(
  plan: Plan,
  options: { readonly paint: Paint; readonly columns: number },
): string[] {
  const { paint, columns } = options
  const rows = plan.steps.map(({ forecast, action }) => [
    forecast.step,
    action,
    forecast.target,
    forecast.is === 'change' ? (forecast.reversible ? 'yes' : 'no') : '',
    changeText(forecast),
  ])
  const heads = ['STEP', 'ACTION', 'TARGET', 'UNDO', 'BEFORE -> AFTER']
  const colour = (row: number, column: number): Format | undefined =>
    column === 4 ? colourOf(plan.steps[row]) : undefined
  const narrow =
    Math.max(...table(heads, rows, { paint: painter(false), indent: '  ' }).map(widthOf)) > columns
  const [head = '', ...lines] = table(heads, rows, { paint, indent: '  ', colour })
  const steps = plan.steps.flatMap((step, index) => [
    ...(narrow ? block(step, paint) : [lines[index] ?? '']),
    ...asides(step).map((aside) => `      ${paint('dim', aside)}`),
  ])
  return [
    `${paint('bold', `Plan of ${printable(plan.runbook)}`)} on service ${printable(plan.service)}: ${modeText(plan)}`,
    '',
    ...(narrow ? [] : [head]),
    ...steps,
    '',
    ...plan.guardrails.map(({ rule, verdict, reason, place }) => {
      const mark = verdict === 'passed' ? paint('green', '✔') : paint('red', '✖')
      return `  ${mark} ${printable(rule)}: ${printable(reason)}${place === undefined ? '' : ` (${printable(place)})`}`
    }),
    ...undoLines(plan),
  ]
}

/** The one line that says it all. */
export function planSummary(plan: Plan): string {
  const { changes, obstacles } = judge(plan)
  const trouble = obstacles === 0 ? '' : `, ${plural(obstacles, 'obstacle')}`
  return `${plural(changes, 'change')}${trouble}; nothing was changed`
}

function changeText({ is, summary }: Step['forecast']): string {
  switch (is) {
    case 'change':
    case 'not-planned':
      return summary
    case 'none':
      return `nothing to do: ${summary}`
    case 'skipped':
      return `skipped: ${summary}`
    case 'refused':
      return `refused: ${summary}`
    case 'human':
      return `a person must decide: ${summary}`
    case 'unreadable':
      return `could not be read: ${summary}`
    default:
      return never(is)
  }
}

function colourOf(step: Step | undefined): Format | undefined {
  const is = step?.forecast.is
  switch (is) {
    case undefined:
    case 'change':
      return undefined
    case 'none':
    case 'skipped':
    case 'not-planned':
      return 'dim'
    case 'human':
      return 'yellow'
    case 'refused':
    case 'unreadable':
      return 'red'
    default:
      return never(is)
  }
}

function block(step: Step, paint: Paint): string[] {
  const { forecast, action } = step
  const where = forecast.target === '' ? '' : ` on ${forecast.target}`
  const undo = forecast.is === 'change' ? ` (${forecast.reversible ? 'can' : 'cannot'} be put back)` : ''
  const format = colourOf(step)
  const said = printable(changeText(forecast))
  return [
    `  ${paint('bold', printable(forecast.step))}  ${printable(action + where)}`,
    `      ${format === undefined ? said : paint(format, said)}${undo}`,
  ]
}

function asides(step: Step): string[] {
  const actions = [...new Set(step.permissions.flatMap((statement) => statement.actions))].sort()
  const rules = (step.guardrails ?? []).map(({ rule, verdict, reason, place }) => {
    const where = place === '' || reason.includes(place) ? '' : ` (${place})`
    return `${verdict === 'passed' ? '✔' : '✖'} ${rule}: ${reason}${where}`
  })
  return [
    ...rules,
    ...valueLines(step.forecast.values),
    ...step.notes,
    ...(actions.length === 0 ? [] : [`IAM: ${actions.join(', ')}`]),
  ].map(printable)
}

function modeText({ mode }: Plan): string {
  const place = mode.place === undefined ? '' : ` (${printable(mode.place)})`
  switch (mode.mode) {
    case 'shadow':
      return `mode shadow${place}, a start records this plan and changes nothing`
    case 'approve':
      return `mode approve${place}, a start asks a person first`
    case 'auto':
      return `mode auto${place}`
    default:
      return never(mode.mode)
  }
}

function undoLines({ onResolved }: Plan): string[] {
  if (!onResolved || onResolved.undo.length === 0)
    return ['  When the incident is over, nothing is put back.']
  const pace =
    onResolved.stepPercent === 100
      ? 'at once'
      : `${onResolved.stepPercent}% every ${durationText(onResolved.everyMs)}`
  return [
    `  When the alarm has stayed clear for ${durationText(onResolved.afterMs)}: ${onResolved.undo.map(printable).join(', ')} put back, ${pace}.`,
  ]
}
