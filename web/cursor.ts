import * as z from 'zod'
import { ProblemError } from './problem.ts'

/**
 * Where a list goes on: after that time, without those of the very same millisecond that were shown already. Opaque to
 * whoever passes it on.
 */
export interface Cursor {
  readonly atMs: number
  readonly seen: readonly string[]
}

const form = z.strictObject({ atMs: z.int().min(0), seen: z.array(z.string().max(100)).max(100) })

export function writeCursor(cursor: Cursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString('base64url')
}

/** Throws a `bad-request` for anything else than what `writeCursor` has written. */
export function readCursor(text: string): Cursor {
  try {
    return form.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')))
  } catch {
    throw new ProblemError('bad-request', 'cursor: it is not what the list before has answered')
  }
}
