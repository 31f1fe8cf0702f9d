import { sha256 } from '../../lib/ids.ts'
import type { ClaimGrant, Role } from '../../lib/runbook/runbook.ts'
import type { Served } from '../../web/caller.ts'
import { createWeb } from '../../web/web.ts'
import type { Stack } from '../../sim/stack.ts'
import { turnOf } from '../line/calm.ts'

export interface Asked {
  readonly method?: string
  readonly role?: Role | 'nobody'
  readonly services?: readonly string[]
  readonly headers?: { readonly [name: string]: string }
  readonly body?: unknown
  readonly key?: string
  readonly principal?: string
  /** Of whoever has signed in; what they may is `grants`. */
  readonly claims?: { readonly [claim: string]: string }
  readonly grants?: readonly ClaimGrant[]
}

export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // JSON of any shape: every test says what it expects of it.
  readonly body: { readonly [name: string]: unknown }
}

const web = createWeb()
const DAY_MS = 86_400_000

/** Asks the API of a stack, as somebody of that role. */
export async function ask(stack: Stack, path: string, asked: Asked = {}): Promise<Answered> {
  const { role = 'admin', services, body, key, principal, claims, grants = [] } = asked
  const grant = { role: role === 'nobody' ? 'reader' : role, ...(services ? { services } : {}) } as const
  const app = {
    ...stack.app,
    catalogue: {
      ...stack.app.catalogue,
      access: {
        tokens: [
          { name: 'ann', sha256: sha256('t-ann'), expiresAtMs: stack.account.now() + DAY_MS, ...grant },
        ],
        principals: [{ arn: 'arn:aws:sts::123456789012:assumed-role/on-call/*', ...grant }],
        signedIn: { nameClaim: 'email', grants },
      },
    },
  }
  const served: Served = {
    app,
    turn: () => turnOf(stack),
    requestId: 'r-1',
    ...(principal === undefined ? {} : { principal }),
    ...(claims === undefined ? {} : { claims }),
  }
  const response = await web.request(
    path,
    {
      method: asked.method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        ...(role === 'nobody' || principal !== undefined ? {} : { authorization: 'Bearer t-ann' }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
        ...asked.headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    },
    served,
  )
  const text = await response.text()
  const isJson = /\bjson\b|\+json/.test(response.headers.get('content-type') ?? '')
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson && text !== '' ? (JSON.parse(text) as Answered['body']) : {},
  }
}
