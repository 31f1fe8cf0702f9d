import { command } from '../../lib/command.ts'
import { recordHash, verifyChain, type ChainRecord } from '../../lib/ledger/chain.ts'
import { readHead } from '../../lib/ledger/head.ts'
import { incidentPk, loadRecords } from '../../lib/ledger/records.ts'
import type { Storage } from '../../lib/ledger/storage.ts'
import { incidentIdOf, undoStreamOf } from '../../lib/ids.ts'
import type { Log } from '../../lib/log.ts'
import { refuseNext, throttle } from '../../sim/faults.ts'
import { CrashError, mortalPorts, type Point } from '../../sim/mortal.ts'
import { WORKER_MS, type Stack } from '../../sim/stack.ts'
import {
  ANN,
  calmStack,
  catalogueOf,
  deployOver,
  desired,
  entriesOfKind,
  fire,
  pagesOf,
  play,
  runbookText,
} from './calm.ts'

/* Another version of Firebreak, or of the runbooks, is deployed between two turns of an execution. */

const STEPS =
  '- scale_out: { ecs: api, by: 50% }\n- wait: 2m\n- route53_weight: { record: canary, weight: 0 }'
const UNDO = 'on_resolved: { undo: [scale_out], after: 1m, step: 100%, every: 1m }'
const RUNBOOK = runbookText(STEPS, UNDO)

async function onlyId(stack: Stack): Promise<string> {
  const [started] = await entriesOfKind(stack, 'execution.started')
  return started?.executionId ?? 'nothing was started'
}

async function outcomesOf(stack: Stack): Promise<readonly string[]> {
  return (await entriesOfKind(stack, 'execution.finished')).map(({ outcome }) => outcome)
}

function weight(stack: Stack): number | undefined {
  const zone = Object.values(stack.account.world.zones)[0]
  return zone?.records.find((record) => record.SetIdentifier === 'canary')?.Weight
}

/** In the wait between its two steps. */
async function inTheMiddle(options: Parameters<typeof calmStack>[1] = {}): Promise<Stack> {
  const stack = calmStack(catalogueOf([RUNBOOK]), options)
  fire(stack)
  await play(stack, 1)
  expect(desired(stack)).toBe(9)
  expect(weight(stack)).toBe(10)
  return stack
}

