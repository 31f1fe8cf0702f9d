import { CALL_TIMEOUT_MS, type Aws, type AwsFor } from '../../lib/aws/aws.ts'
import { StorageError, type Storage } from '../../lib/ledger/storage.ts'
import type { Ports } from '../../lib/ports.ts'
import { secretReader } from '../../lib/secrets.ts'
import { refuse } from '../refusal.ts'
import type { Point } from './faults.ts'
import { putTwice } from './put-twice.ts'

/** How long DynamoDB's client waits for one answer; a request that arrives later was given up (lib/ledger/dynamodb.ts). */
const STORAGE_TIMEOUT_MS = 1_500
const QUEUE_TIMEOUT_MS = 1_500
const HTTP_TIMEOUT_MS = 3_000

/** One request of a worker to the world around it. */
export interface Request<T> {
  readonly is: Point['is']
  readonly name: string
  readonly timeoutMs: number
  readonly lost: (what: string) => Error
  readonly throttled: () => Error
  readonly effect: () => Promise<T>
  readonly again?: Again<T> | undefined
}

export type Io = <T>(request: Request<T>) => Promise<T>

/** The same request twice, with a pause between the first, whose answer nobody hears, and the second, whose answer counts. */
type Again<T> = (pause: () => Promise<void>) => Promise<T>

const noStorage = (what: string) => new StorageError(what)
const noAnswer = (what: string) => new Error(what)
const timedOut = (what: string) => Object.assign(new Error(what), { name: 'TimeoutError' })
const tooFast = () => refuse('ThrottlingException', 'Rate exceeded')

/** What an item or a prefix is of: the first part of its key, and of an incident's that of its sort key. */
function kindOf(pk: string, sk: string): string {
  const key = pk.startsWith('INC#') ? sk : pk
  const end = key.indexOf('#')
  return end < 0 ? key : key.slice(0, end)
}

/** The ports of a process whose every request goes through `io`, and whose clock is off by `skewMs`. */
export function portsOf(ports: Ports, io: Io, skewMs: number): Ports {
  const { storage, queue, http } = ports
  const store = <T>(
    name: string,
    effect: () => Promise<T>,
    is: Point['is'] = 'storage',
    again?: Again<T>,
  ): Promise<T> =>
    io({
      is,
      name,
      timeoutMs: STORAGE_TIMEOUT_MS,
      lost: noStorage,
      throttled: () => new StorageError(`${name}: throttled`),
      effect,
      again,
    })
  const faulty: Storage = {
    put: (item, condition) =>
      store(
        `put ${kindOf(item.pk, item.sk)}`,
        () => storage.put(item, condition),
        'storage',
        (pause) => putTwice(storage, item, condition, pause),
      ),
    get: (pk, sk) => store(`get ${kindOf(pk, sk)}`, () => storage.get(pk, sk)),
    query: (pk, prefix) => store(`query ${kindOf('INC#', prefix)}`, () => storage.query(pk, prefix)),
    dueBefore: (shard, atMs, limit) => store('due', () => storage.dueBefore(shard, atMs, limit), 'index'),
    listed: (shard, limit, beforeMs) => store('list', () => storage.listed(shard, limit, beforeMs), 'index'),
  }
  const aws: AwsFor = (scope) => {
    const sent = ports.aws(scope)
    const send: Aws['call'] = (name, input) =>
      io({
        is: 'aws',
        name,
        timeoutMs: CALL_TIMEOUT_MS,
        lost: timedOut,
        throttled: tooFast,
        effect: () => sent.call(name, input),
      })
    return { call: send }
  }
  const clock = { now: () => ports.clock.now() + skewMs }
  return {
    ...ports,
    clock,
    aws,
    storage: faulty,
    queue: {
      send: (message, delayMs) =>
        io({
          is: 'queue',
          name: 'send',
          timeoutMs: QUEUE_TIMEOUT_MS,
          lost: noAnswer,
          throttled: () => new Error('send: throttled'),
          effect: () => queue.send(message, delayMs),
        }),
    },
    http: {
      post: (request) =>
        io({
          is: 'http',
          name: 'post',
          timeoutMs: HTTP_TIMEOUT_MS,
          lost: noAnswer,
          throttled: () => new Error('post: connection refused'),
          effect: () => http.post(request),
        }),
    },
    secret: secretReader(aws({}), {}, clock),
  }
}
