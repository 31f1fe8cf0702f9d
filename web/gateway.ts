import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'

/*
 * API Gateway's HTTP API speaks events of format 2.0, everything inside speaks the web's own Request and Response. hono's
 * adapter does the same and is to be removed from it in its next version.
 * Source: "Create AWS Lambda proxy integrations for HTTP APIs in API Gateway", payload format version 2.0.
 */

/** `undefined` for a method, a path or a header that no request can have. */
export function requestOf(event: APIGatewayProxyEventV2): Request | undefined {
  try {
    return read(event)
  } catch {
    return undefined
  }
}

function read(event: APIGatewayProxyEventV2): Request {
  const { rawPath, rawQueryString, body, isBase64Encoded, requestContext, cookies } = event
  const { method } = requestContext.http
  const headers = new Headers()
  for (const [name, value] of Object.entries(event.headers)) if (value !== undefined) headers.set(name, value)
  if (cookies && cookies.length > 0) headers.set('cookie', cookies.join('; '))
  const query = rawQueryString === '' ? '' : `?${rawQueryString}`
  const url = new URL(`https://${requestContext.domainName}`)
  // Set and not joined: a path that begins with two slashes would name another host.
  url.pathname = withoutStage(rawPath, requestContext.stage)
  url.search = query
  // A GET may bear one in an event, but not as a Request; nothing reads it.
  const hasBody = typeof body === 'string' && method !== 'GET' && method !== 'HEAD'
  return new Request(url, {
    method,
    headers,
    ...(hasBody ? { body: isBase64Encoded ? Buffer.from(body, 'base64') : body } : {}),
  })
}

/** A stage with a name of its own stands before the path, except behind a domain of one's own. */
function withoutStage(path: string, stage: string | undefined): string {
  return stage !== undefined && stage !== '$default' && path.startsWith(`/${stage}/`)
    ? path.slice(stage.length + 1)
    : path
}

/** Texts go out as they are, everything else in base64. */
export async function resultOf(response: Response): Promise<APIGatewayProxyStructuredResultV2> {
  const headers: { [name: string]: string } = {}
  for (const [name, value] of response.headers) if (name !== 'set-cookie') headers[name] = value
  const cookies = response.headers.getSetCookie()
  const bytes = Buffer.from(await response.arrayBuffer())
  const isText = /^(?:text\/|application\/(?:[a-z.-]+\+)?json|application\/x-ndjson)/.test(
    response.headers.get('content-type') ?? '',
  )
  return {
    statusCode: response.status,
    headers,
    ...(cookies.length > 0 ? { cookies } : {}),
    body: isText ? bytes.toString('utf8') : bytes.toString('base64'),
    isBase64Encoded: !isText && bytes.length > 0,
  }
}
