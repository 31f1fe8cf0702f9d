import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { requestOf, resultOf } from '../web/gateway.ts'
import { noRequest } from '../web/problem.ts'
import { createWeb } from '../web/web.ts'
import { lambda } from './middleware.ts'

const web = createWeb()

/** What API Gateway's authorizer has found out, beside the event of a route without one. */
type Event = APIGatewayProxyEventV2 & {
  readonly requestContext: {
    readonly authorizer?: {
      readonly iam?: { readonly userArn?: string }
      readonly jwt?: { readonly claims?: { readonly [claim: string]: string } }
    }
  }
}

/** Serves the API: one request of an HTTP API, format 2.0. */
export const handler = lambda(
  async (event: Event, { app, turn }): Promise<APIGatewayProxyStructuredResultV2> => {
    const { authorizer, requestId } = event.requestContext
    const principal = authorizer?.iam?.userArn
    const claims = authorizer?.jwt?.claims
    const served = {
      app,
      turn,
      requestId,
      ...(principal === undefined ? {} : { principal }),
      ...(claims === undefined ? {} : { claims }),
    }
    const request = requestOf(event)
    return resultOf(request ? await web.fetch(request, served) : noRequest(requestId))
  },
)
