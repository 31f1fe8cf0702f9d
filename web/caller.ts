import type { Context } from 'hono'
import {
  byPrincipal,
  bySignIn,
  byToken,
  isAtLeast,
  reaches,
  roleMissing,
  type Caller,
} from '../lib/access.ts'
import { command, type Request as Asked } from '../lib/command.ts'
import { incidentIdOf } from '../lib/ids.ts'
import type { Json } from '../lib/json.ts'
import { INCIDENT_STREAM } from '../lib/incident-stream.ts'
import { readHead } from '../lib/ledger/head.ts'
import type { App, Turn } from '../lib/ports.ts'
import { ProblemError } from './problem.ts'

/** What one request is served with. */
export interface Served {
  readonly app: App
  readonly turn: () => Turn
  /** Names the request in answers and in the log. */
  readonly requestId: string
  /** Who has signed the request, as the gateway has found out. */
  readonly principal?: string
  /** What the identity provider says of whoever has signed in; the gateway has checked the token that bears it. */
  readonly claims?: { readonly [claim: string]: string }
}

export type WebContext = Context<{ Bindings: Served }>

/** Who is asking, as the gateway has found out, else by a bearer token. Throws where nobody is known. */
export function callerOf(context: WebContext): Caller {
  const token = /^Bearer ([\x21-\x7e]{1,500})$/i.exec(context.req.header('authorization') ?? '')?.[1]
  return whoIs(context, token)
}

/** The same for whoever may bear a token in another way. */
export function whoIs({ env, req }: WebContext, token: string | undefined): Caller {
  const { app, principal, claims } = env
  const { access } = app.catalogue
  const log = (what: string) =>
    app.ports.log.warn(what, {
      request: env.requestId,
      path: req.path,
      ...(principal === undefined ? {} : { principal }),
      ...(claims === undefined ? {} : { subject: claims['sub'] ?? '' }),
    })
  if (principal !== undefined || claims !== undefined) {
    const caller = claims ? bySignIn(access, claims) : byPrincipal(access, principal ?? '')
    if (caller) return caller
    log('a request of somebody without a role was refused')
    throw new ProblemError('forbidden', 'access.yaml names no role for whoever is asking')
  }
  const caller = token === undefined ? undefined : byToken(access, token, app.ports.clock.now())
  if (caller) return caller
  log('a request of nobody known was refused')
  throw new ProblemError('unauthenticated', 'the bearer token is missing, unknown or expired', {
    'www-authenticate': 'Bearer',
  })
}

/** Throws where the role or the limit to services does not allow what is asked. What is out of reach is not there. */
export async function mayAsk(app: App, caller: Caller, asked: Asked): Promise<void> {
  const missing = roleMissing(caller, asked)
  if (missing !== undefined) {
    app.ports.log.warn('a request beyond the role was refused', { by: caller.name, verb: asked.verb })
    throw new ProblemError(
      'forbidden',
      `${asked.verb} takes the role ${missing}; ${caller.name} is ${caller.role}`,
    )
  }
  // A list of what is within reach is within reach.
  if ('services' in asked && asked.services !== undefined) return
  if (caller.services === undefined || reaches(caller, await serviceOf(app, asked))) return
  app.ports.log.warn('a request for a service out of reach was refused', {
    by: caller.name,
    verb: asked.verb,
  })
  if ('id' in asked) throw new ProblemError('not-found', `there is no ${asked.id}`)
  throw new ProblemError('forbidden', `${caller.name} may ask only for ${caller.services.join(', ')}`)
}

/** Asks the stack, as somebody. Throws a problem where they may not, and where it cannot be done. */
export async function askAs(app: App, caller: Caller, asked: Asked, turn: Turn): Promise<Json> {
  await mayAsk(app, caller, asked)
  const result = await command(app, asked, turn)
  if (result.is === 'problem') throw new ProblemError(result.code, result.message)
  return result.answer
}

/** The type of a body without its parameters, in lower case. */
export function mediaTypeOf({ req }: WebContext): string {
  return (req.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
}

/** An event may start any runbook that its alarm triggers, so it takes the role of who may start them, for all services. */
export function maySend({ ports }: App, caller: Caller): void {
  if (isAtLeast(caller.role, 'responder') && caller.services === undefined) return
  ports.log.warn('an event of somebody who may not send any was refused', { by: caller.name })
  throw new ProblemError(
    'forbidden',
    `events take the role responder for all services; ${caller.name} has less`,
  )
}

/** The service that something asked for is about; `undefined` for what is about all of them, or is not there. */
async function serviceOf({ ports, catalogue }: App, asked: Asked): Promise<string | undefined> {
  if ('runbook' in asked) return catalogue.runbooks.find(({ runbook }) => runbook === asked.runbook)?.service
  if ('scope' in asked) return asked.scope.is === 'service' ? asked.scope.name : undefined
  if (!('id' in asked)) return undefined
  const incidentId = incidentIdOf(asked.id)
  if (incidentId === undefined) return catalogue.runbooks.find(({ runbook }) => runbook === asked.id)?.service
  return (await readHead(ports.storage, incidentId, INCIDENT_STREAM))?.summary?.service
}
