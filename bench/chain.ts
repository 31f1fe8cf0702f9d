import { ingest } from '../lib/ingest.ts'
import { MUTATING_CALLS, type Aws, type AwsFor, type CallName } from '../lib/aws/aws.ts'
import type { HttpAnswer, HttpRequest } from '../lib/http.ts'
import { memoryStorage } from '../lib/ledger/memory.ts'
import type { Condition, Item, Storage } from '../lib/ledger/storage.ts'
import type { Catalogue } from '../lib/runbook/runbook.ts'
import { createAccount } from '../sim/account.ts'
import type { SimEvent } from '../sim/world.ts'
import { appOn, firedAlarm, shippedCatalogue, turnOf, type Fired } from './world.ts'

/** One request that leaves the process. */
export type Io =
  | { readonly is: 'put'; readonly item: Item; readonly condition: Condition }
  | { readonly is: 'get'; readonly pk: string; readonly sk: string }
  | { readonly is: 'query'; readonly pk: string; readonly prefix: string }
  | { readonly is: 'aws'; readonly name: CallName; readonly input: unknown }
  | { readonly is: 'post'; readonly request: HttpRequest }

/** A request of the execution, and the requests whose answers it waited for. */
export interface Link {
  readonly key: string
  readonly io: Io
  readonly after: readonly string[]
}

/**
 * Everything that one fault-free execution sends, from the signal to the end of its first turn, with what waits for what:
 * the very same requests can be sent bare, in the same braces.
 */
export interface Chain {
  readonly links: readonly Link[]
  /** The first call that changes something. */
  readonly firstEffect: string
  /** The record that says that the last of the steps was applied. */
  readonly lastRecord: string
  readonly steps: number
  readonly answers: Answers
  readonly nowMs: number
  readonly event: SimEvent
  readonly catalogue: Catalogue
}

interface Answers {
  readonly aws: ReadonlyMap<string, readonly unknown[]>
  readonly post: HttpAnswer
}

/** A request is held for so many rounds of the event loop; whatever does not wait for it has begun by then. */
const HELD_ROUNDS = 3

interface Run {
  /** Keys in the order in which they began. */
  readonly began: readonly string[]
  readonly ios: ReadonlyMap<string, Io>
  /** What had begun by the time when the held request was answered. */
  readonly beside: ReadonlySet<string>
  readonly answers: Answers
}

/**
 * Records the execution of the shipped runbook. What waits for what is found by holding back one request at a time: what
 * does not begin meanwhile waits for it.
 */
export async function recordChain(): Promise<Chain> {
  const { account, event } = firedAlarm()
  const catalogue = shippedCatalogue()
  const saved = account.save()
  const play = (held?: string) => playOnce({ account: createAccount({ saved }), event }, catalogue, held)
  const free = await play()
  const waits = new Map(free.began.map((key) => [key, new Set<string>()]))
  for (const held of free.began) {
    const { beside } = await play(held)
    for (const key of free.began) if (key !== held && !beside.has(key)) waits.get(key)?.add(held)
  }
  const links = free.began.map((key): Link => ({
    key,
    io: free.ios.get(key) ?? missing(key),
    after: direct(waits, key),
  }))
  const steps = catalogue.runbooks[0]?.steps.filter((step) => step.is === 'action').length ?? 0
  return {
    links,
    firstEffect:
      links.find(({ io }) => io.is === 'aws' && MUTATING_CALLS.has(io.name))?.key ??
      missing('a changing call'),
    lastRecord: lastOfSteps(links, steps),
    steps,
    answers: free.answers,
    nowMs: account.now(),
    event,
    catalogue,
  }
}

function missing(what: string): never {
  throw new Error(`the recorded execution has no ${what}`)
}

/** The kinds of the entries that a write puts on an execution's own stream; none where it puts something else. */
export function recordedKinds(item: Item): readonly string[] {
  if (!item.sk.startsWith('REC#inc-') || item.sk.includes('.undo#')) return []
  const { entries } = JSON.parse(item.body) as { readonly entries: readonly { readonly kind: string }[] }
  return entries.map((entry) => entry.kind)
}

/** The record with which every step is on record as applied. */
function lastOfSteps(links: readonly Link[], steps: number): string {
  let applied = 0
  for (const { key, io } of links) {
    if (io.is === 'put') applied += recordedKinds(io.item).filter((kind) => kind === 'step.applied').length
    if (applied >= steps) return key
  }
  return missing(`record of ${steps} applied steps`)
}

/** Without what is waited for anyway by something that is waited for. */
function direct(waits: ReadonlyMap<string, ReadonlySet<string>>, key: string): readonly string[] {
  const all = [...(waits.get(key) ?? [])]
  return all.filter((one) => !all.some((other) => waits.get(other)?.has(one)))
}

