import { acknowledge } from '../../../lib/decide.ts'
import { listIncidents } from '../../../lib/ledger/head.ts'
import { incidentIdOf } from '../../../lib/ids.ts'
import { DEMO_ZONE } from '../../../sim/scenarios.ts'
import { refuseNext, throttle } from '../../../sim/faults.ts'
import type { Stack } from '../../../sim/stack.ts'
import {
  ANN,
  BOB,
  calmStack,
  catalogueOf,
  entriesOfKind,
  fire,
  play,
  runbookText,
  SERVICE,
} from '../../line/calm.ts'
import { apiStack, MINUTE_MS, START_AT_MS } from '../../line/world.ts'

/*
 * Runs of the real engine whose records are kept for ever (test/fixtures/ledger/README.md). They are only played when a new
 * corpus is recorded; what was recorded is not expected to come out the same again.
 */

/** Each leaves one or more incidents in its stack's ledger. */
export const scenarios: { readonly [name: string]: () => Promise<Stack> } = {
  'spike-with-a-dead-worker': spikeWithADeadWorker,
  'recurrence-and-refusal': recurrenceAndRefusal,
  'shadow-plan': async () => played(inMode('shadow'), 30),
  'approved-after-a-hold-down': approvedAfterAHoldDown,
  'denied-by-a-person': deniedByAPerson,
  'aborted-by-a-person': abortedByAPerson,
  'approval-without-an-answer': async () => played(inMode('approve'), 60),
  'throttled-and-in-doubt': throttledAndInDoubt,
  'failed-and-undone': failedAndUndone,
  'skipped-and-foreign': skippedAndForeign,
  'put-off-while-unreadable': putOffWhileUnreadable,
  'stopped-as-poison': stoppedAsPoison,
  'page-without-an-answer': pageWithoutAnAnswer,
}

const SCALE = '- scale_out: { ecs: api, by: 50% }'
const DRAIN = '- route53_weight: { record: canary, weight: 0 }'
const CHECK = '- { id: calm, check: { alarm: ok, samples: 2, every: 30s, within: 15m } }'
const UNDO = 'on_resolved: { undo: [scale_out], after: 1m, step: 50%, every: 1m }'

async function played(stack: Stack, minutes: number): Promise<Stack> {
  fire(stack)
  await play(stack, minutes)
  return stack
}

function inMode(mode: 'shadow' | 'approve'): Stack {
  return calmStack(
    catalogueOf([runbookText(`${SCALE}\n${DRAIN}`)], {
      policy: (text) => text.replace(/^mode: .*$/m, `mode: ${mode}`),
    }),
  )
}

async function onlyId(stack: Stack): Promise<string> {
  const [started] = await entriesOfKind(stack, 'execution.started')
  if (!started) throw new Error('nothing was started')
  return started.executionId
}

async function spikeWithADeadWorker(): Promise<Stack> {
  let dead = false
  const stack = apiStack({
    diesAt: (point) => {
      if (dead || point.name !== 'route53:ChangeResourceRecordSets' || point.when !== 'after') return false
      return (dead = true)
    },
  })
  await stack.runUntil(START_AT_MS + 10 * MINUTE_MS)
  const id = incidentIdOf(await onlyId(stack)) ?? ''
  await stack.command({ verb: 'ack', id, by: ANN, note: 'looking at the canary' })
  await stack.command({ verb: 'note', id, by: BOB, note: 'release 42 went out at nine' })
  await stack.runUntil(START_AT_MS + 60 * MINUTE_MS)
  return stack
}

async function recurrenceAndRefusal(): Promise<Stack> {
  const stack = calmStack(catalogueOf([runbookText(SCALE, `cooldown: 15m\nkeep_open: 5m\n${UNDO}`)]))
  fire(stack)
  await play(stack, 4)
  fire(stack, 'INSUFFICIENT_DATA')
  await play(stack, 1)
  fire(stack, 'OK')
  await play(stack, 2)
  fire(stack)
  await play(stack, 3)
  fire(stack, 'OK')
  await play(stack, 2)
  const [incident] = await listIncidents(stack.storage, 1)
  await stack.command({ verb: 'mitigate', id: incident?.incidentId, by: ANN, reason: 'it serves again' })
  await play(stack, 30)
  return stack
}

