import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { command } from '../../lib/command.ts'
import type { Stack } from '../../sim/stack.ts'
import { apiStack, MINUTE_MS, onlyIncident, shippedCatalogue, START_AT_MS } from '../line/world.ts'
import { fakeStack, type FakeStack } from './fake-stack.ts'
import { firebreak, plain, type FakeOptions } from './terminal.ts'

// The command line against the real engine on the simulated account, through a real door.

const doors: FakeStack[] = []

async function door(stack: Stack): Promise<FakeStack> {
  const opened = await fakeStack()
  doors.push(opened)
  opened.answer(async (path, body) => ({ body: path === '/command' ? await stack.command(body) : {} }))
  return opened
}

afterEach(async () => {
  await Promise.all(doors.splice(0).map(async (opened) => opened.close()))
})

const HOUR_MS = 60 * MINUTE_MS

test('an incident from alarm to record: list, show, watch, timeline, export, verify, why', async () => {
  const stack = apiStack()
  const { folder } = await door(stack)
  const run = async (args: readonly string[], more: Partial<FakeOptions> = {}) =>
    firebreak(args, { cwd: folder, ...more })
  await stack.runUntil(START_AT_MS + 3 * HOUR_MS, async () =>
    (await run(['list', '--status', 'resolved', '--json'])).out.includes('inc-'),
  )
  const id = await onlyIncident(stack)

  const listed = await run(['list'])
  expect(listed.out).toMatch(new RegExp(`${id}\\s+resolved\\s+sev2\\s+api\\s.*api-5xx-spike`))
  const shown = await run(['show', id])
  expect(shown.out).toContain('✔ scale_out')
  expect(shown.out).toMatch(/resolved {6}2026-11-23/)
  const execution = /(inc-[0-9a-z]{12}-[0-9a-z]{6})/.exec(shown.out)?.[1] ?? ''
  expect((await run(['show', execution, '--json'])).json()).toMatchObject({
    format_version: '1.0',
    incident: { incidentId: id },
  })

  // What was only meant for the emergency is put back later, in a stream of its own.
  await stack.runUntil(stack.account.now() + HOUR_MS)
  const watched = await run(['watch', id, '--exit-status'])
  expect(watched).toMatchObject({ exit: 0 })
  expect(watched.out).toContain('scale_out done')
  expect(watched.out).toContain('undo of api-5xx-spike')

  const timeline = await run(['timeline', id])
  expect(timeline.exit).toBe(0)
  expect(timeline.out).toContain('TTR')
  expect((await run(['timeline', id, '--format', 'md'])).out).toContain('#')
  expect((await run(['timeline', id, '--json'])).json()).toHaveProperty('format_version')

  const exported = await run(['export', id, '-o', 'incident.json'])
  expect(exported.exit).toBe(0)
  expect(await run(['export', id, '-o', 'incident.json'])).toMatchObject({ exit: 2 })
  expect(await run(['export', id, '-o', 'incident.json', '--force'])).toMatchObject({ exit: 0 })
  const head = /head (incident=[0-9a-f]{64})/.exec(exported.err)?.[1] ?? ''
  expect(await run(['verify', 'incident.json', '--head', head])).toMatchObject({ exit: 0 })
  expect((await run(['verify', id])).out).toContain('consistent')
  const text = readFileSync(join(folder, 'incident.json'), 'utf8')
  writeFileSync(join(folder, 'tampered.json'), text.replace('"scale_out"', '"scale_in"'))
  const tampered = await run(['verify', 'tampered.json'])
  expect(tampered.exit).toBe(1)
  expect(tampered.out).toMatch(/BROKEN at inc-[0-9a-z-]+\/\d+: .*altered/)

  expect((await run(['why', execution])).out).toContain('succeeded')
})

test('plan shows absolute values and IAM actions, and changes nothing', async () => {
  const stack = apiStack()
  const { folder } = await door(stack)
  const calls = stack.account.calls.filter((call) => call.mutating).length
  const ran = await firebreak(['plan', 'api-5xx-spike'], { cwd: folder })
  expect(plain(ran.out)).toMatch(/scale_out .*6 -> 9/)
  expect(ran.out).toMatch(/route53_weight .*weight \d+ -> 0/)
  expect(ran.out).toContain('IAM: ')
  expect(ran.out).toContain('ecs:UpdateService')
  expect(ran.out).toContain('✔ kill switch: not paused')
  expect(stack.account.calls.filter((call) => call.mutating)).toHaveLength(calls)
  // However narrow the terminal is, no value is cut.
  const narrow = await firebreak(['plan', 'api-5xx-spike'], { cwd: folder, tty: true, columns: 60 })
  expect(plain(narrow.out)).toContain('desired 6 -> 9 (can be put back)')
  const detailed = await firebreak(['plan', 'api-5xx-spike', '--detailed-exitcode', '--json'], {
    cwd: folder,
  })
  expect(detailed.json()).toMatchObject({ format_version: '1.0', format: 'firebreak.plan/1' })
  const { steps } = detailed.json() as unknown as { steps: { forecast: { is: string } }[] }
  // The fresh account has nothing to roll back, which is an obstacle; otherwise there is something to change.
  expect(detailed.exit).toBe(
    steps.some(({ forecast }) => forecast.is === 'refused' || forecast.is === 'human') ? 1 : 2,
  )
  const typo = await firebreak(['plan', 'api-5xx-spik'], { cwd: folder })
  expect(typo.exit).toBe(1)
  expect(typo.err).toContain('Did you mean "api-5xx-spike"?')
})

