import { readFileSync } from 'node:fs'
import { loadRecords } from '../../lib/ledger/records.ts'
import { verifyChain, type ChainRecord } from '../../lib/ledger/chain.ts'
import { listIncidents } from '../../lib/ledger/head.ts'
import type { Catalogue } from '../../lib/runbook/runbook.ts'
import { catalogueFrom } from '../../sim/catalogue.ts'
import { apiBadCanary, type DemoOptions } from '../../sim/scenarios.ts'
import { createStack, type Stack, type StackOptions } from '../../sim/stack.ts'

export const START_AT_MS = Date.parse('2026-11-23T09:00:00Z')
export const MINUTE_MS = 60_000

/** The shipped runbooks, in the mode that a test wants. */
export function shippedCatalogue(
  mode: 'shadow' | 'approve' | 'auto',
  runbook = 'api-5xx-spike.yaml',
  edit: (text: string) => string = (text) => text,
): Catalogue {
  const read = (path: string) => ({
    path,
    text: readFileSync(new URL(`../../runbooks/${path}`, import.meta.url), 'utf8'),
  })
  const rulebook = read(runbook)
  const policy = read('policy.yaml')
  const files = [
    { path: rulebook.path.replace('examples/', ''), text: edit(rulebook.text) },
    read('services.yaml'),
    read('oncall.yaml'),
    { ...policy, text: policy.text.replace(/^mode: .*$/m, `mode: ${mode}`) },
  ]
  return catalogueFrom(files)
}

/** The demo's world under the real line, on virtual time. */
export function apiStack(
  options: Omit<StackOptions, 'account' | 'catalogue'> & {
    readonly catalogue?: Catalogue
    readonly demo?: Partial<DemoOptions>
  } = {},
): Stack {
  const { catalogue, demo, ...rest } = options
  return createStack({
    account: apiBadCanary({ startAtMs: START_AT_MS, ...demo }),
    catalogue: catalogue ?? shippedCatalogue('auto'),
    ...rest,
  })
}

export async function onlyIncident(stack: Stack): Promise<string> {
  const found = await listIncidents(stack.storage, 10)
  if (found.length !== 1 || !found[0]) throw new Error(`expected one incident, found ${found.length}`)
  return found[0].incidentId
}

export async function recordsOf(stack: Stack): Promise<readonly ChainRecord[]> {
  return loadRecords(stack.storage, await onlyIncident(stack))
}

interface PlainEntry {
  readonly kind: string
  readonly step?: string
  readonly [name: string]: unknown
}

export async function entriesOf(
  stack: Stack,
): Promise<readonly (PlainEntry & { readonly stream: string; readonly seq: number })[]> {
  return (await recordsOf(stack)).flatMap((record) =>
    record.entries.map((entry) => ({ ...(entry as PlainEntry), stream: record.stream, seq: record.seq })),
  )
}

/** Calls that changed the account, by name, as the account itself counted them. */
export function effectsOf(stack: Stack): { readonly [name: string]: number } {
  const counts: { [name: string]: number } = {}
  for (const call of stack.account.calls)
    if (call.mutating && call.effect) counts[call.name] = (counts[call.name] ?? 0) + 1
  return counts
}

export async function chainOf(stack: Stack): Promise<string> {
  return verifyChain(await recordsOf(stack)).is
}
