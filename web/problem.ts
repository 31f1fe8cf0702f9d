import type * as z from 'zod'
import { PROBLEMS, type ProblemCode } from '../lib/problems.ts'

/** Where a code is explained, by this very application: a stack has no other address that is certain to be there. */
export const PROBLEM_PATH = '/problems/'

/** What is thrown to end a request with a problem of the catalogue. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly code: ProblemCode
  readonly headers: { readonly [name: string]: string }
  constructor(code: ProblemCode, message: string, headers: { readonly [name: string]: string } = {}) {
    super(message)
    this.code = code
    this.headers = headers
  }
}

/** What is wrong with a value, each with its place; `whole` names the value itself. */
export function issuesText({ issues }: Pick<z.ZodError, 'issues'>, whole: string, most = 1): string {
  return issues
    .slice(0, most)
    .map(({ path, message }) => `${path.join('.') || whole}: ${message}`)
    .join('; ')
}

/** A problem document of RFC 9457. `detail` is for people and never holds what whoever is asking may not know. */
export function problemResponse(
  code: ProblemCode,
  detail: string,
  {
    instance,
    requestId,
    headers,
  }: {
    readonly instance: string
    readonly requestId: string
    readonly headers?: { readonly [name: string]: string }
  },
): Response {
  const { status, title } = PROBLEMS[code]
  const body = { type: `${PROBLEM_PATH}${code}`, title, status, detail, instance, code, requestId }
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers },
  })
}

/** Of what was handed on and is no request at all. */
export function noRequest(requestId: string): Response {
  return problemResponse('bad-request', 'the request has a form that no request can have', {
    instance: '/',
    requestId,
  })
}