test('show names the steps that are still to come, of an execution and of an undo', async () => {
  const stack = apiStack()
  const { folder } = await door(stack)
  await stack.runUntil(START_AT_MS + 10 * MINUTE_MS, async () =>
    (await firebreak(['list', '--json'], { cwd: folder })).out.includes('inc-'),
  )
  const id = await onlyIncident(stack)
  const stepsOf = async () => {
    const { streams } = (await firebreak(['show', id, '--json'], { cwd: folder })).json() as {
      streams: { stream: string; steps: string[] }[]
    }
    return streams.map(({ stream, steps }) => [stream.endsWith('.undo') ? 'undo' : 'execution', steps])
  }
  expect(await stepsOf()).toEqual([
    ['execution', ['scale_out', 'route53_weight', 'rollback', 'notify', 'check']],
  ])
  // The runbook is the one that the execution has pinned: what is deployed by now may be another, or none.
  const app = { ...stack.app, catalogue: { ...stack.app.catalogue, runbooks: [] } }
  const turn = { workerId: 'w', deadlineMs: stack.account.now() + MINUTE_MS }
  expect(await command(app, { verb: 'show', id }, turn)).toMatchObject({
    answer: { streams: [{ steps: expect.arrayContaining(['scale_out', 'check']) as unknown }] },
  })
  await stack.runUntil(stack.account.now() + 3 * HOUR_MS)
  expect(await stepsOf()).toContainEqual(['undo', ['scale_out']])
})

test('run asks on a terminal, starts once per key, and says which', async () => {
  const stack = apiStack({ catalogue: shippedCatalogue('shadow') })
  const { folder, requests } = await door(stack)
  const args = ['run', 'api-5xx-spike', '--reason', 'a drill', '--key', 'k1']
  const no = await firebreak(args, { cwd: folder, tty: true, answers: ['n'] })
  expect(no.exit).toBe(5)
  expect(no.questions).toEqual([expect.stringContaining('Start api-5xx-spike')])
  expect(requests.map(({ body }) => (body as { verb: string }).verb)).toEqual(['plan'])

  const yes = await firebreak(args, { cwd: folder, tty: true, answers: ['y'] })
  expect(yes.exit).toBe(0)
  expect(yes.err).toContain('key k1')
  const id = /(inc-[0-9a-z]{12}-[0-9a-z]{6})/.exec(yes.out)?.[1]
  const again = await firebreak([...args, '--no-input', '--json'], { cwd: folder, tty: true })
  expect(again.questions).toEqual([])
  expect(again.json()).toMatchObject({ executionId: id, key: 'k1', refused: null })
  const other = await firebreak(['run', 'api-5xx-spike', '--reason', 'another', '--key', 'k1', '--yes'], {
    cwd: folder,
  })
  expect(other.exit).toBe(1)
  expect(other.err).toContain('(key-reused)')
})

test('run --watch follows to the end, and its exit code is that of the run', async () => {
  const stack = apiStack({ catalogue: shippedCatalogue('shadow') })
  const { folder } = await door(stack)
  const onSleep = async () => void (await stack.runUntil(stack.account.now() + MINUTE_MS))
  const ran = await firebreak(['run', 'api-5xx-spike', '--reason', 'a drill', '--yes', '--watch'], {
    cwd: folder,
    onSleep,
  })
  expect(ran.exit).toBe(0)
  expect(ran.out).toContain('skipped, shadow mode')
})

test('the kill switch wants the word, refuses a run, and is lifted again', async () => {
  const stack = apiStack()
  const { folder } = await door(stack)
  const run = async (args: readonly string[], more: Partial<FakeOptions> = {}) =>
    firebreak(args, { cwd: folder, ...more })
  const unsaid = await run(['pause-all', '--reason', 'x'])
  expect(unsaid.exit).toBe(2)
  expect(unsaid.err).toContain(', which needs a confirmation: nothing was done')
  expect(await run(['pause-all', '--reason', 'x', '--confirm', 'yes'])).toMatchObject({ exit: 2 })
  expect(await run(['pause-all', '--reason', 'x'], { tty: true, answers: ['no'] })).toMatchObject({ exit: 5 })
  expect((await run(['status'])).out).toContain('not paused')
  expect(await run(['pause-all', '--reason', 'bad metric'], { tty: true, answers: ['all'] })).toMatchObject({
    exit: 0,
  })
  expect((await run(['status'])).out).toContain('PAUSED by ada')
  expect((await run(['plan', 'api-5xx-spike'])).exit).toBe(1)
  const refused = await run(['run', 'api-5xx-spike', '--reason', 'try', '--yes'])
  expect(refused.exit).toBe(5)
  expect(refused.err).toContain('everything was paused by ada: bad metric')
  expect(await run(['resume-all', '--confirm=all'])).toMatchObject({ exit: 0 })
  expect((await run(['status', '--json'])).json()).toMatchObject({ control: { is: 'running' } })
})

