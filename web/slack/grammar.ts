import { didYouMean } from '../../lib/runbook/diagnostics.ts'
import { incidentIdOf } from '../../lib/ids.ts'

/** What somebody has typed behind the command, understood. */
export type Spoken =
  | { readonly is: 'help'; readonly verb?: string }
  /** It cannot be understood; `text` says what to type instead. */
  | { readonly is: 'unclear'; readonly text: string }
  | {
      readonly is: 'run' | 'plan'
      readonly runbook?: string
      readonly reason?: string
      readonly mode?: string
      readonly despiteFreeze?: true
    }
  | { readonly is: 'list' | 'approvals' }
  | { readonly is: 'status' | 'timeline' | 'export' | 'why'; readonly id?: string }
  | {
      readonly is: 'approve' | 'deny' | 'abort' | 'ack' | 'note' | 'mitigate' | 'resolve'
      readonly id?: string
      readonly subject?: string
      readonly text?: string
    }
  | { readonly is: 'pause' | 'resume'; readonly scope: Scope; readonly text?: string }

export type Scope =
  | { readonly is: 'all' }
  | { readonly is: 'account' | 'service' | 'runbook'; readonly name: string }

export interface Verb {
  readonly name: string
  readonly usage: string
  readonly says: string
}

/** The one tree of commands, in the order of the help. */
export const VERBS: readonly Verb[] = [
  { name: 'list', usage: 'list', says: 'the newest incidents' },
  { name: 'status', usage: 'status [incident]', says: 'how it stands' },
  { name: 'plan', usage: 'plan <runbook>', says: 'what it would change now; changes nothing' },
  { name: 'run', usage: 'run [runbook] [reason…] [--mode shadow] [--despite-freeze]', says: 'start it' },
  { name: 'approve', usage: 'approve [execution] [reason…]', says: 'permit what is asked' },
  { name: 'deny', usage: 'deny [execution] [reason…]', says: 'forbid it' },
  { name: 'ack', usage: 'ack [incident]', says: 'take ownership; nobody else is paged' },
  { name: 'note', usage: 'note [incident] <text>', says: 'put a sentence on the timeline' },
  { name: 'abort', usage: 'abort [execution] <reason>', says: 'no further step begins' },
  { name: 'mitigate', usage: 'mitigate [incident] <how>', says: 'say that the impact is reduced' },
  { name: 'resolve', usage: 'resolve [incident] <reason>', says: 'close it' },
  {
    name: 'pause',
    usage: 'pause <all | service x | runbook x | account n> <reason>',
    says: 'change nothing any more',
  },
  { name: 'resume', usage: 'resume <all | service x | runbook x | account n>', says: 'go on' },
  { name: 'approvals', usage: 'approvals', says: 'what waits for a decision' },
  { name: 'timeline', usage: 'timeline [incident]', says: 'what happened last' },
  { name: 'why', usage: 'why <incident or runbook>', says: 'why it ran, or did not' },
  { name: 'export', usage: 'export [incident]', says: 'the timeline as files' },
  { name: 'help', usage: 'help [command]', says: 'this' },
]

const MODES = new Set(['shadow', 'approve', 'auto'])

/** Longer than any command: the rest is a paste. */
const MAX_TEXT = 2_000

/**
 * Reads what was typed. Phones put typographic quotes and dashes where a keyboard has plain ones, so both mean the same.
 * Options are `key=value`, `--key value` or `-key value`; everything else is in order. Pure, and never throws.
 */
export function understand(given: string): Spoken {
  if (given.length > MAX_TEXT) return { is: 'unclear', text: `That is longer than ${MAX_TEXT} characters.` }
  const { words, options, unknown } = wordsOf(plain(given))
  const [first = 'help', ...rest] = words
  const name = first.toLowerCase()
  const verb = VERBS.find((one) => one.name === name)
  if (!verb) {
    const meant = didYouMean(name, new Set(VERBS.map((one) => one.name)))
    return {
      is: 'unclear',
      text: `There is no command "${first.slice(0, 40)}". ${meant ?? 'Type `help` for those that there are.'}`,
    }
  }
  // A slip must not become part of a reason, with the command done otherwise than it was meant.
  if (unknown !== undefined && verb.name !== 'note')
    return {
      is: 'unclear',
      text: `There is no option "${unknown.slice(0, 40)}". Type \`${verb.usage}\`.`,
    }
  return spokenOf(verb, rest, options)
}

type Options = ReadonlyMap<string, string>

