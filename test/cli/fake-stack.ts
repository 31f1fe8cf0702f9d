import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DEV_FILE } from '../../cli/stack-local.ts'

export const TOKEN = 'a-token-of-the-tests'

/** What the stack answers: a value as JSON, or a whole answer of any kind. */
export type Answer =
  | { readonly body: unknown }
  | { readonly status: number; readonly text: string; readonly headers?: { readonly [name: string]: string } }

export interface FakeStack {
  /** A folder in which `.firebreak/dev.json` names this stack. */
  readonly folder: string
  readonly url: string
  /** What was asked, in order. */
  readonly requests: readonly {
    readonly path: string
    readonly body: unknown
    readonly authorization: string | undefined
  }[]
  /** Replaces what it answers; a function sees the request. */
  answer(to: (path: string, body: { readonly [name: string]: unknown }) => Answer | Promise<Answer>): void
  close(): Promise<void>
}

/** An answer of a command. */
export function answered(value: unknown): Answer {
  return { body: { is: 'answer', answer: value } }
}

export function problem(code: string, message: string): Answer {
  return { body: { is: 'problem', code, message } }
}

/** A stack's door on the loopback interface, with canned answers behind it. */
export async function fakeStack(): Promise<FakeStack> {
  let respond: Parameters<FakeStack['answer']>[0] = () => answered(null)
  const requests: { path: string; body: unknown; authorization: string | undefined }[] = []
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString('utf8') || 'null') as {
        readonly [name: string]: unknown
      }
      const path = request.url ?? ''
      requests.push({ path, body, authorization: request.headers.authorization })
      void respondWith(path, body, response)
    })
  })
  const respondWith = async (
    path: string,
    body: { readonly [name: string]: unknown },
    response: ServerResponse,
  ): Promise<void> => {
    const answer = await respond(path, body)
    if ('status' in answer) {
      response.writeHead(answer.status, answer.headers)
      response.end(answer.text)
    } else {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(answer.body))
    }
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const folder = mkdtempSync(join(tmpdir(), 'firebreak-cli-'))
  writeDevFile(folder, { url, pid: process.pid, token: TOKEN })
  return {
    folder,
    url,
    requests,
    answer: (to) => void (respond = to),
    close: async () => {
      rmSync(folder, { recursive: true })
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

export function writeDevFile(folder: string, content: unknown): void {
  mkdirSync(join(folder, '.firebreak'), { recursive: true })
  writeFileSync(join(folder, DEV_FILE), typeof content === 'string' ? content : JSON.stringify(content))
}
