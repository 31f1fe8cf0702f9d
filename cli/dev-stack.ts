import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createAccount, type Account, type SavedAccount } from '../sim/account.ts'
import { startLocal, type LocalStack, type SavedQueues } from '../sim/local.ts'
import { apiBadCanary } from '../sim/scenarios.ts'
import type { Context } from './context.ts'
import type { DevOptions } from './dev.ts'
import { EXIT, Failure } from './exit.ts'
import { withFakeSlack } from './fake-slack.ts'
import { compile, readFolder, runbookFolder } from './files.ts'
import { localToken, openAddress, serveLocal, withGrant, type LocalServer } from './local-server.ts'
import { printable, timeText } from './output.ts'

/** Beside dev.json: the table's folder, and what is not in the table. */
const FOLDER = '.firebreak'
const SAVE_EVERY_MS = 5_000

interface SavedStack {
  readonly account: SavedAccount
  readonly queues: SavedQueues
}

/** Runs until Ctrl-C. State survives: the table is on disk, the account and the queues are saved as time passes. */
export async function runDev(context: Context, options: DevOptions): Promise<void> {
  const { terminal } = context
  const home = join(terminal.cwd, FOLDER)
  const table = join(home, 'table')
  const state = join(home, 'stack.json')
  if (options.fresh) for (const path of [table, state]) rmSync(path, { recursive: true, force: true })
  mkdirSync(home, { recursive: true })
  const compiled = await compile(
    readFolder(runbookFolder({ cwd: terminal.cwd, ...context.settings }), terminal.cwd),
  )
  if (!compiled.catalogue) {
    throw new Failure(EXIT.failed, 'bad-runbooks', 'the runbooks have mistakes', {
      remedy: 'See them with `firebreak lint`.',
    })
  }
  const { policy } = compiled.catalogue
  const { token, grant } = localToken(terminal.user || 'unknown')
  const capped = { ...compiled.catalogue, policy: { ...policy, mode: options.mode ?? policy.mode } }
  const catalogue = withFakeSlack(withGrant(capped, grant), grant.name)
  const saved = readState(state)
  const account = saved ? createAccount({ saved: saved.account }) : quietAccount(terminal.now())
  const stack = await startLocal({
    account,
    catalogue,
    folder: table,
    idleSpeed: () => options.speed,
    ...(saved ? { queues: saved.queues } : {}),
    onWorker: (pid) => context.say(`worker process ${pid}`),
    onLog: (level, message, fields) =>
      context.say(
        `${timeText(account.now())} ${level === 'info' ? '' : `${level}: `}${printable(message)} ${factsOf(fields)}`,
      ),
  }).catch((error: unknown) => {
    throw new Failure(EXIT.internal, 'no-stack', `the local stack cannot be started: ${String(error)}`, {
      cause: error,
      remedy: `Another one may be running in this folder. \`firebreak dev --fresh\` forgets what is in ${FOLDER}/.`,
    })
  })
  const timer = setInterval(() => save(state, stack), SAVE_EVERY_MS)
  let server: LocalServer | undefined
  try {
    server = await listen(stack, { cwd: terminal.cwd, port: options.port, token })
    welcome(context, { url: server.url, token, mode: catalogue.policy.mode })
    await untilInterrupted(context)
  } finally {
    clearInterval(timer)
    await server?.close()
    save(state, stack)
    await stack.close()
  }
}

async function listen(
  stack: LocalStack,
  options: { readonly cwd: string; readonly port: number; readonly token: string },
): Promise<LocalServer> {
  try {
    return await serveLocal(stack, options)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    throw new Failure(EXIT.internal, 'port-taken', `another program listens on port ${options.port}`, {
      cause: error,
      remedy: 'Name another one with --port; 0 takes a free one.',
    })
  }
}

/** The demo's account, without its bad release: everything is well until somebody does something. */
function quietAccount(nowMs: number): Account {
  const account = apiBadCanary({ startAtMs: Math.floor(nowMs / 60_000) * 60_000 })
  account.world.script.splice(0)
  return account
}

function readState(path: string): SavedStack | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as SavedStack
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new Failure(EXIT.internal, 'bad-state', `${path} cannot be read`, {
      cause: error,
      remedy: 'Start anew with `firebreak dev --fresh`.',
    })
  }
}

/** Written beside and moved into place, so that a crash leaves the old state or the new one. */
function save(path: string, stack: LocalStack): void {
  const saved: SavedStack = { account: stack.account.save(), queues: stack.save() }
  writeFileSync(`${path}.new`, JSON.stringify(saved))
  renameSync(`${path}.new`, path)
}

function welcome(
  context: Context,
  { url, token, mode }: { readonly url: string; readonly token: string; readonly mode: string },
): void {
  const { print, paint } = context
  const lines = [
    `Firebreak, a local stack at ${url}, policy mode ${mode}. Not for production.`,
    `Its pages: ${openAddress(url, token)}`,
    `A chat:    ${url}/fake-slack (after the pages were opened)`,
    '',
    'In another terminal, in this folder:',
    '  firebreak plan api-5xx-spike',
    `  firebreak dev act '{"is":"set-task-definition","service":"prod/api-canary","taskDefinition":"api:42"}'   a bad canary`,
    `  firebreak dev act '{"is":"set-load","site":"api.example.com","rps":300}'                                  more load`,
    '  firebreak list, watch <id>, timeline <id>, approve <id>, abort <id>, pause-all',
    'Ctrl-C ends it; what happened is kept in .firebreak/.',
  ]
  for (const line of lines) print(line === lines[0] ? paint('bold', line) : line)
}

function factsOf(fields: unknown): string {
  if (typeof fields !== 'object' || fields === null) return ''
  return Object.entries(fields)
    .map(
      ([name, value]) =>
        `${name}=${printable(typeof value === 'string' ? value : JSON.stringify(value)).slice(0, 160)}`,
    )
    .join(' ')
}

async function untilInterrupted(context: Context): Promise<void> {
  const signal = context.terminal.interruptible()
  // A service manager ends a process politely too.
  const ended = new Promise<void>((resolve) => process.once('SIGTERM', () => resolve()))
  const interrupted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve())
  })
  await Promise.race([ended, interrupted])
}
