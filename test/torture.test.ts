import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Item } from '../lib/ledger/storage.ts'
import type { LoggedCall } from '../sim/account.ts'
import type { Evidence } from '../sim/torture/evidence.ts'
import { didOf, effectOf } from '../sim/torture/effects.ts'
import { judge } from '../sim/torture/judge.ts'
import { changesOf, readStreams } from '../sim/torture/ledger.ts'
import { runNode, type Ran } from './run-node.ts'

const PROGRAM = fileURLToPath(new URL('../sim/torture.ts', import.meta.url))

async function torture(...args: readonly string[]): Promise<Ran> {
  return runNode([PROGRAM, ...args])
}

let ran: Ran
let evidence: Evidence

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'firebreak-torture-test-'))
  try {
    const file = join(folder, 'evidence.json')
    ran = await torture('--executions', '12', '--seed', '5', '--workers', '2', '--keep', file)
    evidence = JSON.parse(readFileSync(file, 'utf8')) as Evidence
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}, 900_000)

test('killed worker processes lose nothing and double nothing, by the account’s own log (G1 to G5, G8)', () => {
  expect({ code: ran.code, out: ran.out }).toEqual({
    code: 0,
    out: expect.stringMatching(/^lost 0$/m) as string,
  })
  expect(ran.out).toMatch(/^doubled 0$/m)
  expect(ran.out).toMatch(/^untrue 0$/m)
  expect(evidence.kills.length).toBeGreaterThan(0)
  expect(evidence.onsets.length).toBeGreaterThanOrEqual(12)
})

test('an option that is no number is refused', async () => {
  const { code, err } = await torture('--executions', 'many')
  expect(code).toBe(2)
  expect(err).toBe('--executions must be a whole number from 1 on, not "many"\n')
})

