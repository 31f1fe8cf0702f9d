import type { Change, ObserveContext, Receipt } from '../actions/action.ts'
import { TerminalError } from '../errors.ts'
import type { Verdict } from '../verdict.ts'
import { type Deployment, deploymentOf, isActive } from './history.ts'
import { effectOf } from './effect.ts'
import { getDeployment, ownDeployment, readFailure, recentDeployments } from './observe.ts'
import { asIntended, type DeploymentGroupTarget, type RollbackState } from './state.ts'

type RollbackChange = Change<DeploymentGroupTarget, RollbackState>

/** After a stop the id of the rollback deployment appears late; longer than this it does not come. [E] */
const ROLLBACK_APPEARS_MS = 120_000

/** Follows the deployment, after a stop its rollback, to the end, and then looks at what serves. `Stopped` alone is no success (AWS.md 5.2). */
export async function verifyRollback(
  change: RollbackChange,
  receipt: Receipt,
  context: ObserveContext,
): Promise<Verdict> {
  const { call } = asIntended(change.after)
  try {
    const id =
      receipt.operationId ??
      (call.is === 'create'
        ? ownDeployment(await recentDeployments(context.aws, change.target, context.nowMs), context.marker)
            ?.id
        : call.deploymentId)
    if (id === undefined) return { verdict: 'inconclusive', reason: 'the deployment is not listed yet' }
    const first = await getDeployment(context.aws, id)
    if (!first) return { verdict: 'inconclusive', reason: `CodeDeploy does not describe deployment ${id}` }
    if (call.is !== 'stop') return await judge(change, first, context)
    const stopped = deploymentOf(first)
    if (isActive(stopped))
      return { verdict: 'inconclusive', reason: `deployment ${id} is being stopped (${stopped.status})` }
    if (stopped.status === 'Succeeded') {
      // An operation that is not the one to stop is the rollback itself.
      if (id !== call.deploymentId) return await judge(change, first, context)
      return {
        verdict: 'failed',
        reason: `deployment ${id} succeeded before it could be stopped: its revision is live`,
      }
    }
    if (stopped.rollbackId === undefined) return awaitingRollback(stopped, context.nowMs)
    const rollback = await getDeployment(context.aws, stopped.rollbackId)
    return rollback
      ? await judge(change, rollback, context)
      : {
          verdict: 'inconclusive',
          reason: `CodeDeploy does not describe the rollback ${stopped.rollbackId} yet`,
        }
  } catch (error) {
    const failure = readFailure(error, 'read the deployment')
    return { verdict: failure instanceof TerminalError ? 'error' : 'inconclusive', reason: failure.message }
  }
}

function awaitingRollback(stopped: Deployment, nowMs: number): Verdict {
  const since = stopped.completedAtMs ?? nowMs
  if (nowMs - since <= ROLLBACK_APPEARS_MS) {
    return {
      verdict: 'inconclusive',
      reason: `deployment ${stopped.id} is ${stopped.status}; its rollback has not appeared yet`,
    }
  }
  return {
    verdict: 'failed',
    reason: `deployment ${stopped.id} is ${stopped.status} and no rollback followed${
      stopped.rollbackMessage ? `: ${stopped.rollbackMessage}` : ''
    }`,
  }
}

async function judge(
  change: RollbackChange,
  info: NonNullable<Awaited<ReturnType<typeof getDeployment>>>,
  context: ObserveContext,
): Promise<Verdict> {
  const deployment = deploymentOf(info)
  const { id, status } = deployment
  const overview = info.deploymentOverview ?? {}
  const {
    Succeeded: good = 0,
    Failed: bad = 0,
    Skipped: skipped = 0,
    InProgress: going = 0,
    Pending: pending = 0,
  } = overview
  const all = good + bad + skipped + going + pending + (overview.Ready ?? 0)
  const values = { deploymentId: id, status, succeeded: good, failed: bad, skipped, all }
  if (isActive(deployment)) {
    const progress = all > 0 ? `, ${good} of ${all} done` : ''
    return { verdict: 'inconclusive', reason: `deployment ${id} is ${status}${progress}`, values }
  }
  if (status === 'Succeeded') {
    // A configuration that allows failures calls the deployment a success with some servers on the bad revision.
    if (bad + skipped > 0) {
      const reason = `deployment ${id} succeeded, but ${bad + skipped} of ${all} keep what they had`
      return { verdict: 'failed', reason, values }
    }
    const { verdict, reason } = await effectOf(change, info, context)
    return {
      verdict,
      reason: `deployment ${id} succeeded${all > 0 ? ` on ${good} of ${all}` : ''}; ${reason}`,
      values,
    }
  }
  const { code, message } = info.errorInformation ?? {}
  const why = [code, message].filter((part) => part).join(': ')
  return { verdict: 'failed', reason: `deployment ${id} is ${status}${why ? `: ${why}` : ''}`, values }
}
