import * as z from 'zod'
import type { DiagnosticCode } from './diagnostics.ts'
import { MAX_DURATION_MS, MAX_GLOB_LENGTH, MAX_NAME_LENGTH, MAX_TEXT_LENGTH } from './limits.ts'

/** What an issue raised by our own schemas says beside its message; issues.ts makes a diagnostic of it. */
export interface IssueParams {
  readonly code: DiagnosticCode
  readonly suggestion?: string
  readonly within?: { readonly start: number; readonly end: number }
  readonly onKey?: boolean
}

/** Shapes an issue for `context.addIssue` so that it arrives as a diagnostic of that code. */
export function issue(
  code: DiagnosticCode,
  message: string,
  rest: Omit<IssueParams, 'code'> & { readonly path?: PropertyKey[] } = {},
): { code: 'custom'; message: string; path: PropertyKey[]; params: IssueParams } {
  const { path = [], ...params } = rest
  return { code: 'custom', message, path, params: { code, ...params } }
}

const UNIT_MS: { readonly [unit: string]: number } = {
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
}
const DURATION = /^(\d{1,10})(ms|s|m|h|d)$/
const DURATION_HELP = 'must be a duration: a whole number and a unit, such as 30s, 15m, 2h or 1d'

/** A duration in milliseconds from `30s`, `15m`, `2h`, `1d` (or `500ms`); both limits are inclusive. */
export function duration(limits: { readonly minMs?: number; readonly maxMs?: number } = {}) {
  const { minMs = 0, maxMs = MAX_DURATION_MS } = limits
  return z
    .string({ error: DURATION_HELP })
    .regex(DURATION, { error: DURATION_HELP })
    .transform((text, context) => {
      const match = DURATION.exec(text)
      const ms = Number(match?.[1]) * (UNIT_MS[match?.[2] ?? ''] ?? Number.NaN)
      if (ms >= minMs && ms <= maxMs) return ms
      context.addIssue(
        issue('OUT_OF_RANGE', `must lie between ${writeDuration(minMs)} and ${writeDuration(maxMs)}`),
      )
      return z.NEVER
    })
}

/** The shortest text that `duration` reads back to the same milliseconds. */
export function writeDuration(ms: number): string {
  if (ms === 0) return '0s'
  const unit = Object.keys(UNIT_MS).find((name) => ms % (UNIT_MS[name] ?? 1) === 0) ?? 'ms'
  return `${ms / (UNIT_MS[unit] ?? 1)}${unit}`
}

const PERCENT_HELP = 'must be a percentage from 1% to 100%'

/** A whole percentage from `25%` or 25. */
export const percent = z
  .union([z.string().regex(/^\d{1,3}%$/), z.int().min(1).max(100)], { error: PERCENT_HELP })
  .transform((value, context) => {
    const number = typeof value === 'number' ? value : Number(value.slice(0, -1))
    if (number >= 1 && number <= 100) return number
    context.addIssue(issue('OUT_OF_RANGE', PERCENT_HELP))
    return z.NEVER
  })

/** Names that every JavaScript object seems to have would be found where they are not. */
const RESERVED = new Set(Object.getOwnPropertyNames(Object.prototype))
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/

/** The name of a runbook, service, team, record, metric or step: letters, digits, `_`, `.` and `-`. */
export const name = z
  .string({ error: 'must be a name' })
  .min(1)
  .max(MAX_NAME_LENGTH)
  .regex(NAME, {
    error: 'must be a name: letters, digits, "_", "." and "-", beginning with a letter or digit',
  })
  .refine((text) => !RESERVED.has(text), { error: 'is a reserved name' })

/** A name inside this file's text, or `undefined` where nothing of it may stand in a name. */
export function nameFrom(text: string): string | undefined {
  const made = text
    .replace(/[^A-Za-z0-9_.-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, MAX_NAME_LENGTH)
    .replace(/[-_.]+$/, '')
  return name.safeParse(made).success ? made : undefined
}

/** What is said of anything else in the place of an account. */
export const ACCOUNT_HELP = 'must be an AWS account: 12 digits'

/** The number of an AWS account, as text: it may begin with 0. */
export const accountNumber = z.string().regex(/^\d{12}$/, { error: ACCOUNT_HELP })

/** A glob on an alarm's name. */
export const glob = z.string().min(1).max(MAX_GLOB_LENGTH)

/** Any text that AWS gives a meaning: a name, an ARN. */
export const text = z.string().min(1).max(MAX_TEXT_LENGTH)

export const severity = z.enum(['sev1', 'sev2', 'sev3', 'sev4'])
export const mode = z.enum(['shadow', 'approve', 'auto'])
export const onFailure = z.enum(['stop', 'continue', 'undo', 'escalate'])
export const onLocked = z.enum(['wait', 'skip'])
export const onTimeout = z.enum(['skip', 'stop', 'escalate'])
/** The address of a team of oncall.yaml. */
export const oncallAddress = z
  .string()
  .regex(/^oncall@[A-Za-z0-9][A-Za-z0-9_.-]*$/, { error: 'must be oncall@<team>, such as oncall@sre' })