async function approvedAfterAHoldDown(): Promise<Stack> {
  const stack = calmStack(
    catalogueOf([
      runbookText(`${SCALE}\n  approve: { by: sre, timeout: 5m }\n${CHECK}`, `hold_down: 30s\n${UNDO}`),
    ]),
  )
  fire(stack)
  await play(stack, 2)
  await stack.command({ verb: 'approve', id: await onlyId(stack), by: ANN, reason: 'go on' })
  await play(stack, 5)
  fire(stack, 'OK')
  await play(stack, 30)
  return stack
}

async function deniedByAPerson(): Promise<Stack> {
  const stack = inMode('approve')
  fire(stack)
  await play(stack, 2)
  await stack.command({ verb: 'deny', id: await onlyId(stack), by: ANN, reason: 'we are deploying' })
  await play(stack, 30)
  return stack
}

async function abortedByAPerson(): Promise<Stack> {
  const stack = calmStack(catalogueOf([runbookText(`${SCALE}\n- wait: 5m\n${DRAIN}`, UNDO)]))
  fire(stack)
  await play(stack, 2)
  await stack.command({ verb: 'abort', id: await onlyId(stack), by: BOB, reason: 'a false alarm' })
  await play(stack, 5)
  fire(stack, 'OK')
  await play(stack, 20)
  return stack
}

async function throttledAndInDoubt(): Promise<Stack> {
  const stack = calmStack(catalogueOf([runbookText(`${SCALE}\n- wait: 10s\n${DRAIN}`)]))
  throttle(stack.account.world, 'ecs:UpdateService', 1)
  refuseNext(stack.account.world, 'route53:ChangeResourceRecordSets', {
    name: 'InternalFailure',
    message: 'internal failure',
    status: 500,
    when: 'after',
  })
  return played(stack, 20)
}

async function failedAndUndone(): Promise<Stack> {
  const stack = calmStack(catalogueOf([runbookText(`${SCALE}\n${DRAIN}\n  on_failure: undo`)]))
  refuseNext(stack.account.world, 'route53:ChangeResourceRecordSets', {
    name: 'AccessDenied',
    message: 'not authorized to perform this operation',
    status: 403,
  })
  return played(stack, 30)
}

async function skippedAndForeign(): Promise<Stack> {
  const stack = calmStack(catalogueOf([runbookText(`${DRAIN}\n${SCALE}`, UNDO)]))
  const record = { zone: DEMO_ZONE, name: 'api.example.com', set: 'canary' }
  stack.account.act({ is: 'set-weight', ...record, weight: 0 })
  fire(stack)
  await play(stack, 3)
  stack.account.act({ is: 'set-desired', service: SERVICE, desired: 20 })
  fire(stack, 'OK')
  await play(stack, 20)
  return stack
}

async function putOffWhileUnreadable(): Promise<Stack> {
  const stack = calmStack(catalogueOf([runbookText(SCALE, UNDO)]))
  throttle(stack.account.world, 'ecs:DescribeServices', 3)
  fire(stack)
  await play(stack, 10)
  fire(stack, 'OK')
  await play(stack, 20)
  return stack
}

async function stoppedAsPoison(): Promise<Stack> {
  let poisoned = false
  const stack = calmStack(catalogueOf([runbookText(SCALE)]), {
    diesAt: (point) => {
      if (point.name === 'ecs:UpdateService' && point.when === 'after') poisoned = true
      return poisoned && (point.name === 'ecs:UpdateService' || point.name === 'ecs:DescribeServices')
    },
  })
  return played(stack, 60)
}

/** Ann answers neither the first page nor the second; whoever reads the channel of the team does. */
async function pageWithoutAnAnswer(): Promise<Stack> {
  const topic = (name: string) => `arn:aws:sns:eu-west-1:123456789012:${name}`
  const oncall = `
people: { ann: { channels: [{ sns: { topic_arn: "${topic('ann')}" } }] } }
sre:
  levels: [{ page: ann, for: 2m }]
  repeat: 1
  channels: [{ sns: { topic_arn: "${topic('sre')}" } }]
`
  const stack = calmStack(catalogueOf([runbookText('- notify: oncall@sre')], { oncall: () => oncall }))
  stack.account.world.topics.push(topic('ann'), topic('sre'))
  fire(stack)
  await play(stack, 5)
  const [{ incidentId } = { incidentId: '' }] = await listIncidents(stack.storage, 1)
  await acknowledge(stack.app, incidentId, BOB)
  await play(stack, 1)
  return stack
}
