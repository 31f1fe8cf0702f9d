import type { ObserveContext } from '../actions/action.ts'
import type { Aws } from '../aws/aws.ts'
import { awsFailure, isThrottled } from '../aws/failure.ts'
import { RetryableError, TerminalError } from '../errors.ts'
import {
  ACTIVE,
  type Deployment,
  deploymentOf,
  describeDeployments,
  findLastGood,
  type Group,
  isActive,
  isFollower,
  isRollback,
  listDeployments,
  newestFirst,
  type Range,
  type Search,
} from './history.ts'
import { type AppSpec, appSpec, lambdaSpec, type Revision, revisionLabel, sameRevision } from './revision.ts'
import type { DeploymentGroupTarget, Observed, Wanted } from './state.ts'

const DAY_MS = 86_400_000
/** The last week holds the current and the last good revision of nearly every group, and every deployment of ours. */
const RECENT_MS = 7 * DAY_MS
const OLDER_MS = 90 * DAY_MS
/** How many ended deployments a state keeps; a stop and its rollback are among the newest two. */
const KEPT_ENDED = 5
/** Lambda AppSpecs that deploy the current version again, from another one, are passed over so often. */
const MAX_PASSED_OVER = 5

/**
 * Reads what a rollback must know: what is active, what is current, which deployment is ours, and where to go back to.
 * Four calls where the last week answers; older ranges are read only when it does not. Throws what AWS throws.
 */
export async function observeGroup(
  target: DeploymentGroupTarget,
  context: ObserveContext,
): Promise<Observed> {
  const { aws } = context
  const fromMs = context.nowMs - RECENT_MS
  const [answer, activeIds, recentIds] = await Promise.all([
    aws.call('codedeploy:GetDeploymentGroup', {
      applicationName: target.application,
      deploymentGroupName: target.group,
    }),
    listDeployments(aws, target, { statuses: ACTIVE }),
    listDeployments(aws, target, { fromMs }),
  ])
  if (!answer.deploymentGroupInfo)
    throw new Error(`CodeDeploy answered without describing ${target.application}/${target.group}`)
  const platform = answer.deploymentGroupInfo.computePlatform ?? 'Server'
  const recent = await describeDeployments(aws, [...activeIds, ...recentIds])
  const inProgress = recent.filter((deployment) => isActive(deployment) && !isFollower(deployment))
  const active = inProgress.find(isRollback) ?? inProgress[0]
  const { search, wanted } = await lookBack(aws, target, platform, recent, {
    nowMs: context.nowMs,
    // A stop goes back to the current revision, and a named one is read by its id: neither needs an older one.
    onlyCurrent: active !== undefined || target.to !== 'last-success',
  })
  const current = search.is === 'empty' ? null : search.current
  const own = ownDeployment(recent, context.marker)
  return {
    is: 'observed',
    platform,
    current: current && {
      deploymentId: current.id,
      revision: await readable(aws, target, current.revision, platform === 'Lambda'),
      rollback: isRollback(current),
    },
    active: active
      ? {
          deploymentId: active.id,
          status: active.status,
          creator: active.creator,
          revision: await readable(aws, target, active.revision, platform === 'Lambda'),
          rollback: isRollback(active),
        }
      : null,
    ended: recent
      .filter((deployment) => !isActive(deployment) && !isFollower(deployment))
      .slice(0, KEPT_ENDED)
      .map(({ id, status, rollbackId }) => ({ deploymentId: id, status, rollbackId: rollbackId ?? null })),
    own: own ? { deploymentId: own.id, status: own.status, description: own.description } : null,
    wanted,
  }
}

/** The newest deployment that begins with this step's marker. */
export function ownDeployment(deployments: readonly Deployment[], marker: string): Deployment | undefined {
  return newestFirst(deployments).find(({ description }) => `${description} `.startsWith(`${marker} `))
}

/** The deployments of the last week and those that are active: where a marker is looked for. */
export async function recentDeployments(
  aws: Aws,
  group: Group,
  nowMs: number,
): Promise<readonly Deployment[]> {
  const ids = await Promise.all([
    listDeployments(aws, group, { statuses: ACTIVE }),
    listDeployments(aws, group, { fromMs: nowMs - RECENT_MS }),
  ])
  return await describeDeployments(aws, ids.flat())
}

/** One deployment by its id; `undefined` where AWS answers without describing it. */
export async function getDeployment(aws: Aws, deploymentId: string) {
  const { deploymentInfo } = await aws.call('codedeploy:GetDeployment', { deploymentId })
  return deploymentInfo
}

/** The text of an AppSpec, which AWS keeps under its hash and leaves out of deployments. */
export async function fetchText(aws: Aws, group: Group, spec: AppSpec): Promise<string | undefined> {
  const answer = await aws.call('codedeploy:GetApplicationRevision', {
    applicationName: group.application,
    revision: { revisionType: 'AppSpecContent', appSpecContent: { sha256: spec.sha256 } },
  })
  return answer.revision?.appSpecContent?.content
}

async function readable(
  aws: Aws,
  group: Group,
  revision: Revision | null,
  needed: boolean,
): Promise<Revision | null> {
  return needed && revision?.is === 'appspec' && revision.content === null
    ? appSpec(await fetchText(aws, group, revision), revision.sha256)
    : revision
}

