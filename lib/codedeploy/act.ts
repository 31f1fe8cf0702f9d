import type { ApplyContext, Change, Receipt } from '../actions/action.ts'
import { awsFailure, rethrowChange } from '../aws/failure.ts'
import { never, NeedsHumanError, RetryableError, TerminalError } from '../errors.ts'
import { type Deployment, deploymentOf, findLastGood, isActive, isFollower } from './history.ts'
import { fetchText, getDeployment, readFailure, recentDeployments } from './observe.ts'
import { locationOf, type Revision, sameRevision } from './revision.ts'
import { asIntended, asObserved, descriptionOf, type DeploymentGroupTarget } from './state.ts'
import type { Intended, RollbackState } from './state.ts'

type RollbackChange = Change<DeploymentGroupTarget, RollbackState>

const BUSY_MS = 15_000

/** Makes the one call of the change, or none where it only waits for somebody else's rollback. */
export async function applyRollback(change: RollbackChange, context: ApplyContext): Promise<Receipt> {
  const after = asIntended(change.after)
  switch (after.call.is) {
    case 'attach':
      return {
        operationId: after.call.deploymentId,
        detail: 'nothing was called: a rollback is under way already',
      }
    case 'stop':
      return await stop(change.target, after.call.deploymentId, context)
    case 'create':
      return await create(change, after, after.call, context)
    default:
      return never(after.call)
  }
}

/**
 * IAM cannot confine StopDeployment to a group (AWS.md 5.5), so the deployment is read first. One that has ended in the
 * meantime is not stopped: if it succeeded, going back is another change than the one on record, and a person is asked.
 */
async function stop(
  target: DeploymentGroupTarget,
  deploymentId: string,
  context: ApplyContext,
): Promise<Receipt> {
  const info = await read(context, deploymentId)
  if (!info) throw new RetryableError(`CodeDeploy answered without describing deployment ${deploymentId}`)
  if (info.applicationName !== target.application || info.deploymentGroupName !== target.group) {
    throw new TerminalError(
      `deployment ${deploymentId} is of ${info.applicationName}/${info.deploymentGroupName}, ` +
        `not of ${target.application}/${target.group}: it is not stopped`,
    )
  }
  const deployment = deploymentOf(info)
  if (!isActive(deployment)) return endedAlready(deployment)
  try {
    const answer = await context.aws.call('codedeploy:StopDeployment', {
      deploymentId,
      autoRollbackEnabled: true,
    })
    return {
      operationId: deploymentId,
      ...requestId(answer),
      detail: `stop ${answer.status ?? 'accepted'}${answer.statusMessage ? `: ${answer.statusMessage}` : ''}`,
    }
  } catch (error) {
    switch (awsFailure(error).name) {
      case 'DeploymentAlreadyCompletedException': {
        const ended = await read(context, deploymentId)
        if (!ended)
          throw new NeedsHumanError(`deployment ${deploymentId} ended before it could be stopped`, {
            cause: error,
          })
        return endedAlready(deploymentOf(ended))
      }
      case 'UnsupportedActionForDeploymentTypeException':
        throw new TerminalError(
          `deployment ${deploymentId} cannot be stopped through CodeDeploy; ` +
            'where CloudFormation drives it, cancel the stack update instead',
          { cause: error },
        )
      default:
        return rethrowChange(error, `stop deployment ${deploymentId}`, 'codedeploy:StopDeployment')
    }
  }
}

/** Stopped or failed with a rollback under way is what was wanted; anything else is for a person. */
function endedAlready(deployment: Deployment): Receipt {
  if (deployment.status !== 'Succeeded' && deployment.rollbackId !== undefined) {
    return {
      operationId: deployment.id,
      detail: `it had ended (${deployment.status}) and ${deployment.rollbackId} is rolling it back`,
    }
  }
  throw new NeedsHumanError(
    `deployment ${deployment.id} ended (${deployment.status}) before it could be stopped, so nothing was changed; ` +
      (deployment.status === 'Succeeded'
        ? 'its revision is live now: run the rollback again to deploy the last good one'
        : 'no rollback followed it: look at what the group runs'),
  )
}

