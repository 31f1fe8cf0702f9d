import { fold } from '../../lib/execution/fold.ts'
import { loadIncident } from '../../lib/ledger/records.ts'
import { listIncidents } from '../../lib/ledger/head.ts'
import type { Stack } from '../../sim/stack.ts'
import {
  ANN,
  BOB,
  calmStack,
  catalogueOf,
  desired,
  entriesOfKind,
  fire,
  HOUR_MS,
  play,
  runbookText,
} from './calm.ts'
import { apiStack, START_AT_MS } from './world.ts'

interface Seen {
  readonly call: string
  readonly input: unknown
  /** Changes that were intended and had no result when the call arrived at AWS. */
  readonly open: readonly { readonly action: string; readonly before: unknown; readonly after: unknown }[]
}

/** Asks the ledger, at the moment in which AWS receives a change, what is on record about it. */
function watchIntents(stack: Stack): readonly Seen[] {
  const seen: Seen[] = []
  stack.account.onCall({
    async before({ name, input, mutating }) {
      if (!mutating) return
      const heads = await listIncidents(stack.storage, 10)
      const streams = (
        await Promise.all(heads.map((head) => loadIncident(stack.storage, head.incidentId)))
      ).flat()
      const open = streams.flatMap((stream) =>
        [...fold(stream.entries).steps.values()].flatMap((state) =>
          state.is === 'open'
            ? [{ action: state.action, before: state.change.before, after: state.change.after }]
            : [],
        ),
      )
      seen.push({ call: name, input, open })
    },
  })
  return seen
}

test('when a call that changes AWS arrives, its absolute before and after are on record (G2)', async () => {
  const stack = apiStack()
  const seen = watchIntents(stack)
  await stack.runUntil(START_AT_MS + HOUR_MS)
  const wanted = ['ecs:UpdateService', 'route53:ChangeResourceRecordSets', 'codedeploy:CreateDeployment']
  expect(seen.map((one) => one.call)).toEqual(expect.arrayContaining(wanted))
  expect(seen.filter((one) => one.open.length !== 1)).toEqual([])
  const [first] = seen
  expect(first).toMatchObject({
    call: 'ecs:UpdateService',
    input: { desiredCount: 9 },
    open: [{ before: { desired: 6 }, after: { desired: 9 } }],
  })
  // Each slow step back has an intent of its own.
  const counts = seen.filter((one) => one.call === 'ecs:UpdateService')
  expect(counts).toHaveLength(4)
  for (const { input, open } of counts) {
    const { desiredCount } = input as { readonly desiredCount: number }
    expect(open).toMatchObject([{ after: { desired: desiredCount } }])
  }
})

test('a relative amount is resolved once: a second attempt asks for the recorded value, not for more (G2)', async () => {
  const stack = calmStack(catalogueOf([runbookText('- scale_out: { ecs: api, by: 50% }')]))
  let refused = false
  stack.account.onCall({
    after({ name }) {
      if (name !== 'ecs:UpdateService' || refused) return
      refused = true
      throw Object.assign(new Error('the answer is lost'), { name: 'TimeoutError' })
    },
  })
  fire(stack)
  await play(stack, 10)
  expect(desired(stack)).toBe(9)
  expect((await entriesOfKind(stack, 'step.intended')).map((entry) => entry.change.after)).toMatchObject([
    { desired: 9 },
  ])
})

test('two executions that start together change their target one after the other (G5)', async () => {
  const stack = calmStack(catalogueOf([runbookText('- scale_out: { ecs: api, by: 50% }')]))
  // A read takes so long that both would have made up their minds before either acts.
  stack.account.onCall({
    async after({ mutating }) {
      const turns = mutating ? 0 : 50
      for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve))
    },
  })
  const runs = [ANN, BOB].map((by) =>
    stack.command({ verb: 'run', runbook: 'spike', key: by.name, by, reason: 'at once' }),
  )
  expect((await Promise.all(runs)).map((result) => result.is)).toEqual(['answer', 'answer'])
  await play(stack, 10)
  const changes = (await entriesOfKind(stack, 'step.intended')).map(({ change }) => [
    change.before,
    change.after,
  ])
  // The second saw what the first had done, and waited for it.
  expect(changes).toMatchObject([
    [{ desired: 6 }, { desired: 9 }],
    [{ desired: 9 }, { desired: 14 }],
  ])
  expect(desired(stack)).toBe(14)
})
