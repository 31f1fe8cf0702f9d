import type { AwsFor } from '../lib/aws/aws.ts'
import type { Ports } from '../lib/ports.ts'

/** The worker's process is gone: nothing that it still does reaches the world. */
export class CrashError extends Error {
  override readonly name = 'CrashError'
}

/** One I/O of a worker, in order. */
export interface Point {
  /** From 1, over all workers of a stack. */
  readonly ordinal: number
  /** `put REC`, `get CONTROL`, `send`, `route53:ChangeResourceRecordSets` ... */
  readonly name: string
  readonly when: 'before' | 'after'
}

/**
 * The ports of one worker that may die at any I/O: before the request leaves, or after it took effect and before the answer
 * is read. From then on every port refuses, as a killed process does.
 */
export function mortalPorts(
  ports: Ports,
  count: () => number,
  diesAt: (point: Point) => boolean,
  died: (where: string) => void,
): Ports {
  let dead = false
  const io = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    if (dead) throw new CrashError(name)
    const ordinal = count()
    if (diesAt({ ordinal, name, when: 'before' })) {
      dead = true
      died(`${name}, before it left`)
      throw new CrashError(`${name}, before it left`)
    }
    const answer = await work()
    if (dead) throw new CrashError(name)
    if (diesAt({ ordinal, name, when: 'after' })) {
      dead = true
      died(`${name}, after it took effect`)
      throw new CrashError(`${name}, after it took effect`)
    }
    return answer
  }
  const kind = (key: string) => key.split('#')[0] ?? key
  const aws: AwsFor = (scope) => ({
    call: (name, input) => io(name, () => ports.aws(scope).call(name, input)),
  })
  const { storage, queue, http } = ports
  return {
    ...ports,
    aws,
    storage: {
      put: (item, condition) =>
        io(`put ${kind(item.pk === 'CONTROL' ? 'CONTROL' : item.sk)}`, () => storage.put(item, condition)),
      get: (pk, sk) => io(`get ${kind(sk)}`, () => storage.get(pk, sk)),
      query: (pk, prefix) => io(`query ${kind(prefix)}`, () => storage.query(pk, prefix)),
      dueBefore: (shard, atMs, limit) => io('due', () => storage.dueBefore(shard, atMs, limit)),
      listed: (shard, limit, beforeMs) => io('list', () => storage.listed(shard, limit, beforeMs)),
    },
    queue: { send: (message, delayMs) => io('send', () => queue.send(message, delayMs)) },
    http: { post: (request) => io('post', () => http.post(request)) },
    secret: (name) => io('secret', () => ports.secret(name)),
  }
}
