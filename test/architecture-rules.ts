import { dirname, posix } from 'node:path'
import { lineAt, type Import, type Source } from './architecture-source.ts'

/*
 * The order of the code (DESIGN.md section 5), from the bottom up. A file loads only files of its own row or of rows
 * above it in this table; what is not in the table has no place yet, and the test says so. A pattern that ends in a slash
 * is a folder; the first row that matches, most exact pattern first, is the file's row.
 */
const ROWS: readonly { readonly row: string; readonly files: readonly string[] }[] = [
  {
    row: 'foundations',
    files: [
      'json',
      'ids',
      'clock',
      'random',
      'errors',
      'verdict',
      'queue',
      'http',
      'glob',
      'all-done',
      'problems',
      'ack-link',
      'outbox',
    ].map(inLib),
  },
  {
    row: 'contracts of the world',
    files: [
      'aws/aws',
      'aws/failure',
      'aws/refusals',
      'aws/unreadable',
      'log',
      'metrics',
      'ports',
      'ledger/storage',
    ].map(inLib),
  },
  {
    row: 'signals',
    files: [
      'lib/signal/',
      ...['runbook', 'limits', 'calendar', 'schedule', 'rota'].map((file) => `lib/runbook/${file}.ts`),
    ],
  },
  {
    row: 'AWS by service',
    files: ['lib/interlocks.ts', 'lib/lock-key.ts', 'lib/ecs/', 'lib/route53/', 'lib/codedeploy/'],
  },
  { row: 'channels and probes', files: ['lib/secrets.ts', 'lib/channels/', 'lib/probes/'] },
  { row: 'actions', files: ['lib/actions/'] },
  { row: 'runbook language', files: ['lib/runbook/', 'lib/iam.ts'] },
  { row: 'ledger', files: ['lib/ledger/'] },
  { row: 'execution', files: ['lib/execution/'] },
  {
    row: 'incidents',
    files: [
      'lib/timeline/',
      ...[
        'match',
        'guardrails',
        'blast-radius',
        'incident',
        'timeline',
        'postmortem',
        'reliability',
        'bundle',
        'why-words',
      ].map(inLib),
    ],
  },
  {
    row: 'a turn',
    files: [
      ...[
        'session',
        'incident-stream',
        'plan',
        'facts',
        'perform',
        'carry-out',
        'breaker',
        'begin',
        'recover',
        'measure',
      ].map(inLib),
      ...[
        'undo',
        'finish',
        'forecast',
        'outstanding',
        'prepared',
        'prepare-undo',
        'consent',
        'hold',
        'clearing',
        'paging',
        'take-over',
      ].map(inLib),
    ],
  },
  {
    row: 'orchestrators',
    files: [
      'start',
      'gone',
      'lookback',
      'refusals',
      'advance',
      'advance-incident',
      'decide',
      'pause',
      'start-verdicts',
      'why',
      'listings',
      'hooks',
      'sweep',
      'reconcile',
      'run',
      'ingest',
      'command',
      'access',
      'replay',
    ].map(inLib),
  },
  {
    // Above all that decides, so that nothing in lib can load them: they are handed in.
    row: 'real ports',
    files: [
      ...['http-fetch', 'queue-sqs', 'aws/sdk', 'aws/role', 'aws/service'].map(inLib),
      ...[
        'ledger/dynamodb',
        'ledger/dynamodb-table',
        'ledger/storable',
        'ledger/memory',
        'ledger/counting',
      ].map(inLib),
      'lib/aws/clients/',
    ],
  },
  { row: 'web', files: ['web/'] },
  { row: 'handlers', files: ['handlers/'] },
  { row: 'simulated account', files: ['sim/'] },
  { row: 'command line', files: ['cli/'] },
]

/** Files of types that any file may look up to with `import type`. */
const CONTRACTS = [
  ...[
    'aws/aws',
    'aws/service',
    'ports',
    'log',
    'metrics',
    'http',
    'queue',
    'ledger/storage',
    'ledger/entry',
  ].map(inLib),
  ...['signal/signal', 'runbook/runbook', 'actions/action', 'probes/probe', 'channels/channel'].map(inLib),
]