describe('the verdict notices', () => {
  /** A call whose change is on record as done, and was meant once. */
  const one = (name: string): LoggedCall => {
    const changes = readStreams(evidence.items).flatMap(changesOf)
    const isMeant = (call: LoggedCall) => {
      const own = changes.filter((change) => effectOf(change) === didOf(call))
      return own.length === 1 && own[0]?.outcome === 'applied'
    }
    const found = evidence.calls.find((call) => call.effect && call.name === name && isMeant(call))
    if (!found) throw new Error(`nobody called ${name}`)
    return found
  }
  const record = (holds: (item: Item) => boolean): Item => {
    const found = evidence.items.find((item) => item.sk.startsWith('REC#') && holds(item))
    if (!found) throw new Error('there is no such record')
    return found
  }

  test.each(['ecs:UpdateService', 'route53:ChangeResourceRecordSets'])(
    'a %s that is on record and not in the account',
    (name) => {
      const missing = one(name)
      const { lost, doubled } = judge({
        ...evidence,
        calls: evidence.calls.filter((call) => call !== missing),
      })
      expect(lost).toEqual([expect.stringContaining('is on record as done, and the account did it 0 times')])
      expect(doubled).toEqual([])
    },
  )

  test.each(['ecs:UpdateService', 'route53:ChangeResourceRecordSets'])('a second %s', (name) => {
    const { doubled } = judge({ ...evidence, calls: [...evidence.calls, one(name)] })
    expect(doubled).toEqual([expect.stringMatching(/was meant 1 times and done 2 times$/)])
  })

  test('a second deployment under the same marker', () => {
    const deployment: LoggedCall = {
      ...one('ecs:UpdateService'),
      name: 'codedeploy:CreateDeployment',
      input: { description: 'firebreak/inc-0-0/rollback once' },
    }
    const { doubled } = judge({ ...evidence, calls: [...evidence.calls, deployment, deployment] })
    expect(doubled).toEqual([
      '"firebreak/inc-0-0/rollback once is deployed" was done 2 times and never meant',
    ])
  })

  test('a signal that left no trace', () => {
    const onset = { alarm: 'svc-01-spike', signalId: 'sig-never', onsetAtMs: 1 }
    const { lost } = judge({ ...evidence, onsets: [...evidence.onsets, onset] })
    expect(lost).toEqual(['svc-01-spike (sig-never) left no trace'])
  })

  test('a start that opened an incident and began no execution', () => {
    const stream = record(({ body }) => body.includes('"kind":"execution.started"')).sk.split('#')[1] ?? ''
    const gone = (item: Item) => item.sk.startsWith(`REC#${stream}`)
    const { lost } = judge({ ...evidence, items: evidence.items.filter((item) => !gone(item)) })
    expect(lost).toEqual([expect.stringContaining('opened an incident and started nothing')])
  })

  test('an execution that was left in the middle', () => {
    const { stream, entries = [] } =
      readStreams(evidence.items).find(({ execution }) => execution.status.is === 'finished') ?? {}
    const seq = entries.find(({ kind }) => kind === 'execution.finished')?.seq ?? 0
    const isLater = ({ sk }: Item) => sk.startsWith(`REC#${stream}#`) && Number(sk.split('#')[2]) >= seq
    const { lost } = judge({ ...evidence, items: evidence.items.filter((item) => !isLater(item)) })
    expect(lost).toContain(`${stream} is still running`)
  })

  test('a signal that was accepted and not carried out', () => {
    const items = evidence.items.map((item) =>
      item.pk.startsWith('OPEN#')
        ? { ...item, body: item.body.replace('"pending":{}', '"pending":{"sig-1":{}}') }
        : item,
    )
    expect(judge({ ...evidence, items }).lost).toContainEqual(
      expect.stringContaining('sig-1 was accepted and never carried out'),
    )
  })

  test('an account that does not stand as the last record says', () => {
    const { target } = readStreams(evidence.items)
      .flatMap(changesOf)
      .find(({ action, outcome }) => action === 'scale_out ecs' && outcome === 'applied')?.change ?? {
      target: { label: '' },
    }
    const world = structuredClone(evidence.world)
    for (const service of Object.values(world.services)) service.desired += 1
    expect(judge({ ...evidence, world }).untrue).toContainEqual(
      expect.stringContaining(`${target.label} stands at 7`),
    )
  })

  describe('of pages', () => {
    /** A page that one attempt has sent, as the inbox has it. */
    const sentOnce = () => {
      const streams = readStreams(evidence.items)
      const { inbox } = evidence.world
      for (const page of inbox) {
        if (inbox.filter(({ dedupKey }) => dedupKey === page.dedupKey).length > 1) continue
        for (const told of streams) {
          const own = told.entries.filter(
            (entry) => entry.kind === 'step.intended' && JSON.stringify(entry).includes(`"${page.dedupKey}"`),
          )
          const [intent] = own
          if (own.length !== 1 || intent?.kind !== 'step.intended') continue
          const sent = told.entries.find(
            (entry) => entry.kind === 'step.applied' && entry.step === intent.step,
          )
          if (sent) return { page, intent, sent, told, key: page.dedupKey ?? '' }
        }
      }
      throw new Error('no page was sent once')
    }
    const inboxOf = (inbox: Evidence['world']['inbox']): Evidence => ({
      ...evidence,
      world: { ...evidence.world, inbox },
    })

    test('one that is on record as sent and has not arrived', () => {
      const { page, key } = sentOnce()
      const { lost } = judge(inboxOf(evidence.world.inbox.filter((found) => found !== page)))
      expect(lost).toEqual([`page ${key} is on record as sent by pagerduty, and it has not reached it`])
    })

    test('one that has arrived under another key, or under none', () => {
      const { page, key } = sentOnce()
      const { dedupKey: _key, ...keyless } = page
      const instead = (other: typeof page) =>
        judge(inboxOf(evidence.world.inbox.map((found) => (found === page ? other : found))))
      const lost = [`page ${key} is on record as sent by pagerduty, and it has not reached it`]
      expect(instead({ ...page, dedupKey: 'inc-0:1:1:other' })).toMatchObject({
        lost,
        doubled: ['page inc-0:1:1:other was delivered 1 times and never meant'],
      })
      expect(instead(keyless)).toMatchObject({
        lost,
        doubled: ['1 pages have reached their provider without a key'],
      })
    })

    test('one key that two steps mean', () => {
      const { page, key } = sentOnce()
      const other = evidence.world.inbox.find(({ dedupKey }) => dedupKey !== page.dedupKey)?.dedupKey ?? ''
      const items = evidence.items.map((item) => ({
        ...item,
        body: item.body.replaceAll(`"${other}"`, `"${key}"`),
      }))
      expect(judge({ ...evidence, items }).doubled).toContainEqual(
        expect.stringMatching(`^page ${key} is meant by .+/.+, .+/.+$`),
      )
    })

    test('one that has arrived twice, and was sent once', () => {
      const { page, key } = sentOnce()
      expect(judge(inboxOf([...evidence.world.inbox, page])).doubled).toEqual([
        `page ${key} was delivered by pagerduty for the 2. time and not meant as often by then`,
      ])
      const call: LoggedCall = {
        ...one('ecs:UpdateService'),
        name: 'sns:Publish',
        input: { MessageAttributes: { key: { DataType: 'String', StringValue: key } } },
        atMs: page.atMs + 1,
      }
      expect(judge({ ...evidence, calls: [...evidence.calls, call] }).doubled).toEqual([
        `page ${key} was delivered 2 times in 1 attempts`,
      ])
    })

    test('one that was sent again, unless the worker that had sent it was seen to fail', () => {
      const { page, key, intent, sent, told } = sentOnce()
      const again = { ...evidence, ...inboxOf([...evidence.world.inbox, page]) }
      const { atMs, stream, seq: _seq, address: _address, ...entry } = intent
      const second = JSON.stringify({ ...entry, attempt: 2 })
      const repeated = (before: string): Evidence => ({
        ...again,
        // The attempt is made again in the record that has its result, and nothing else is known of the first.
        items: again.items.map((item) =>
          item.pk === `INC#${told.incidentId}` &&
          item.sk === `REC#${stream}#${String(sent.seq).padStart(6, '0')}`
            ? { ...item, body: item.body.replace('"entries":[', `"entries":[${before}${second},`) }
            : item,
        ),
        world: { ...again.world, inbox: [...evidence.world.inbox, { ...page, atMs: sent.atMs }] },
        unwell: [],
      })
      const ownOf = (found: Evidence) => judge(found).doubled.filter((what) => what.includes(`${key}:`))
      const inVain = `page ${key}: attempt 2 was made`
      expect(ownOf(repeated(''))).toEqual([`${inVain}, and no worker was seen to fail at the one before it`])
      const subject = { is: 'stream', incidentId: told.incidentId, stream } as const
      const unwell = (by: typeof subject, fromMs: number) => [
        { subject: by, startedAtMs: fromMs, atMs: fromMs + 10 },
      ]
      const seen = (by: typeof subject, fromMs: number) => ({ ...repeated(''), unwell: unwell(by, fromMs) })
      expect(ownOf(seen(subject, atMs - 5))).toEqual([])
      // At another time, or about something else.
      expect(ownOf(seen(subject, atMs + 5))).toHaveLength(1)
      expect(ownOf(seen({ ...subject, stream: 'incident' }, atMs - 5))).toHaveLength(1)
      const applied = JSON.stringify({
        kind: 'step.applied',
        actor: entry.actor,
        step: entry.step,
        attempt: 1,
        message: true,
        receipt: { operationId: `pagerduty/${key}` },
      })
      expect(ownOf(repeated(`${applied},`))).toEqual([`${inVain}, and the one before it had been sent`])
    })
  })

  test('an entry that was altered', () => {
    const altered = record(({ body }) => body.includes('"kind":"step.applied"'))
    const items = evidence.items.map((item) =>
      item === altered
        ? { ...item, body: item.body.replace('"kind":"step.applied",', '"kind":"step.applied","x":1,') }
        : item,
    )
    expect(judge({ ...evidence, items }).untrue).toEqual([expect.stringContaining('an entry was altered')])
  })
})