/** Plays the execution once on memory, every request answered at once but the one that is held. */
async function playOnce(
  { account, event }: Fired,
  catalogue: Catalogue,
  held: string | undefined,
): Promise<Run> {
  const memory = memoryStorage()
  const began: string[] = []
  const ios = new Map<string, Io>()
  const aws = new Map<string, unknown[]>()
  let beside = new Set<string>()
  let post: HttpAnswer | undefined
  const through = async <T>(io: Io, work: () => Promise<T>): Promise<T> => {
    const name = nameOf(io)
    const key = `${name} ${began.filter((other) => other.startsWith(`${name} `)).length + 1}`
    began.push(key)
    ios.set(key, io)
    const answer = await work()
    if (key !== held) return answer
    for (let round = 0; round < HELD_ROUNDS; round++) await new Promise((resolve) => setImmediate(resolve))
    beside = new Set(began)
    return answer
  }
  const storage: Storage = {
    put: (item, condition) => through({ is: 'put', item, condition }, () => memory.put(item, condition)),
    get: (pk, sk) => through({ is: 'get', pk, sk }, () => memory.get(pk, sk)),
    query: (pk, prefix) => through({ is: 'query', pk, prefix }, () => memory.query(pk, prefix)),
    dueBefore: memory.dueBefore,
    listed: memory.listed,
  }
  const recording: AwsFor = (scope) => ({
    call: (name, input) =>
      through({ is: 'aws', name, input }, async () => {
        const answer = await account.aws(scope).call(name, input)
        const question = questionOf(name, input)
        aws.set(question, [...(aws.get(question) ?? []), answer])
        return answer
      }),
  })
  const http = {
    post: (request: HttpRequest) =>
      through({ is: 'post', request }, async () => (post = await account.http.post(request))),
  }
  const app = appOn(storage, account.now(), recording, http, catalogue)
  const { parts } = await ingest(app, event, turnOf(app))
  if (parts[0]?.is !== 'accepted') throw new Error(`the signal was not accepted: ${JSON.stringify(parts)}`)
  return { began, ios, beside, answers: { aws, post: post ?? missing('page') } }
}

/** What a request is called: the same in every run. */
function nameOf(io: Io): string {
  switch (io.is) {
    case 'put':
      return `put ${io.item.pk} ${io.item.sk}`
    case 'get':
      return `get ${io.pk} ${io.sk}`
    case 'query':
      return `query ${io.pk} ${io.prefix}`
    case 'aws':
      return `aws ${io.name}`
    case 'post':
      return 'post'
  }
}

function questionOf(name: CallName, input: unknown): string {
  return `${name} ${JSON.stringify(input)}`
}

/** An account that answers at once what the simulated one answered. `onCall` hears of each call as it begins. */
export function answeringAws(answers: Answers, onCall: (name: CallName) => void = () => {}): AwsFor {
  const asked = new Map<string, number>()
  const aws: Aws = {
    async call(name, input) {
      onCall(name)
      const question = questionOf(name, input)
      // Markers and dates in the input are the same in every run; a question that was never asked is a defect of the bench.
      const known = answers.aws.get(question) ?? missing(`answer to ${question}`)
      const count = asked.get(question) ?? 0
      asked.set(question, count + 1)
      return (known[count] ?? known.at(-1)) as never
    },
  }
  return () => aws
}

/** How many answers of the store have to be waited for, one after the other, before this request can leave. */
export function storeTripsBefore(chain: Chain, key: string): number {
  const links = new Map(chain.links.map((link) => [link.key, link]))
  const known = new Map<string, number>()
  const trips = (one: string): number => {
    const cached = known.get(one)
    if (cached !== undefined) return cached
    const link = links.get(one) ?? missing(one)
    const before = Math.max(
      0,
      ...link.after.map((other) => trips(other) + (isStore(links.get(other) ?? missing(other)) ? 1 : 0)),
    )
    known.set(one, before)
    return before
  }
  return trips(key)
}

function isStore({ io }: Link): boolean {
  return io.is === 'put' || io.is === 'get' || io.is === 'query'
}

/** The longest row of requests that wait for each other before this one, named for people. */
export function longestWay(chain: Chain, key: string): readonly string[] {
  const links = new Map(chain.links.map((link) => [link.key, link]))
  const way = (one: string): readonly string[] => {
    const ways = (links.get(one)?.after ?? []).map((other) => [
      ...way(other),
      shortName(links.get(other) ?? missing(other)),
    ])
    return ways.toSorted((a, b) => b.length - a.length)[0] ?? []
  }
  return way(key)
}

function shortName({ io }: Link): string {
  switch (io.is) {
    case 'put':
      return `put ${kindOf(io.item.pk, io.item.sk)}`
    case 'get':
      return `get ${kindOf(io.pk, io.sk)}`
    case 'query':
      return `query ${io.prefix}`
    case 'aws':
      return io.name
    case 'post':
      return 'page'
  }
}

function kindOf(pk: string, sk: string): string {
  const [kind, stream = ''] = (pk.startsWith('INC#') ? sk : pk).split('#')
  return pk.startsWith('INC#')
    ? `${kind} of the ${stream === 'incident' ? 'incident' : 'execution'}`
    : (kind ?? '')
}