/** Who may load a package; where `types` is set, everybody may still `import type` from it. */
const MONOPOLIES: readonly {
  readonly packages: RegExp
  readonly only: readonly string[]
  readonly types?: true
}[] = [
  {
    packages: /^@aws-sdk\/client-dynamodb$/,
    only: ['lib/ledger/dynamodb.ts', 'lib/ledger/dynamodb-table.ts', 'sim/dynamodb.ts'],
  },
  // The command line invokes a deployed stack.
  { packages: /^@aws-sdk\/client-lambda$/, only: ['lib/aws/', 'cli/'], types: true },
  { packages: /^(@aws-sdk|@smithy)\//, only: ['lib/aws/', 'lib/queue-sqs.ts'], types: true },
  { packages: /^@marcbachmann\/cel-js$/, only: ['lib/runbook/expressions.ts'] },
  { packages: /^dynalite$/, only: ['sim/dynamodb.ts'] },
]

/** What only one file of `lib/` and `handlers/` may do. Searched outside comments and strings. */
const POWERS: readonly { readonly what: string; readonly uses: RegExp; readonly only: readonly string[] }[] =
  [
    {
      what: 'reads time (take a Clock)',
      uses: /\bDate\.now\b|\bnew Date\b(?!\s*\(\s*[^\s)])|(?<!\bnew\s+)(?<![.\w])Date\s*\(|\bperformance\.now\b|\bhrtime\b/g,
      only: ['lib/clock.ts'],
    },
    {
      what: 'sets a timer (waiting is data)',
      uses: /(?<![\w$])(?:setTimeout|setInterval|setImmediate)\b/g,
      only: ['lib/clock.ts'],
    },
    {
      what: 'sets a timer (waiting is data)',
      uses: /\bAbortSignal\.timeout\b/g,
      only: ['lib/http-fetch.ts', 'lib/aws/sdk.ts'],
    },
    {
      what: 'takes chance (take a Random)',
      uses: /\bMath\.random\b|\brandomUUID\b|\brandomBytes\b|\brandomInt\b|\bgetRandomValues\b/g,
      only: ['lib/random.ts'],
    },
    {
      what: 'fetches (take an Http)',
      uses: /(?<![\w$]|(?<!globalThis)\.)fetch\s*\(|\bXMLHttpRequest\b/g,
      only: ['lib/http-fetch.ts'],
    },
  ]

const OUTSIDE = /^(node:)?(timers|http|https|http2|net|tls|dns|dgram)(\/promises)?$/
/** The part of `node:net` that opens nothing. */
const ADDRESS_ARITHMETIC = /^\s*\{\s*(?:(?:BlockList|isIP|isIPv4|isIPv6|SocketAddress)\s*,?\s*)+\}\s*$/

/** Decide purely: neither these files nor anything that they load may touch the world. */
const PURE = [
  'lib/execution/',
  'lib/match.ts',
  'lib/guardrails.ts',
  'lib/incident.ts',
  'lib/timeline.ts',
  'lib/timeline/',
]
/** Of Node, what only computes; of the ledger, what never calls a storage. */
const PURE_MODULES = /^node:(crypto|util|assert)$|^zod$|^@marcbachmann\/cel-js$|^yaml$/
const PURE_LEDGER = ['lib/ledger/entry.ts', 'lib/ledger/chain.ts', 'lib/ledger/storage.ts']

const MAX_HANDLER_LINES = 40

function inLib(name: string): string {
  return `lib/${name}.ts`
}

function covers(pattern: string, path: string): boolean {
  return pattern.endsWith('/') ? path.startsWith(pattern) : path === pattern
}

/** The row's number and name; exact names win over folders. */
function rowOf(path: string): { readonly rank: number; readonly row: string } | undefined {
  const found = [(pattern: string) => pattern === path, (pattern: string) => covers(pattern, path)]
    .map((matches) => ROWS.findIndex(({ files }) => files.some(matches)))
    .find((rank) => rank >= 0)
  return found === undefined ? undefined : { rank: found, row: ROWS[found]?.row ?? '' }
}

/** The file in the repository that a relative specifier means. */
function resolved(source: Source, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(dirname(source.path), specifier) : undefined
}

function eachImport(
  sources: readonly Source[],
  judge: (source: Source, one: Import) => string | undefined,
): string[] {
  return sources.flatMap((source) =>
    source.imports.flatMap((one) => {
      const problem = judge(source, one)
      return problem === undefined ? [] : [`${source.path}:${one.line} ${problem}`]
    }),
  )
}

export function brokenOrder(sources: readonly Source[]): string[] {
  const placeless = sources.filter((source) => !rowOf(source.path))
  return [
    ...placeless.map(
      (source) => `${source.path}:1 has no row: give it a place in ROWS of test/architecture-rules.ts`,
    ),
    ...eachImport(sources, (source, one) => {
      const target = resolved(source, one.specifier)
      const [from, to] = [rowOf(source.path), target === undefined ? undefined : rowOf(target)]
      if (!from || !to || target === undefined || to.rank <= from.rank) return undefined
      if (one.typeOnly && CONTRACTS.includes(target)) return undefined
      return `(${from.row}) imports ${target} (${to.row}), which stands above it`
    }),
  ]
}

export function brokenMonopolies(sources: readonly Source[]): string[] {
  return eachImport(sources, (source, one) => {
    const monopoly = MONOPOLIES.find((rule) => rule.packages.test(one.specifier))
    if (!monopoly || (one.typeOnly && monopoly.types)) return undefined
    if (monopoly.only.some((pattern) => covers(pattern, source.path))) return undefined
    return `imports ${one.specifier}; only ${monopoly.only.join(', ')} may`
  })
}

export function brokenPowers(sources: readonly Source[]): string[] {
  const watched = sources.filter(({ path }) => /^(lib|handlers)\//.test(path))
  const used = watched.flatMap((source) =>
    POWERS.filter((power) => !power.only.includes(source.path)).flatMap((power) =>
      [...source.bare.matchAll(power.uses)].map((match) => {
        const line = lineAt(source.bare, match.index)
        return `${source.path}:${line} ${power.what}: ${match[0].trim()}; only ${power.only.join(', ')} may`
      }),
    ),
  )
  const loaded = eachImport(watched, (_source, one) =>
    OUTSIDE.test(one.specifier) && !one.typeOnly && !ADDRESS_ARITHMETIC.test(one.names)
      ? `imports ${one.specifier}: time and the network come through ports`
      : undefined,
  )
  return [...used, ...loaded]
}

export function brokenBoundary(sources: readonly Source[]): string[] {
  const inner = sources.filter((source) => source.path.startsWith('lib/'))
  return eachImport(inner, (source, one) => {
    const target = resolved(source, one.specifier)
    return target !== undefined && !target.startsWith('lib/') ? `lib imports ${target}` : undefined
  })
}

/** Follows what the pure files load, and names the path to what does I/O. */
export function brokenPurity(sources: readonly Source[]): string[] {
  const byPath = new Map(sources.map((source) => [source.path, source]))
  const problems: string[] = []
  for (const pure of sources.filter((source) => PURE.some((pattern) => covers(pattern, source.path)))) {
    const seen = new Set<string>()
    const visit = (source: Source, line: number, way: readonly string[]): void => {
      for (const one of source.imports.filter((candidate) => !candidate.typeOnly)) {
        const at = way.length === 1 ? one.line : line
        const target = resolved(source, one.specifier)
        const reached = target ?? one.specifier
        const touches =
          target === undefined
            ? !PURE_MODULES.test(one.specifier)
            : rowOf(target)?.row === 'real ports' ||
              (target.startsWith('lib/ledger/') && !PURE_LEDGER.includes(target))
        if (touches)
          problems.push(`${pure.path}:${at} must be pure, but reaches ${[...way, reached].join(' -> ')}`)
        const next = target === undefined ? undefined : byPath.get(target)
        if (touches || !next || seen.has(next.path)) continue
        seen.add(next.path)
        visit(next, at, [...way, reached])
      }
    }
    visit(pure, 1, [pure.path])
  }
  return problems
}

export function brokenSecrecyOfActions(
  sources: readonly Source[],
  verbs: readonly string[],
  names: readonly string[],
): string[] {
  return sources
    .filter((source) => source.path.startsWith('lib/') && !source.path.startsWith('lib/actions/'))
    .flatMap((source) =>
      source.literals
        .filter(({ text }) => verbs.includes(text) || names.some((name) => text.includes(name)))
        .map(({ text, line }) => `${source.path}:${line} knows the action "${text}"; only lib/actions/ may`),
    )
}

/** Loops of static imports: their files see each other half loaded. */
export function loops(sources: readonly Source[]): string[] {
  const byPath = new Map(sources.map((source) => [source.path, source]))
  const done = new Set<string>()
  const found: string[] = []
  const visit = (source: Source, way: readonly string[]): void => {
    if (done.has(source.path)) return
    for (const one of source.imports) {
      const target = resolved(source, one.specifier)
      const next = one.typeOnly || one.dynamic || target === undefined ? undefined : byPath.get(target)
      if (!next) continue
      const from = [...way, source.path].indexOf(next.path)
      if (from >= 0)
        found.push(
          `${source.path}:${one.line} closes a loop: ${[...way, source.path].slice(from).join(' -> ')}`,
        )
      else visit(next, [...way, source.path])
    }
    done.add(source.path)
  }
  for (const source of sources) visit(source, [])
  return found
}

export function longHandlers(sources: readonly Source[]): string[] {
  return sources
    .filter(
      (source) => source.path.startsWith('handlers/') && /\bexport\b[^=\n]*\bhandler\b/.test(source.bare),
    )
    .filter((source) => source.lines > MAX_HANDLER_LINES)
    .map(
      (source) =>
        `${source.path}:${source.lines} has ${source.lines} lines; a handler has ${MAX_HANDLER_LINES} at most`,
    )
}