test('one runbook is paused: a run of it is refused, the status names it, and it is lifted again', async () => {
  const stack = apiStack()
  const { folder } = await door(stack)
  const run = async (args: readonly string[]) => firebreak(args, { cwd: folder })
  const misspelt = await run([
    'pause',
    '--runbook',
    'api-5xx-spikes',
    '--reason',
    'x',
    '--confirm=api-5xx-spikes',
  ])
  expect(misspelt.exit).toBe(1)
  expect(misspelt.err).toContain('did you mean "api-5xx-spike"?')
  const scope = ['--runbook', 'api-5xx-spike', '--confirm=api-5xx-spike']
  expect(await run(['pause', ...scope, '--reason', 'wrong metric'])).toMatchObject({ exit: 0 })
  expect((await run(['status'])).out).toContain('PAUSED runbook api-5xx-spike by ada')
  expect((await run(['list'])).err).toContain('PAUSED runbook api-5xx-spike by ada')
  expect((await run(['plan', 'api-5xx-spike'])).out).toContain(
    '✖ kill switch: runbook api-5xx-spike is paused by ada',
  )
  expect((await run(['run', 'api-5xx-spike', '--reason', 'try', '--yes'])).exit).toBe(5)
  expect((await run(['resume-all', '--confirm=all'])).out).toContain(
    'still paused: runbook api-5xx-spike (by ada)',
  )
  expect(await run(['resume', ...scope])).toMatchObject({ exit: 0 })
  expect((await run(['status'])).out).toContain('not paused')
  expect((await run(['resume', ...scope])).err).toContain('runbook api-5xx-spike is not paused by itself')
})

test('a person decides: approve by digest, deny, abort, ack, note, mitigate, resolve', async () => {
  const stack = apiStack({ catalogue: shippedCatalogue('approve') })
  const { folder } = await door(stack)
  const run = async (args: readonly string[], more: Partial<FakeOptions> = {}) =>
    firebreak(args, { cwd: folder, ...more })
  const start = async (key: string): Promise<string> => {
    const ran = await run(['run', 'api-5xx-spike', '--reason', 'drill', '--yes', '--json', '--key', key])
    return (ran.json() as { executionId?: string }).executionId ?? ''
  }
  const first = await start('k1')
  const incident = first.slice(0, 16)
  const waiting = await run(['watch', first, '--timeout', '10s', '--exit-status'])
  expect(waiting.exit).toBe(5)
  expect(waiting.out).toMatch(/plan waiting: waits for sre until .*, plan [0-9a-f]{12}/)
  const digest = /--digest ([0-9a-f]{12})/.exec(waiting.out)?.[1] ?? ''
  expect(await run(['approve', first, '--digest', '000000000000'])).toMatchObject({ exit: 1 })
  expect((await run(['approve', first, '--step', 'rollback'])).err).toContain(
    `${first} asks about plan, not about rollback`,
  )
  expect((await run(['approve', first, '--digest', digest, '--reason', 'fine'])).out).toContain(
    'approved plan',
  )
  const late = await run(['deny', first])
  expect(late.exit).toBe(1)
  expect(late.err).toContain('approved already, by ada')
  expect((await run(['abort', first, '--reason', 'enough'])).out).toContain('aborted')
  const onSleep = async () => void (await stack.runUntil(stack.account.now() + MINUTE_MS))
  expect(
    await run(['watch', first, '--exit-status', '--timeout', '30m', '--interval', '1m'], { onSleep }),
  ).toMatchObject({ exit: 1 })

  const second = await start('k2')
  expect((await run(['deny', second, '--reason', 'not now'])).out).toContain('denied plan')
  expect(
    await run(['watch', second, '--exit-status', '--timeout', '30m', '--interval', '1m'], { onSleep }),
  ).toMatchObject({ exit: 5 })

  expect((await run(['ack', incident, '--note', 'mine'])).out).toContain('acknowledged')
  expect((await run(['note', incident, 'two', 'words'])).out).toContain('noted')
  expect((await run(['note', incident, ''])).err).toContain('note: it is empty')
  expect((await run(['note', incident, 'x'.repeat(1_001)])).err).toContain('note: it has more than 1000 char')
  expect((await run(['mitigate', incident, '--reason', 'moved away'])).out).toContain('mitigated')
  expect((await run(['resolve', incident, '--reason', 'over'])).out).toContain('resolved')
  expect(await run(['resolve', incident, '--reason', 'over'])).toMatchObject({ exit: 1 })
  const told = await run(['timeline', incident])
  expect(told.out).toContain('two words')
  expect(told.out).toContain('ada (cli)')
})
