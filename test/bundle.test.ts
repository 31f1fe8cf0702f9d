import { approve } from '../lib/decide.ts'
import { checkBundle } from '../lib/bundle.ts'
import type { ChainRecord } from '../lib/ledger/chain.ts'
import { ANN, asking, play } from './line/calm.ts'
import { onlyIncident } from './line/world.ts'

interface Bundle {
  readonly records: readonly ChainRecord[]
  readonly runbooks: { readonly [hash: string]: unknown }
}

async function bundled(): Promise<Bundle> {
  const { stack, stream } = await asking('30m')
  await approve(stack.app, stream, ANN, {})
  await play(stack, 5)
  const result = await stack.command({ verb: 'records', id: await onlyIncident(stack) })
  if (result.is !== 'answer') throw new Error(result.message)
  return JSON.parse(JSON.stringify(result.answer)) as Bundle
}

/** The same with every entry of a kind changed. */
function changed(records: readonly ChainRecord[], kind: string, over: object): readonly ChainRecord[] {
  return records.map((record) => ({
    ...record,
    entries: (record.entries as readonly { readonly kind: string }[]).map((entry) =>
      entry.kind === kind ? { ...entry, ...over } : entry,
    ),
  }))
}

test('a bundle holds the runbook that was run, and its changes are those that were approved', async () => {
  const { records, runbooks } = await bundled()
  expect(checkBundle(records, runbooks)).toEqual({ findings: [], runbooks: 1, approved: 1 })
})

test('a runbook that was changed afterwards is found', async () => {
  const { records, runbooks } = await bundled()
  const [hash = ''] = Object.keys(runbooks)
  const other = { ...(runbooks[hash] as object), service: { name: 'other' } }
  expect(checkBundle(records, { [hash]: other }).findings).toEqual([
    { address: hash, reason: 'the runbook is not the one that the record names' },
  ])
  expect(checkBundle(records, {}).findings).toEqual([
    { address: hash, reason: 'the runbook that the record names is not there' },
  ])
})

test('a change that is not what was approved is found', async () => {
  const { records, runbooks } = await bundled()
  const change = { target: { locks: [], label: 'something else' }, before: 1, after: 2, summary: '1 -> 2' }
  expect(checkBundle(changed(records, 'step.intended', { change }), runbooks).findings).toEqual(
    expect.arrayContaining([
      {
        address: expect.stringMatching(/^inc-/),
        reason: expect.stringContaining('is not what was approved'),
      },
    ]),
  )
})

test('whatever stands in it, nothing is thrown', async () => {
  const { records, runbooks } = await bundled()
  for (const entries of [[null], ['x'], [{}], [{ kind: 'step.intended' }]])
    expect(() =>
      checkBundle(
        records.map((record) => ({ ...record, entries })),
        runbooks,
      ),
    ).not.toThrow()
})
