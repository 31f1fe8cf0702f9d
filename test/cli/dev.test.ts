import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { firebreak } from './terminal.ts'

// The local stack that `firebreak dev` keeps running, in a process of its own, asked through its door.

const root = fileURLToPath(new URL('../..', import.meta.url))
const entry = join(root, 'cli/firebreak.ts')
let folder: string
let dev: ChildProcess
const devFile = () => join(folder, '.firebreak/dev.json')
const run = async (...args: readonly string[]) => firebreak(args, { cwd: folder })

function newFolder(): string {
  const made = mkdtempSync(join(tmpdir(), 'firebreak-dev-'))
  cpSync(join(root, 'runbooks'), join(made, 'runbooks'), { recursive: true })
  return made
}

beforeAll(async () => {
  folder = newFolder()
  const { NODE_OPTIONS: _flags, ...env } = process.env
  dev = spawn(process.execPath, [entry, 'dev', '--port', '0'], { cwd: folder, env, stdio: 'ignore' })
  for (let waited = 0; !existsSync(devFile()); waited += 50) {
    if (waited > 25_000 || dev.exitCode !== null) throw new Error('the local stack did not start')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}, 30_000)

afterAll(async () => {
  const ended = new Promise((resolve) => dev.once('exit', resolve))
  dev.kill('SIGTERM')
  await ended
  rmSync(folder, { recursive: true })
})

test('an event is told what became of it, also one that looks like a batch of a queue', async () => {
  const sns = { EventSource: 'aws:sns', Sns: { Message: '{}', Subject: 'hello' } }
  writeFileSync(join(folder, 'sns.json'), JSON.stringify({ Records: [sns] }))
  const ran = await run('replay', 'sns.json')
  expect(ran.exit).toBe(1)
  expect(ran.out).toMatch(/^sig-[0-9a-f]{12} started nothing: /)
  const signalId = ran.out.slice(0, 16)
  expect((await run('why', signalId)).out).toContain('unreadable payload refused')
})

test('an act that there is none of is a usage error, and what is said with --json is JSON', async () => {
  expect(await run('dev', 'act', '{"is":"nonsense"}')).toMatchObject({ exit: 2 })
  const load = '{"is":"set-load","site":"api.example.com","rps":300}'
  expect((await run('dev', 'act', load, '--json')).json()).toMatchObject({ format_version: '1.0' })
  expect((await run('dev', 'account', '--json')).json()).toMatchObject({
    format_version: '1.0',
    account: { region: 'eu-west-1' },
  })
})

test('the API is served to the token of the stack, by the handler that runs on Lambda', async () => {
  const { url, token } = JSON.parse(readFileSync(devFile(), 'utf8')) as { url: string; token: string }
  const get = async (path: string, headers: Record<string, string> = { authorization: `Bearer ${token}` }) =>
    fetch(`${url}${path}`, { headers })
  const status = await get('/v1/status')
  expect([status.status, await status.json()]).toMatchObject([200, { paused: [] }])
  const again = { authorization: `Bearer ${token}`, 'if-none-match': status.headers.get('etag') ?? '' }
  expect((await get('/v1/status', again)).status).toBe(304)
  expect((await get('/v1/status', {})).status).toBe(401)
  expect((await get('/openapi.json', {})).status).toBe(200)
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'idempotency-key': 'k-1',
  }
  const body = JSON.stringify({ runbook: 'api-5xx-spike', reason: 'a try', mode: 'shadow' })
  const started = await fetch(`${url}/v1/executions`, { method: 'POST', headers, body })
  expect(started.status).toBe(202)
  const shown = await get(started.headers.get('location') ?? '')
  expect(await shown.json()).toMatchObject({ incident: { service: 'api' } })
  const large = await fetch(`${url}/v1/executions`, { method: 'POST', headers, body: 'x'.repeat(2_000_000) })
  expect(large.status).toBe(413)
})

test('signing out takes the cookie away, and a name that only leads here is answered nothing', async () => {
  const { url } = JSON.parse(readFileSync(devFile(), 'utf8')) as { readonly url: string }
  const out = await fetch(`${url}/sign-out`, { method: 'POST', headers: { origin: url }, redirect: 'manual' })
  expect([out.status, out.headers.get('set-cookie')]).toEqual([303, 'firebreak=; Max-Age=0; Path=/'])
  const asked = request(url, { headers: { host: 'evil.example.com' } }).end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  answer.resume()
  expect(answer.statusCode).toBe(421)
})

test('a client that goes away amid its request takes nothing down with it', async () => {
  const { url, token } = JSON.parse(readFileSync(devFile(), 'utf8')) as { url: string; token: string }
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  socket.write(`POST /v1/signals HTTP/1.1\r\nhost: ${hostname}:${port}\r\ncontent-length: 100\r\n\r\n{"half`)
  await new Promise((resolve) => setTimeout(resolve, 200))
  socket.destroy()
  await new Promise((resolve) => setTimeout(resolve, 200))
  const answer = await fetch(`${url}/v1/status`, { headers: { authorization: `Bearer ${token}` } })
  expect(answer.status).toBe(200)
})

test('a port that is taken is named, and the second stack ends', () => {
  const other = newFolder()
  const { url } = JSON.parse(readFileSync(devFile(), 'utf8')) as { url: string }
  const { NODE_OPTIONS: _flags, ...env } = process.env
  const port = new URL(url).port
  const second = spawnSync(process.execPath, [entry, 'dev', '--port', port], {
    cwd: other,
    env,
    encoding: 'utf8',
    timeout: 20_000,
  })
  rmSync(other, { recursive: true })
  expect(second).toMatchObject({ status: 3, signal: null })
  expect(second.stderr).toContain(`another program listens on port ${port} (port-taken)`)
}, 30_000)
