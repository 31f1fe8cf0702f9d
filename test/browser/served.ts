import { existsSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { chromium, type Browser } from 'playwright-core'
import { sha256 } from '../../lib/ids.ts'
import type { Role } from '../../lib/runbook/runbook.ts'
import type { Stack } from '../../sim/stack.ts'
import { createWeb } from '../../web/web.ts'
import { fakeSlack } from '../../cli/fake-slack.ts'
import { PAGE_HEADERS } from '../../web/page/document.ts'
import { play, turnOf } from '../line/calm.ts'

/** A stack behind the real application, for a browser on this machine. */
export interface Served {
  readonly url: string
  close(): Promise<void>
}

const DAY_MS = 86_400_000

/** The token of somebody of that role. */
export function tokenOf(role: Role): string {
  return `t-${role}`
}

export async function serve(stack: Stack): Promise<Served> {
  const web = createWeb()
  const roles: readonly Role[] = ['reader', 'responder', 'approver', 'admin']
  const tokens = roles.map((role) => ({
    name: role,
    role,
    sha256: sha256(tokenOf(role)),
    expiresAtMs: stack.account.now() + DAY_MS,
  }))
  const access = { tokens, principals: [], signedIn: { nameClaim: 'sub', grants: [] } }
  const app = { ...stack.app, catalogue: { ...stack.app.catalogue, access } }
  let requests = 0
  const ask = async (request: Request) =>
    web.fetch(request, { app, turn: () => turnOf(stack), requestId: `r-${++requests}` })
  const chat = fakeSlack(stack.account, async ({ path, headers, body }) => {
    const answer = await ask(new Request(`http://127.0.0.1${path}`, { method: 'POST', headers, body }))
    return { status: answer.status, text: await answer.text() }
  })
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const parts: Buffer[] = []
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part)
    const body = Buffer.concat(parts)
    const { method = 'GET', url = '/' } = request
    if (url.startsWith('/fake-slack')) {
      if (method === 'POST') {
        await chat.act(url, new URLSearchParams(body.toString()))
        // What was asked is worked on, and told.
        await play(stack, 0.2)
        response.writeHead(303, { location: '/fake-slack' }).end()
      } else response.writeHead(200, PAGE_HEADERS).end(chat.page())
      return
    }
    const asked = new Request(`http://${request.headers.host ?? ''}${request.url ?? '/'}`, {
      method,
      headers: Object.entries(request.headers).map(([name, value]): [string, string] => [
        name,
        String(value),
      ]),
      ...(method === 'GET' || method === 'HEAD' ? {} : { body }),
    })
    const answered = await ask(asked)
    response.writeHead(answered.status, Object.fromEntries(answered.headers))
    response.end(Buffer.from(await answered.arrayBuffer()))
  }
  const server: Server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

/** Where Debian and others put it; `CHROMIUM` names another. */
export const CHROMIUM = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
  (path) => path !== undefined && existsSync(path),
)

export async function openBrowser(): Promise<Browser> {
  if (CHROMIUM === undefined) throw new Error('no Chromium: install it, or name it by CHROMIUM')
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}