describe('runbooks that change between two turns', () => {
  test.each([
    ['the line, where that has only moved', 'summary: slow\nretry_budget: 0'],
    ['no line of a runbook that says something else', 'retry_budget: 5'],
  ])('a retry budget that is used up names %s', async (_what, head) => {
    const steps = '- wait: 1m\n- scale_out: { ecs: api, by: 50% }'
    const before = calmStack(catalogueOf([runbookText(steps, 'retry_budget: 0')]))
    fire(before)
    await before.runUntil(before.account.now() + 30_000)
    throttle(before.account.world, 'ecs:UpdateService', 10)
    const text = runbookText(steps, head)
    const after = deployOver(before, catalogueOf([text]))
    await play(after, 5)
    const line = text.split('\n').indexOf('retry_budget: 0') + 1
    expect(await entriesOfKind(after, 'step.failed')).toMatchObject([
      { code: 'exhausted', place: line > 0 ? `runbook-1.yaml:${line}` : 'retry_budget of runbook spike' },
    ])
  })

  test.each<[string, readonly string[]]>([
    [
      'was edited',
      [
        runbookText(
          '- scale_out: { ecs: api, by: 5 }\n- route53_weight: { record: canary, weight: 5 }',
          'on_resolved: { undo: [] }',
        ),
      ],
    ],
    ['was removed', [runbookText('- wait: 1m', '', 'another')]],
  ])(
    'an execution whose runbook %s ends, and is undone, by the one it began with',
    async (_what, runbooks) => {
      const after = deployOver(await inTheMiddle(), catalogueOf(runbooks))
      await play(after, 5)
      expect({ desired: desired(after), weight: weight(after) }).toEqual({ desired: 9, weight: 0 })
      fire(after, 'OK')
      await play(after, 30)
      expect(await outcomesOf(after)).toEqual(['succeeded', 'succeeded'])
      expect({ desired: desired(after), weight: weight(after) }).toEqual({ desired: 6, weight: 0 })
    },
  )

  test('a service that services.yaml now places elsewhere is changed where it was when the execution began', async () => {
    const moved = catalogueOf([RUNBOOK], {
      services: (text) => text.replace('name: api.example.com', 'name: www.example.com'),
    })
    const after = deployOver(await inTheMiddle(), moved)
    await play(after, 5)
    expect(weight(after)).toBe(0)
    expect(await outcomesOf(after)).toEqual(['succeeded'])
  })

  test('an undo that is due later outlives the removal of its runbook', async () => {
    const before = await inTheMiddle()
    await play(before, 5)
    fire(before, 'OK')
    const undoing = async () => (await entriesOfKind(before, 'undo.started')).length > 0
    expect(await play(before, 30, undoing)).toBe(true)
    expect(desired(before)).toBe(9)
    const after = deployOver(before, catalogueOf([runbookText('- wait: 1m', '', 'another')]))
    await play(after, 30)
    expect(desired(after)).toBe(6)
    const heads = await readHead(
      after.storage,
      incidentIdOf(await onlyId(after)) ?? '',
      undoStreamOf(await onlyId(after)),
    )
    expect(heads).toMatchObject({ status: 'succeeded' })
  })

  test('a start by hand whose worker died over its first change outlives the removal of its runbook', async () => {
    const before = calmStack(catalogueOf([RUNBOOK]))
    let records = 0
    const isItsFirst = ({ name, when }: Point) => name === 'put REC' && when === 'after' && ++records === 2
    const ports = mortalPorts(
      before.app.ports,
      () => 0,
      isItsFirst,
      () => {},
    )
    const request = { verb: 'run', runbook: 'spike', key: 'k-1', by: ANN, reason: 'the site is slow' }
    const turn = { workerId: 'dies', deadlineMs: before.account.now() + WORKER_MS }
    await expect(command({ ...before.app, ports }, request, turn)).rejects.toThrow(CrashError)
    const after = deployOver(before, catalogueOf([runbookText('- wait: 1m', '', 'another')]))
    await play(after, 10)
    expect(await outcomesOf(after)).toEqual(['succeeded'])
    expect({ desired: desired(after), weight: weight(after) }).toEqual({ desired: 9, weight: 0 })
  })

  test('what fails is told to whom the newer version calls, by another name as well', async () => {
    const before = await inTheMiddle()
    refuseNext(before.account.world, 'route53:ChangeResourceRecordSets', {
      name: 'AccessDeniedException',
      message: 'no',
      status: 403,
    })
    const renamed = catalogueOf([RUNBOOK], {
      oncall: (text) => text.replace(/^sre:/m, 'platform:'),
      policy: (text) => text.replace('oncall@sre', 'oncall@platform'),
    })
    const after = deployOver(before, renamed)
    await play(after, 5)
    expect(pagesOf(after)).toEqual([expect.stringContaining('route53_weight failed')])
  })

  test('a question that was asked before is answered after, and what was approved is what happens', async () => {
    const asking = runbookText(`${STEPS}\n  approve: { by: sre, timeout: 30m }`, UNDO)
    const before = calmStack(catalogueOf([asking]))
    fire(before)
    await play(before, 5)
    const after = deployOver(before, catalogueOf([runbookText('- wait: 1m', '', 'another')]))
    await play(after, 2)
    expect(weight(after)).toBe(10)
    expect(await after.command({ verb: 'approve', id: await onlyId(after), by: ANN })).toMatchObject({
      is: 'answer',
    })
    await play(after, 5)
    expect(weight(after)).toBe(0)
    expect(await outcomesOf(after)).toEqual(['succeeded'])
  })
})

