import { scopesOf } from './guardrails.ts'
import { withdraw } from './ledger/claims.ts'
import { advanceHead, readHead, withoutDue } from './ledger/head.ts'
import { load } from './ledger/records.ts'
import type { Ports } from './ports.ts'
import { wakeBegun } from './start.ts'

/** A start whose runbook a newer version has taken away. */
export interface Unbegun {
  readonly incidentId: string
  readonly executionId: string
  /** In which its service was, or the signal that it was to answer. */
  readonly account: string | undefined
  readonly service: string
  readonly runbook: string
}

/**
 * Ends such a start where it has no first record: its place in the limits is free again, and nothing wakes it any more. Only
 * repeats come here, when the worker that began it has no time left. What has begun goes on by the runbook that it has
 * pinned; it is woken. Answers whether it has begun.
 */
export async function endUnbegun(ports: Ports, gone: Unbegun): Promise<'begun' | 'ended'> {
  const { storage } = ports
  const { incidentId, executionId } = gone
  const stream = await load(storage, incidentId, executionId)
  if (stream.headSeq >= 0) {
    await wakeBegun(ports, stream)
    return 'begun'
  }
  await withdraw(storage, scopesOf(gone, gone.account), executionId)
  const head = await readHead(storage, incidentId, executionId)
  if (head && head.headSeq < 0) await advanceHead(storage, { ...withoutDue(head), status: 'refused' })
  return 'ended'
}

export function goneText(runbook: string, executionId: string): string {
  return `runbook ${runbook} is not deployed any more; ${executionId} was not started`
}
