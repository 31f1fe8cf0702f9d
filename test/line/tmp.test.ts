import { refuseNext } from '../../sim/faults.ts'
import { calmStack, catalogueOf, fire, play, runbookText, allEntries } from './calm.ts'
import { consoleLog } from './tmplog.ts'
test('x', async () => {
  const stack = calmStack(catalogueOf([runbookText(`- route53_weight: { record: canary, weight: 0 }\n- id: broken\n  scale_out: { ecs: api, by: 50% }\n  on_failure: undo\n- rollback: { codedeploy: api, to: last-success }`)]), { demo: { guarded: false }, log: consoleLog })
  refuseNext(stack.account.world, 'ecs:UpdateService', { name: 'AccessDeniedException', message: 'not authorized to perform ecs:UpdateService', status: 403 })
  fire(stack)
  await play(stack, 10)
  for (const e of await allEntries(stack)) process.stdout.write(`${(e.atMs-stack.account.now())/1000} ${e.address} ${e.kind} ${'step' in e ? e.step : ''} ${'reason' in e ? e.reason : ''}\n`)
})
