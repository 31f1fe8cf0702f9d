import * as z from 'zod'
import type { AnyAction } from '../actions/action.ts'
import { actionFor, actions } from '../actions/index.ts'
import type { Json } from '../json.ts'
import { quoted } from './diagnostics.ts'
import { parseForm } from './issues.ts'
import type { Problem } from './issues.ts'
import { MAX_COMPACT_LENGTH } from './limits.ts'
import { hasReference } from './references.ts'
import { withStandIns } from './static-target.ts'

/** A step's verb, with the action that its value means. */
export interface Invocation {
  readonly action: AnyAction
  readonly params: { readonly [name: string]: Json }
  /** Parameters that are references, as written; what is wrong with them only the rest of the runbook tells. */
  readonly references: { readonly [name: string]: string }
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
    if (hasReference(value))
      return [notAllowed([], 'a compact form cannot hold a reference', 'Write the long form, in quotes.')]
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

function parseParams(action: AnyAction, value: object): Invocation | readonly Problem[] {
  const written = Object.entries(value) as [string, Json][]
  const found = written.filter((entry): entry is [string, string] => hasReference(entry[1]))
  const [references, misplaced] = [true, false].map((may) =>
    found.filter(([name]) => Object.hasOwn(action.references ?? {}, name) === may),
  ) as [typeof found, typeof found]
  const referring = new Set(references.map(([name]) => name))
  const literals = Object.fromEntries(written.filter(([name]) => !referring.has(name)))
  const parsed = parseForm(
    action.params as z.ZodType<Invocation['params']>,
    withStandIns(action, literals, referring),
  )
  const problems = parsed.is === 'problems' ? parsed.problems : []
  // A reference in the wrong place is one mistake, whatever the schema makes of its text.
  const said = problems.filter(
    ({ path, code }) => code === 'UNKNOWN_KEY' || !misplaced.some(([name]) => name === path[0]),
  )
  const unknown = new Set(said.filter(({ code }) => code === 'UNKNOWN_KEY').map(({ path }) => path[0]))
  const refused = misplaced
    .filter(([name]) => !unknown.has(name))
    .map(([name]) =>
      notAllowed([name], `${quoted(name)} cannot hold a reference: ${KNOWN_FIRST}`, mayRefer(action)),
    )
  if (parsed.is === 'problems' || refused.length > 0) return [...said, ...refused]
  // Optional members that a schema fills with `undefined` do not survive the ledger; they are left out here already.
  const plain = JSON.parse(JSON.stringify(parsed.value)) as Invocation['params']
  return {
    action,
    params: Object.fromEntries(Object.entries(plain).filter(([name]) => !referring.has(name))),
    references: Object.fromEntries(references),
  }
}

/** Why a parameter that decides what a step acts on is written out. */
const KNOWN_FIRST = 'what a step acts on, its lock and its permissions must be known before anything is read'

function notAllowed(path: readonly string[], message: string, suggestion: string): Problem {
  return { code: 'REFERENCE_NOT_ALLOWED', path, message, suggestion }
}

function mayRefer(action: AnyAction): string {
  const names = Object.keys(action.references ?? {})
  return names.length === 0
    ? `Write a literal; ${action.verb} takes no references.`
    : `Write a literal; of ${action.verb}, references may stand in: ${names.join(', ')}.`
}

/** The schema of an action's long form, in which a reference may stand where the action takes one. */
function paramsShown(action: AnyAction): z.ZodType {
  const { $schema: _draft, ...shown } = z.toJSONSchema(action.params as z.ZodType, {
    io: 'input',
    target: 'draft-7',
    reused: 'inline',
  })
  const properties = Object.entries(shown.properties ?? {}).map(([name, property]) => {
    if (!Object.hasOwn(action.references ?? {}, name) || typeof property === 'boolean')
      return [name, property]
    const { description, default: byDefault, ...literal } = property
    const about = { description: description, default: byDefault }
    return [name, { anyOf: [literal, REFERENCE_SHOWN], ...about }]
  })
  return z
    .unknown()
    .meta({ ...shown, properties: Object.fromEntries(properties), description: action.summary })
}

const REFERENCE_SHOWN = {
  type: 'string',
  pattern: '^\\$\\{[\\s\\S]+\\}$',
  description: 'A CEL expression, such as ${service.ecs.desired + 3}: read when the step begins.',
}

/** For the editor: the compact form as a text, or the long form of any action of the verb. */
export function invocationShown(verb: string) {
  const candidates = actions.filter((action) => action.verb === verb)
  const grammar = candidates.map((action) => action.shorthand.grammar).join(' | ')
  const compact = z.string().max(MAX_COMPACT_LENGTH).describe(`Compact form: ${grammar}`)
  const long = candidates.map(paramsShown)
  return z
    .exactOptional(z.union([compact, ...long]))
    .describe(`${candidates.map((action) => action.summary).join(' ')} Compact form: ${grammar}`)
}