function spokenOf(verb: Verb, words: readonly string[], options: Options): Spoken {
  const id = options.get('id') ?? (isId(words[0]) ? words[0] : undefined)
  const rest = id !== undefined && words[0] === id ? words.slice(1) : words
  const said = options.get('reason') ?? rest.join(' ')
  const text = said === '' ? {} : { text: said }
  const whose = id === undefined ? {} : { id }
  switch (verb.name) {
    case 'help':
      return words[0] === undefined ? { is: 'help' } : { is: 'help', verb: words[0].toLowerCase() }
    case 'run':
    case 'plan':
      return runOf(verb.name, words, options)
    case 'list':
    case 'approvals':
      return { is: verb.name }
    case 'status':
    case 'timeline':
    case 'export':
      return words[0] === undefined || id !== undefined
        ? { is: verb.name, ...whose }
        : usageOf(verb, `"${words[0].slice(0, 40)}" is not the id of an incident; \`list\` tells them`)
    case 'why':
      return words[0] === undefined ? usageOf(verb) : { is: 'why', id: words[0] }
    case 'ack':
    case 'approve':
    case 'deny': {
      const subject = options.get('step')
      return { is: verb.name, ...whose, ...(subject === undefined ? {} : { subject }), ...text }
    }
    case 'note':
    case 'abort':
    case 'mitigate':
    case 'resolve':
      return said === '' ? usageOf(verb, 'Say why, or what') : { is: verb.name, ...whose, text: said }
    case 'pause':
    case 'resume':
      return pauseOf(verb, verb.name, words, options)
    default:
      throw new Error(`the command ${verb.name} has no meaning`)
  }
}

function runOf(is: 'run' | 'plan', words: readonly string[], options: Options): Spoken {
  const [runbook, ...rest] = words
  const reason = options.get('reason') ?? rest.join(' ')
  const mode = options.get('mode')
  if (mode !== undefined && !MODES.has(mode))
    return { is: 'unclear', text: `A mode is ${[...MODES].join(', ')}, and not "${mode.slice(0, 40)}".` }
  return {
    is,
    ...(runbook === undefined ? {} : { runbook }),
    ...(reason === '' ? {} : { reason }),
    ...(mode === undefined ? {} : { mode }),
    ...(options.has(DESPITE_FREEZE) ? { despiteFreeze: true } : {}),
  }
}

function pauseOf(verb: Verb, is: 'pause' | 'resume', words: readonly string[], options: Options): Spoken {
  const [kind = '', name] = words
  const isNamed = kind === 'account' || kind === 'service' || kind === 'runbook'
  // Everything is named as well: a slip in a name must not stop, or let go on, what was not meant.
  if (!isNamed && kind !== 'all') return usageOf(verb, 'Say what')
  if (isNamed && name === undefined) return usageOf(verb, `Which ${kind}?`)
  const scope: Scope = isNamed ? { is: kind, name: name ?? '' } : { is: 'all' }
  const said = options.get('reason') ?? words.slice(isNamed ? 2 : 1).join(' ')
  if (is === 'pause' && said === '') return usageOf(verb, 'Say why')
  return { is, scope, ...(said === '' ? {} : { text: said }) }
}

function usageOf({ usage }: Verb, what?: string): Spoken {
  return { is: 'unclear', text: what === undefined ? `Type \`${usage}\`.` : `${what}: type \`${usage}\`.` }
}

function isId(word: string | undefined): boolean {
  return word !== undefined && incidentIdOf(word) !== undefined
}

/** What a phone writes, as a keyboard would have. */
function plain(text: string): string {
  return text
    .replace(/[\u201c\u201d\u201e\u201f\u00ab\u00bb]/g, '"')
    .replace(/[\u2018\u2019\u201a\u201b]/g, "'")
    .replace(/[\u2012\u2013\u2014\u2015]/g, '--')
    .replace(/[\u00a0\u2007\u202f]/g, ' ')
}

/** Words, with what stands in quotes as one; an apostrophe within a word is none. */
function wordsOf(text: string): {
  readonly words: readonly string[]
  readonly options: Options
  /** An option that there is not. */
  readonly unknown?: string
} {
  const parts = [...text.matchAll(/(?:([\w-]+)=)?(?:"([^"]*)"|(?<![\w])'([^']*)'(?!\w)|(\S+))/g)]
  const words: string[] = []
  const options = new Map<string, string>()
  let awaited: string | undefined
  let unknown: string | undefined
  for (const [, key, double, single, bare] of parts) {
    const value = double ?? single ?? bare ?? ''
    const flag = key === undefined && bare !== undefined ? /^--?([a-z]+)$/.exec(bare)?.[1] : undefined
    const named = key?.replace(/^--?/, '')
    if (named !== undefined && KEYS.has(named)) options.set(named, value)
    else if (flag !== undefined && KEYS.has(flag)) awaited = flag
    else if (bare !== undefined && /^--?despite-freeze$/.test(bare)) options.set(DESPITE_FREEZE, bare)
    else if (awaited !== undefined) {
      options.set(awaited, value)
      awaited = undefined
    } else {
      const word = key === undefined ? value : `${key}=${value}`
      if (/^--[a-z]/.test(key ?? bare ?? '')) unknown ??= word
      words.push(word)
    }
  }
  return { words, options, ...(unknown === undefined ? {} : { unknown }) }
}

/** Has no value of its own. */
const DESPITE_FREEZE = 'despite-freeze'

const KEYS: ReadonlySet<string> = new Set(['reason', 'mode', 'step', 'id'])
