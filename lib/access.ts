import { matchGlob } from './glob.ts'
import type { Request } from './command.ts'
import { sha256 } from './ids.ts'
import type { Access, Grant, Role } from './runbook/runbook.ts'

/** Whoever asks by a surface that knows who it is, and what it may do. */
export interface Caller extends Grant {
  readonly name: string
  readonly via: string
}

/** Where no access.yaml says anything. */
export const NOBODY: Access = { tokens: [], principals: [], signedIn: { nameClaim: 'sub', grants: [] } }

/** From what may be read to everything. */
const ROLES: readonly Role[] = ['reader', 'responder', 'approver', 'admin']

/**
 * The least role for what is asked. To stop something is as easy as to start it; to let what was stopped go on, and to start
 * something despite a change freeze, is a decision.
 */
const NEEDED: { readonly [verb in Request['verb']]: Role } = {
  list: 'reader',
  show: 'reader',
  records: 'reader',
  why: 'reader',
  status: 'reader',
  runbooks: 'reader',
  approvals: 'reader',
  pages: 'reader',
  entries: 'reader',
  steps: 'reader',
  plan: 'reader',
  'hook-failures': 'reader',
  'hook-replay': 'responder',
  run: 'responder',
  ack: 'responder',
  note: 'responder',
  mitigate: 'responder',
  resolve: 'responder',
  abort: 'responder',
  pause: 'responder',
  'pause-all': 'responder',
  approve: 'approver',
  deny: 'approver',
  resume: 'approver',
  'resume-all': 'approver',
}

/** The role that is missing for what is asked, if any is. */
export function roleMissing(caller: Pick<Caller, 'role'>, request: Request): Role | undefined {
  const needed = request.verb === 'run' && request.despiteFreeze ? 'approver' : NEEDED[request.verb]
  return isAtLeast(caller.role, needed) ? undefined : needed
}

export function isAtLeast(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed)
}

/** Whether somebody may see and change what is of that service; what is of all services takes somebody without a limit. */
export function reaches({ services }: Pick<Caller, 'services'>, service: string | undefined): boolean {
  return services === undefined || (service !== undefined && services.includes(service))
}

/** Whose token it is. Tokens are long and random, so their hashes may be compared like any other text. */
export function byToken(access: Access | undefined, token: string, nowMs: number): Caller | undefined {
  const hash = sha256(token)
  const found = access?.tokens.find((one) => one.sha256 === hash && nowMs < one.expiresAtMs)
  return found && callerOf(found.name, 'api', found)
}

/** Who has signed the request, by the ARN that AWS has found out. The name on record is that of the session or user. */
export function byPrincipal(access: Access | undefined, arn: string): Caller | undefined {
  const found = access?.principals.find((one) => matchGlob(one.arn, arn))
  return found && callerOf(arn.slice(arn.lastIndexOf('/') + 1), 'api', found)
}

/**
 * Who has signed in with the identity provider, by the claims that API Gateway has checked. It hands on texts only: a list is
 * written as `[sre ops]`, so a group whose name has spaces looks like several: nobody must be able to make such groups.
 */
export function bySignIn(
  access: Access | undefined,
  claims: { readonly [claim: string]: string },
): Caller | undefined {
  if (!access) return undefined
  const { nameClaim, grants } = access.signedIn
  const found = grants.find(({ claim, is, has }) => {
    const text = Object.hasOwn(claims, claim) ? claims[claim] : undefined
    if (text === undefined) return false
    return is === undefined ? listed(text).includes(has ?? '') : matchGlob(is, text)
  })
  const name = Object.hasOwn(claims, nameClaim) ? claims[nameClaim] : undefined
  return found && name !== undefined && name !== '' ? callerOf(name, 'api', found) : undefined
}

function listed(text: string): readonly string[] {
  return /^\[.*\]$/s.test(text) ? text.slice(1, -1).split(' ') : [text]
}

function callerOf(name: string, via: string, { role, services }: Grant): Caller {
  return { name, via, role, ...(services === undefined ? {} : { services }) }
}
