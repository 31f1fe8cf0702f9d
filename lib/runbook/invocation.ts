import * as z from 'zod'
import type { AnyAction } from '../actions/action.ts'
import { actionFor, actions } from '../actions/index.ts'
import type { Json } from '../json.ts'
import { quoted } from './diagnostics.ts'
import { parseForm } from './issues.ts'
import type { Problem } from './issues.ts'
import { MAX_COMPACT_LENGTH } from './limits.ts'

/** A step's verb, with the action that its value means. */
export interface Invocation {
  readonly action: AnyAction
  readonly params: { readonly [name: string]: Json }
}

/** Every verb that names an action. */
export const verbs: readonly string[] = [...new Set(actions.map((action) => action.verb))]

/** The value of one verb: compact text or the long form; what comes out is the action with its parameters. */
export function invocation(verb: string) {
  return z.exactOptional(
    z.unknown().transform((value, context): Invocation => {
      const parsed = parseInvocation(verb, value)
      if (!Array.isArray(parsed)) return parsed as Invocation
      for (const { path, message, ...params } of parsed as readonly Problem[]) {
        context.addIssue({ code: 'custom', path: [...path], message, params })
      }
      return z.NEVER
    }),
  )
}

/** Reads a verb's value, or says all that is wrong with it. */
export function parseInvocation(verb: string, value: unknown): Invocation | readonly Problem[] {
  const candidates = actions.filter((action) => action.verb === verb)
  const kinds = candidates.map((action) => action.kind).join(' | ')
  if (typeof value === 'string') {
    if (value.length > MAX_COMPACT_LENGTH) {
      return [
        {
          code: 'TOO_LONG',
          path: [],
          message: `a compact form has at most ${MAX_COMPACT_LENGTH} characters, this has ${value.length}`,
        },
      ]
    }
    const kind = /\S+/.exec(value)?.[0] ?? ''
    const action = actionFor(verb, { [kind]: true })
    if (!action)
      return [
        {
          code: 'BAD_COMPACT_FORM',
          path: [],
          message: `${verb} must begin with ${kinds}`,
          within: { start: 0, end: kind.length },
        },
      ]
    return parseCompact(action, value)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const grammar = candidates.map((action) => action.shorthand.grammar).join(' | ')
    return [
      {
        code: 'WRONG_TYPE',
        path: [],
        message: `"${verb}" expects a text or a mapping`,
        suggestion: `Write ${verb}: ${grammar}`,
      },
    ]
  }
  const action = actionFor(verb, value as { [key: string]: unknown })
  if (!action) return [{ code: 'WRONG_VALUE', path: [], message: `${verb} needs one of the keys ${kinds}` }]
  return parseParams(action, value)
}

function parseCompact(action: AnyAction, value: string): Invocation | readonly Problem[] {
  let parsed: ReturnType<AnyAction['shorthand']['parse']>
  try {
    parsed = action.shorthand.parse(value)
  } catch {
    parsed = { is: 'problem', message: 'this cannot be read', start: 0, end: value.length }
  }
  if (parsed.is === 'params') return parseParams(action, parsed.params)
  const { message, start, end, suggestion } = parsed
  const help =
    suggestion === undefined
      ? `The form is: ${action.shorthand.grammar}`
      : `Write ${action.verb}: ${suggestion}`
  return [
    {
      code: 'BAD_COMPACT_FORM',
      path: [],
      message: `${quoted(value)}: ${message}`,
      within: { start, end },
      suggestion: help,
    },
  ]
}

function parseParams(action: AnyAction, value: unknown): Invocation | readonly Problem[] {
  const parsed = parseForm(action.params as z.ZodType<Invocation['params']>, value)
  if (parsed.is === 'problems') return parsed.problems
  // Optional members that a schema fills with `undefined` do not survive the ledger; they are left out here already.
  return { action, params: JSON.parse(JSON.stringify(parsed.value)) as Invocation['params'] }
}

/** For the editor: the compact form as a text, or the long form of any action of the verb. */
export function invocationShown(verb: string) {
  const candidates = actions.filter((action) => action.verb === verb)
  const grammar = candidates.map((action) => action.shorthand.grammar).join(' | ')
  const compact = z.string().max(MAX_COMPACT_LENGTH).describe(`Compact form: ${grammar}`)
  const long = candidates.map((action) => (action.params as z.ZodType).describe(action.summary))
  return z
    .exactOptional(z.union([compact, ...long]))
    .describe(`${candidates.map((action) => action.summary).join(' ')} Compact form: ${grammar}`)
}
