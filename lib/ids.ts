import { hash } from 'node:crypto'
import { canonical } from './json.ts'

/** Crockford's base32 in lower case: no i, l, o, u, so an id survives being read out on the phone. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/** Hex SHA-256 of a text. */
export function sha256(text: string): string {
  return hash('sha256', text)
}

/** The first `length` base32 characters (5 bits each) of the SHA-256 of the parts' canonical JSON. */
function shortHash(length: number, ...parts: readonly unknown[]): string {
  const bytes = hash('sha256', canonical(parts), 'buffer')
  let text = ''
  for (let i = 0; i < length; i++) text += ALPHABET[(bytes[i] ?? 0) & 31]
  return text
}

/** Incidents are named by their dedup key and onset, so that every delivery of a signal derives the same id. */
export function incidentIdFor(dedupKey: string, onsetAtMs: number): string {
  return `inc-${shortHash(12, dedupKey, onsetAtMs)}`
}

/**
 * Executions carry their incident's id, so that an execution id alone finds its partition.
 * `occasion` is the onset of an automatic start, or the idempotency key of a manual one.
 */
export function executionIdFor(incidentId: string, runbook: string, occasion: number | string): string {
  return `${incidentId}-${shortHash(6, incidentId, runbook, occasion)}`
}

/** The incident part of the id of an execution, undo or paging; `undefined` where the text is not an id of ours. */
export function incidentIdOf(id: string): string | undefined {
  return /^(inc-[0-9a-z]{12})(-[0-9a-z]{6}(\.undo)?(\.page-[0-9a-z]{4})?)?$/.exec(id)?.[1]
}

/** The stream in which an execution's changes are put back. */
export function undoStreamOf(executionId: string): string {
  return `${executionId}.undo`
}

/** The stream in which the page of a step is repeated until somebody answers. */
export function pagingStreamOf(stream: string, step: string): string {
  return `${stream}.page-${shortHash(4, step)}`
}

export function isPagingStream(stream: string): boolean {
  return /\.page-[0-9a-z]{4}$/.test(stream)
}

/** The same transition of the same alarm has the same id, by whichever path it came. */
export function signalIdFor(dedupKey: string, state: string, stateAtMs: number): string {
  return `sig-${shortHash(12, dedupKey, state, stateAtMs)}`
}

/** Whether the text has the form of a signal's id. */
export function isSignalId(text: string): boolean {
  return /^sig-[0-9a-z]{12}$/.test(text)
}

/** Names a runbook and what it resolved to. */
export function runbookHashFor(compiled: unknown): string {
  return sha256(canonical(compiled)).slice(0, 16)
}

/** What an approval is bound to: step, target, after and the runbook's hash, but not the momentary before. */
export function digestFor(parts: unknown): string {
  return sha256(canonical(parts)).slice(0, 12)
}