/** Searches the recent deployments, then older ones, until the answer cannot change any more. */
async function lookBack(
  aws: Aws,
  target: DeploymentGroupTarget,
  platform: Observed['platform'],
  recent: readonly Deployment[],
  { nowMs, onlyCurrent }: { readonly nowMs: number; readonly onlyCurrent: boolean },
): Promise<{ readonly search: Search; readonly wanted: Wanted }> {
  const older: Range[] = [
    { statuses: ['Succeeded'], fromMs: nowMs - OLDER_MS, toMs: nowMs - RECENT_MS },
    { statuses: ['Succeeded'], toMs: nowMs - OLDER_MS },
  ]
  const passedOver = new Set<string>()
  const same = (a: Revision, b: Revision) =>
    sameRevision(a, b) || (a.is === 'appspec' && passedOver.has(a.sha256))
  let known = recent
  for (;;) {
    const search = findLastGood(known, same)
    const range = search.is === 'empty' || (search.is === 'only' && !onlyCurrent) ? older.shift() : undefined
    if (range) {
      known = [...known, ...(await describeDeployments(aws, await listDeployments(aws, target, range)))]
      continue
    }
    if (target.to !== 'last-success') return { search, wanted: await namedDeployment(aws, target) }
    if (search.is !== 'found') return { search, wanted: nothingToGoBackTo(target, search) }
    const revision = await readable(aws, target, search.good.revision, true)
    if (platform === 'Lambda' && passedOver.size < MAX_PASSED_OVER && revision?.is === 'appspec') {
      const live = await readable(aws, target, search.current.revision, true)
      const liveVersion = live?.is === 'appspec' ? lambdaSpec(live)?.target : undefined
      if (liveVersion !== undefined && lambdaSpec(revision)?.target === liveVersion) {
        passedOver.add(revision.sha256)
        continue
      }
    }
    return { search, wanted: found(search, revision) }
  }
}

function found(search: Extract<Search, { is: 'found' }>, revision: Revision | null): Wanted {
  const { current, good } = search
  if (revision === null)
    return { is: 'human', reason: `${good.id} names no revision that could be deployed again` }
  const { previous } = current
  const contradicted =
    previous !== null &&
    !sameRevision(previous, revision) &&
    (current.revision === null || !sameRevision(previous, current.revision))
  return {
    is: 'found',
    deploymentId: good.id,
    revision,
    note: contradicted
      ? `CodeDeploy names ${revisionLabel(previous)} as the revision before ${current.id}; ` +
        `the newest earlier success is ${good.id}`
      : null,
  }
}

function nothingToGoBackTo(group: Group, search: Exclude<Search, { is: 'found' }>): Wanted {
  const place = `${group.application}/${group.group}`
  switch (search.is) {
    case 'rolled-back':
      return {
        is: 'human',
        reason:
          `${place} is on an older revision already: its newest success ${search.current.id} is itself a rollback; ` +
          'name the deployment to go back to if it must go further back',
      }
    case 'unreadable':
      return {
        is: 'human',
        reason: `deployment ${search.which.id} of ${place} names no revision that could be compared or deployed again`,
      }
    case 'only':
      return {
        is: 'refused',
        reason: `${place} has no earlier success whose revision differs from that of ${search.current.id}`,
      }
    case 'empty':
      return {
        is: 'refused',
        reason: `${place} has no successful deployment, so there is nothing to go back to`,
      }
  }
}

/** The deployment that the runbook names: it must be of this group and must have succeeded. */
async function namedDeployment(aws: Aws, target: DeploymentGroupTarget): Promise<Wanted> {
  const info = await getDeployment(aws, target.to).catch((error: unknown) => {
    if (awsFailure(error).name === 'DeploymentDoesNotExistException') return undefined
    throw error
  })
  if (!info) return { is: 'refused', reason: `there is no deployment ${target.to}` }
  if (info.applicationName !== target.application || info.deploymentGroupName !== target.group) {
    return {
      is: 'refused',
      reason:
        `deployment ${target.to} is of ${info.applicationName}/${info.deploymentGroupName}, ` +
        `not of ${target.application}/${target.group}`,
    }
  }
  const deployment = deploymentOf(info)
  if (deployment.status !== 'Succeeded') {
    return { is: 'refused', reason: `deployment ${target.to} did not succeed: it is ${deployment.status}` }
  }
  const revision = await readable(aws, target, deployment.revision, true)
  return revision === null
    ? { is: 'refused', reason: `deployment ${target.to} names no revision that could be deployed again` }
    : { is: 'found', deploymentId: deployment.id, revision, note: null }
}

/** A read that fails has changed nothing, also when it was not answered at all: terminal only where AWS refuses it. */
export function readFailure(error: unknown, doing: string): Error {
  const failure = awsFailure(error)
  const message = `${doing}: ${failure.name}: ${failure.message}`
  const refused =
    failure.status !== undefined && failure.status >= 400 && failure.status < 500 && !isThrottled(failure)
  return refused
    ? new TerminalError(message, { cause: error })
    : new RetryableError(message, { cause: error })
}