async function create(
  change: RollbackChange,
  after: Intended,
  call: Extract<Intended['call'], { is: 'create' }>,
  context: ApplyContext,
): Promise<Receipt> {
  const { target } = change
  if (!after.revision) throw new TerminalError('the change on record names no revision to deploy')
  const description = descriptionOf(context.marker, call.purpose)
  if (context.attempt > 1) {
    const earlier = await beforeAnotherAttempt(change, description, context)
    if (earlier) return earlier
  }
  const revision = await withText(after.revision, target, context)
  try {
    const answer = await context.aws.call('codedeploy:CreateDeployment', {
      applicationName: target.application,
      deploymentGroupName: target.group,
      revision: locationOf(revision),
      deploymentConfigName: call.config,
      description,
      // A rollback that fails must not bounce back to the bad revision.
      autoRollbackConfiguration: { enabled: false },
      // The alarm that fired is often the group's own, and would stop the rollback that is to clear it.
      overrideAlarmConfiguration: { enabled: false, alarms: [] },
      // Stop scripts run from the bad revision, which also leaves its files behind.
      ...(after.platform === 'Server'
        ? { ignoreApplicationStopFailures: true, fileExistsBehavior: 'OVERWRITE' }
        : {}),
    })
    if (answer.deploymentId === undefined) throw new Error('CodeDeploy answered without a deployment id')
    return { operationId: answer.deploymentId, ...requestId(answer) }
  } catch (error) {
    if (awsFailure(error).name !== 'DeploymentLimitExceededException') {
      return rethrowChange(
        error,
        `deploy to ${target.application}/${target.group}`,
        'codedeploy:CreateDeployment',
      )
    }
    const recent = await recentDeployments(context.aws, target, context.nowMs).catch(() => [])
    const ours = ownCreated(recent, description)
    if (ours) return { operationId: ours.id, detail: 'an earlier attempt had created it' }
    const busy = recent.find(isActive)
    throw new RetryableError(
      `${target.application}/${target.group} allows one deployment at a time and ` +
        `${busy ? `${busy.id} (${busy.creator}, ${busy.status})` : 'another one'} is active`,
      { cause: error, retryAfterMs: BUSY_MS },
    )
  }
}

/**
 * CreateDeployment has no client token and the change is minutes old by now: an earlier attempt may have been answered
 * late, or a person may have deployed in between. Then the rollback on record must not be made over it.
 */
async function beforeAnotherAttempt(
  change: RollbackChange,
  description: string,
  context: ApplyContext,
): Promise<Receipt | undefined> {
  const recent = await recentDeployments(context.aws, change.target, context.nowMs).catch(
    (error: unknown) => {
      throw new RetryableError(`read the deployments before another attempt: ${awsFailure(error).message}`, {
        cause: error,
      })
    },
  )
  const ours = ownCreated(recent, description)
  if (ours) return { operationId: ours.id, detail: 'an earlier attempt had created it' }
  const search = findLastGood(recent)
  const now = search.is === 'empty' ? undefined : search.current
  const { current } = asObserved(change.before)
  const unchanged =
    now === undefined ||
    now.id === current?.deploymentId ||
    (now.revision !== null && current?.revision != null && sameRevision(now.revision, current.revision))
  if (!unchanged) {
    throw new NeedsHumanError(
      `deployment ${now.id} (${now.creator}) changed the revision after the rollback was decided; nothing was changed`,
    )
  }
  return undefined
}

function ownCreated(deployments: readonly Deployment[], description: string): Deployment | undefined {
  return deployments.find((deployment) => deployment.description === description && !isFollower(deployment))
}

/** An AppSpec too long for the ledger is fetched by its hash, which names its content for good. */
async function withText(
  revision: Revision,
  target: DeploymentGroupTarget,
  context: ApplyContext,
): Promise<Revision> {
  if (revision.is !== 'appspec' || revision.content !== null) return revision
  const content = await fetchText(context.aws, target, revision).catch((error: unknown) => {
    throw readFailure(error, `read the AppSpec ${revision.sha256.slice(0, 12)}`)
  })
  if (!content)
    throw new TerminalError(`CodeDeploy no longer has the AppSpec ${revision.sha256.slice(0, 12)}`)
  return { ...revision, content }
}

async function read(context: ApplyContext, deploymentId: string) {
  try {
    return await getDeployment(context.aws, deploymentId)
  } catch (error) {
    throw readFailure(error, `read deployment ${deploymentId}`)
  }
}

function requestId(answer: { readonly $metadata?: { readonly requestId?: string | undefined } }): {
  requestId?: string
} {
  const id = answer.$metadata?.requestId
  return id === undefined ? {} : { requestId: id }
}
