import type { Aws, Calls } from '../aws/aws.ts'
import { type Revision, revisionOf, sameRevision } from './revision.ts'

/** One deployment of a group, as far as a rollback must know it. */
export interface Deployment {
  readonly id: string
  readonly status: string
  readonly creator: string
  readonly createdAtMs: number
  readonly completedAtMs: number | undefined
  readonly description: string
  /** null where AWS names nothing that could be deployed again. */
  readonly revision: Revision | null
  /** What AWS says had been deployed before. */
  readonly previous: Revision | null
  readonly restart: boolean
  /** The deployment that brings the group back after this one failed or was stopped. */
  readonly rollbackId: string | undefined
  readonly rollbackOf: string | undefined
  readonly rollbackMessage: string | undefined
}

/** One deployment group. */
export interface Group {
  readonly application: string
  readonly group: string
}

export const ACTIVE = ['Created', 'Queued', 'InProgress', 'Baking', 'Ready'] as const

/** These bring the current revision to new or outdated instances; they deploy nothing new (AWS.md 5.3). */
const FOLLOWERS = new Set(['autoscaling', 'autoscalingTermination', 'CodeDeployAutoUpdate'])

/** BatchGetDeployments takes no more. */
const BATCH = 25
/** More deployments than this in one range are not read: a search that long would starve the deploy pipeline. */
const MAX_LISTED = 1_000

type Info = NonNullable<Calls['codedeploy:GetDeployment']['output']['deploymentInfo']>

export function isActive(deployment: Deployment): boolean {
  return (ACTIVE as readonly string[]).includes(deployment.status)
}

/** Whether a deployment only carries the current revision to more instances. */
export function isFollower(deployment: Deployment): boolean {
  return FOLLOWERS.has(deployment.creator) || deployment.restart
}

/** Whether a deployment went back to an older revision: CodeDeploy's own, CloudFormation's, or one of ours. */
export function isRollback(deployment: Deployment): boolean {
  return (
    deployment.creator === 'codeDeployRollback' ||
    deployment.creator === 'CloudFormationRollback' ||
    deployment.rollbackOf !== undefined ||
    /^firebreak\/\S+ rollback\b/.test(deployment.description)
  )
}

/** Reads the SDK's form. Throws where AWS names no id or no status. */
export function deploymentOf(info: Info): Deployment {
  if (info.deploymentId === undefined || info.status === undefined) {
    throw new Error('CodeDeploy described a deployment without its id or status')
  }
  return {
    id: info.deploymentId,
    status: info.status,
    creator: info.creator ?? 'user',
    createdAtMs: info.createTime?.getTime() ?? 0,
    completedAtMs: info.completeTime?.getTime(),
    description: info.description ?? '',
    revision: revisionOf(info.revision),
    previous: revisionOf(info.previousRevision),
    restart: info.deploymentMode === 'RESTART',
    rollbackId: info.rollbackInfo?.rollbackDeploymentId,
    rollbackOf: info.rollbackInfo?.rollbackTriggeringDeploymentId,
    rollbackMessage: info.rollbackInfo?.rollbackMessage,
  }
}

export interface Range {
  readonly statuses?: readonly string[]
  readonly fromMs?: number
  readonly toMs?: number
}

/** The ids of a group's deployments; AWS promises no order. Throws when there are more than 1,000 in the range. */
export async function listDeployments(aws: Aws, group: Group, range: Range): Promise<readonly string[]> {
  const bounded = range.fromMs !== undefined || range.toMs !== undefined
  const ids: string[] = []
  let nextToken: string | undefined
  do {
    const page = await aws.call('codedeploy:ListDeployments', {
      applicationName: group.application,
      deploymentGroupName: group.group,
      ...(range.statuses ? { includeOnlyStatuses: [...range.statuses] as (typeof ACTIVE)[number][] } : {}),
      ...(bounded
        ? {
            createTimeRange: {
              ...(range.fromMs === undefined ? {} : { start: new Date(range.fromMs) }),
              ...(range.toMs === undefined ? {} : { end: new Date(range.toMs) }),
            },
          }
        : {}),
      ...(nextToken === undefined ? {} : { nextToken }),
    })
    ids.push(...(page.deployments ?? []))
    nextToken = page.nextToken
    if (ids.length > MAX_LISTED) {
      throw new Error(
        `${group.application}/${group.group} has more than ${MAX_LISTED} deployments in the range searched; ` +
          'name the deployment to go back to instead of last-success',
      )
    }
  } while (nextToken !== undefined)
  return ids
}

/** Deployments by their ids, newest first. Throws where AWS leaves one out, since a gap could hide the current one. */
export async function describeDeployments(aws: Aws, ids: readonly string[]): Promise<readonly Deployment[]> {
  const unique = [...new Set(ids)]
  const found: Deployment[] = []
  for (let start = 0; start < unique.length; start += BATCH) {
    const deploymentIds = unique.slice(start, start + BATCH)
    const answer = await aws.call('codedeploy:BatchGetDeployments', { deploymentIds })
    const described = (answer.deploymentsInfo ?? []).map(deploymentOf)
    const missing = deploymentIds.filter((id) => !described.some((deployment) => deployment.id === id))
    if (missing.length > 0) throw new Error(`CodeDeploy lists ${missing.join(', ')} but does not describe it`)
    found.push(...described)
  }
  return newestFirst(found)
}

/** By creation; the id decides between two of the same millisecond, so that the order never depends on the listing. */
export function newestFirst(deployments: readonly Deployment[]): readonly Deployment[] {
  return [...deployments].sort((a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : -1))
}

export type Search =
  | { readonly is: 'found'; readonly current: Deployment; readonly good: Deployment }
  /** The group is on an older revision already: whether to go further back is for a person to say. */
  | { readonly is: 'rolled-back'; readonly current: Deployment }
  /** What is deployed, or what came before it, cannot be deployed again or compared. */
  | { readonly is: 'unreadable'; readonly current: Deployment; readonly which: Deployment }
  /** Nothing older that differs. */
  | { readonly is: 'only'; readonly current: Deployment }
  | { readonly is: 'empty' }

/**
 * The last good revision: the newest success that differs by content from the current one, wherever the current one
 * appears (AWS.md 5.3). `same` tells revisions of one content apart from others. Takes any order.
 */
export function findLastGood(
  deployments: readonly Deployment[],
  same: (a: Revision, b: Revision) => boolean = sameRevision,
): Search {
  const [current, ...older] = newestFirst(deployments).filter(
    (deployment) => deployment.status === 'Succeeded' && !isFollower(deployment),
  )
  if (!current) return { is: 'empty' }
  if (isRollback(current)) return { is: 'rolled-back', current }
  const live = current.revision
  if (live === null) return { is: 'unreadable', current, which: current }
  const good = older.find((deployment) => deployment.revision === null || !same(deployment.revision, live))
  if (!good) return { is: 'only', current }
  return good.revision === null ? { is: 'unreadable', current, which: good } : { is: 'found', current, good }
}
