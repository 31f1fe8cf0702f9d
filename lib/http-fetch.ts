import { describe } from './errors.ts'
import type { Http, HttpAnswer, HttpRequest } from './http.ts'

/** An answer is read for a provider's id or its complaint; a larger one is cut here. */
export const MAX_ANSWER_BYTES = 65_536

/**
 * Outgoing HTTP by `fetch`. Redirects are answered as they are and not followed, so that a signed body goes nowhere but to
 * the address it was written for. Messages name the origin only: paths and queries of webhooks are secrets.
 */
export function fetchHttp(): Http {
  return {
    async post(request) {
      const origin = originOf(request.url)
      // One clock for connecting, waiting and reading.
      const signal = AbortSignal.timeout(request.timeoutMs)
      try {
        return await send(request, signal)
      } catch (error) {
        const why = signal.aborted ? `no complete answer within ${request.timeoutMs} ms` : reasonOf(error)
        throw new Error(`POST ${origin}: ${why}`, { cause: error })
      }
    },
  }
}

async function send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
  const response = await fetch(request.url, {
    method: 'POST',
    headers: request.headers,
    body: request.body,
    redirect: 'manual',
    signal,
  })
  return {
    status: response.status,
    // `Headers` gives lower-case names.
    headers: Object.fromEntries(response.headers),
    body: await readAtMost(response, MAX_ANSWER_BYTES),
  }
}

/** Stops reading at the limit, whatever length the answer claims. A character that the limit cuts is left out. */
async function readAtMost(response: Response, maxBytes: number): Promise<string> {
  if (!response.body) return ''
  const decoder = new TextDecoder()
  let text = ''
  let left = maxBytes
  for await (const chunk of response.body) {
    text += decoder.decode(chunk.subarray(0, left), { stream: true })
    left -= chunk.length
    if (left <= 0) return text
  }
  return text + decoder.decode()
}

function originOf(url: string): string {
  const parsed = URL.parse(url)
  if (parsed?.protocol === 'https:' || parsed?.protocol === 'http:') return parsed.origin
  throw new Error(
    `an outgoing request needs an http or https address, not ${parsed?.protocol ?? 'an unreadable one'}`,
  )
}

/** `fetch failed` says nothing; its cause does. */
function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: { code?: string; message?: string } }
  return cause?.message === undefined ? describe(error) : `${cause.code ?? 'failed'}: ${cause.message}`
}
