import { calmStack, catalogueOf, fire, play, runbookText, allEntries, entriesOfKind, ANN } from './calm.ts'
import { readHeads } from '../../lib/ledger/head.ts'
import { consoleLog } from './tmplog.ts'
test('x', async () => {
  const UNDO = 'on_resolved: { undo: [scale_out], after: 5m, step: 50%, every: 2m }'
  const stack = calmStack(catalogueOf([runbookText(`- scale_out: { ecs: api, by: 50% }\n  approve: { by: sre, timeout: 60m, on_timeout: skip }`, `${UNDO}\nkeep_open: 1m`)]), { log: consoleLog })
  fire(stack)
  await play(stack, 3)
  fire(stack, 'OK')
  await play(stack, 20)
  const id = (await entriesOfKind(stack, 'incident.opened'))[0]!.incidentId
  process.stdout.write(JSON.stringify(await readHeads(stack.storage, id), null, 1)+ stack.account.now()+'\n')
  await stack.command({ verb: 'approve', id: (await entriesOfKind(stack, 'approval.requested'))[0]?.stream, by: ANN })
  await play(stack, 30)
  process.stdout.write(JSON.stringify(await readHeads(stack.storage, id), null, 1)+ stack.account.now()+'\n')
  for (const e of await allEntries(stack)) process.stdout.write(`${(e.atMs-stack.account.now())/1000} ${e.address} ${e.kind} ${'step' in e ? e.step : ''} ${'reason' in e ? e.reason : ''}\n`)
})