describe('a record that a newer version has written', () => {
  /** Appends one record to the execution as another version would: with that text, which `append` would not write. */
  async function writeAs(stack: Stack, version: number, entry: object): Promise<string> {
    const stream = await onlyId(stack)
    const incidentId = incidentIdOf(stream) ?? ''
    const own = (await loadRecords(stack.storage, incidentId)).filter((record) => record.stream === stream)
    const { seq = -1, hash: prev = '' } = own.at(-1) ?? {}
    const atMs = stack.account.now()
    const text = JSON.stringify([entry])
    const hash = recordHash(prev, stream, seq + 1, atMs, text)
    const body = `{"v":${version},"seq":${seq + 1},"atMs":${atMs},"prev":"${prev}","hash":"${hash}","entries":${text}}`
    const sk = `REC#${stream}#${String(seq + 1).padStart(6, '0')}`
    await stack.storage.put({ pk: incidentPk(incidentId), sk, body, recordId: 'newer' }, { is: 'absent' })
    return body
  }

  const noted = {
    kind: 'worker.tookover',
    actor: { is: 'engine', worker: 'newer', region: 'eu-west-1' },
    from: 'id-1',
    worker: 'newer',
    reason: 'a newer version was deployed',
    confidence: { level: 0.9 },
  }

  async function recordsOf(stack: Stack, id: string): Promise<readonly ChainRecord[]> {
    return loadRecords(stack.storage, incidentIdOf(id) ?? '')
  }

  function listening(): { log: Log; errors: string[] } {
    const errors: string[] = []
    const quiet = () => {}
    const error = (message: string, fields?: { readonly error?: unknown }) =>
      void errors.push(`${message}: ${String(fields?.error)}`)
    return { errors, log: { info: quiet, warn: quiet, error } }
  }

  test('with members that this one does not know is read without them, and stands as it was written', async () => {
    const before = await inTheMiddle()
    const body = await writeAs(before, 1, noted)
    const after = deployOver(before, catalogueOf([RUNBOOK]))
    await play(after, 10)
    expect(await outcomesOf(after)).toEqual(['succeeded'])
    expect(weight(after)).toBe(0)
    const records = await recordsOf(after, await onlyId(after))
    expect(verifyChain(records).is).toBe('consistent')
    expect(records.flatMap(({ entries }) => entries)).toContainEqual(
      (JSON.parse(body) as ChainRecord).entries[0],
    )
  })

  test('and that this one cannot read stops it with a clear error; nothing is written, and the newer version goes on', async () => {
    const before = await inTheMiddle()
    const id = await onlyId(before)
    await writeAs(before, 2, { ...noted, kind: 'worker.relieved' })
    const { log, errors } = listening()
    const older = deployOver(before, catalogueOf([RUNBOOK]), { log })
    const standing = await recordsOf(older, id)
    await play(older, 60)
    const place = `${id}/${standing.filter(({ stream }) => stream === id).length - 1}`
    const refusal = `record ${place} was written by a newer version (2; this one reads up to 1): update Firebreak`
    expect(errors).toContainEqual(expect.stringContaining(refusal))
    expect(await recordsOf(older, id)).toEqual(standing)
    expect(weight(older)).toBe(10)
    expect(await readHead(older.storage, incidentIdOf(id) ?? '', id)).toHaveProperty('dueAtMs')

    const newer = deployOver(older, catalogueOf([RUNBOOK]), { storage: understanding(older.storage) })
    await play(newer, 10)
    expect(await entriesOfKind(newer, 'execution.stopped')).toEqual([])
    expect(await outcomesOf(newer)).toEqual(['succeeded'])
    expect(weight(newer)).toBe(0)
  })

  /** A storage as a version sees it that knows what the newer one has written. */
  function understanding(storage: Storage): Storage {
    return {
      ...storage,
      query: async (pk, prefix) =>
        (await storage.query(pk, prefix)).map((item) => ({
          ...item,
          body: item.body.replace('{"v":2,', '{"v":1,').replace('worker.relieved', 'worker.tookover'),
        })),
    }
  }
})
