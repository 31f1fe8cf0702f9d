import type { Calls } from '../../lib/aws/aws.ts'
import { sha256 } from '../../lib/ids.ts'
import type { Json } from '../../lib/json.ts'
import { awsError, type Answers, type World } from './conformance.ts'

type Info = NonNullable<Calls['codedeploy:GetDeployment']['output']['deploymentInfo']>
type Location = NonNullable<Info['revision']>
type CreateInput = Calls['codedeploy:CreateDeployment']['input']

export const APPLICATION = 'shop'
export const GROUP = 'prod'
export const NOW_MS = Date.UTC(2026, 10, 22, 14, 0, 0)
export const HOUR_MS = 3_600_000

export interface CodeDeployWorld extends World {
  /** In the order in which they were created. */
  readonly deployments: Info[]
  readonly created: CreateInput[]
  readonly stopped: string[]
  /** How many deployments a page of a list holds. */
  pageSize: number
  /** What serves where it is not what succeeded last: a task definition, or a version. */
  live?: string
  /** The alias's share for version 9. */
  share?: number
}

export const s3 = (key: string, more: object = {}): Location => ({
  revisionType: 'S3',
  s3Location: { bucket: 'releases', key, bundleType: 'zip', ...more },
})

/** As GetDeployment tells it: without the text. */
export const spec = (content: string): Location => ({
  revisionType: 'AppSpecContent',
  appSpecContent: { sha256: sha256(content) },
})

export const ecsSpec = (taskDefinition: string): string =>
  JSON.stringify({
    version: 0,
    Resources: [
      { TargetService: { Type: 'AWS::ECS::Service', Properties: { TaskDefinition: taskDefinition } } },
    ],
  })

export const lambdaSpec = (current: string | number, target: string | number, alias = 'live'): string =>
  [
    'version: 0.0',
    'Resources:',
    '  - checkout:',
    '      Type: AWS::Lambda::Function',
    '      Properties:',
    '        Name: checkout',
    `        Alias: ${alias}`,
    `        CurrentVersion: ${current}`,
    `        TargetVersion: "${target}"`,
    '',
  ].join('\n')

/** One deployment `hours` before now; it has succeeded unless told otherwise. */
export function past(id: string, hours: number, revision: Location, more: Partial<Info> = {}): Info {
  const createTime = new Date(NOW_MS - hours * HOUR_MS)
  return {
    applicationName: APPLICATION,
    deploymentGroupName: GROUP,
    deploymentId: id,
    status: 'Succeeded',
    creator: 'user',
    createTime,
    completeTime: new Date(createTime.getTime() + 60_000),
    revision,
    ...more,
  }
}

/** A deployment group in memory that answers as CodeDeploy does, in an order that means nothing. */
export function codeDeployWorld(
  platform: 'Server' | 'Lambda' | 'ECS',
  history: readonly Info[],
  contents: readonly string[] = [],
): CodeDeployWorld {
  const deployments: Info[] = history.map((info) => ({ ...info }))
  const texts = new Map(contents.map((content) => [sha256(content), content]))
  const created: CreateInput[] = []
  const stopped: string[] = []
  const find = (id: string | undefined): Info => {
    const info = deployments.find((deployment) => deployment.deploymentId === id)
    if (!info) throw awsError('DeploymentDoesNotExistException', 400)
    return info
  }
  const isActive = (info: Info) => !['Succeeded', 'Failed', 'Stopped'].includes(info.status ?? '')
  const begin = (more: Partial<Info>): Info => {
    const info = past(`d-NEW00000${deployments.length + 1}`, 0, {}, { status: 'InProgress', ...more })
    // Later than everything before it, also where a test begins several.
    info.createTime = new Date(NOW_MS + deployments.length)
    delete info.completeTime
    deployments.push(info)
    return info
  }
  /** The text of what succeeded last: what serves. */
  const liveText = () => {
    const hash = deployments.findLast((info) => info.status === 'Succeeded')?.revision?.appSpecContent?.sha256
    return texts.get(hash ?? '') ?? ''
  }
  const answers: Answers = {
    'ecs:DescribeServices': () => ({
      services: [
        {
          serviceName: 'api',
          status: 'ACTIVE',
          desiredCount: 2,
          runningCount: 2,
          deploymentController: { type: 'CODE_DEPLOY' },
          taskDefinition: 'arn:aws:ecs:eu-west-1:1:task-definition/api:1',
          taskSets: [
            {
              id: 'ecs-svc/1',
              status: 'DRAINING',
              taskDefinition: 'arn:aws:ecs:eu-west-1:1:task-definition/api:1',
            },
            {
              id: 'ecs-svc/2',
              status: 'PRIMARY',
              taskDefinition: world.live ?? /arn:aws:ecs:[^"]+/.exec(liveText())?.[0],
            },
          ],
        },
      ],
    }),
    'lambda:GetAlias': () => ({
      FunctionVersion: world.live ?? /TargetVersion: "(\w+)"/.exec(liveText())?.[1],
      ...(world.share === undefined
        ? {}
        : { RoutingConfig: { AdditionalVersionWeights: { '9': world.share } } }),
    }),
    'codedeploy:GetDeploymentGroup': () => {
      const last = deployments.at(-1)
      return {
        deploymentGroupInfo: {
          computePlatform: platform,
          ...(platform === 'ECS' ? { ecsServices: [{ clusterName: 'prod', serviceName: 'api' }] } : {}),
          ...(last ? { lastAttemptedDeployment: { deploymentId: last.deploymentId } } : {}),
        },
      }
    },
    'codedeploy:ListDeployments': (input) => {
      const { start, end } = input.createTimeRange ?? {}
      const ids = deployments
        .filter(
          (info) =>
            !input.includeOnlyStatuses || input.includeOnlyStatuses.includes(info.status ?? 'Created'),
        )
        .filter((info) => !start || (info.createTime ?? start) >= start)
        .filter((info) => !end || (info.createTime ?? end) <= end)
        .map((info) => info.deploymentId ?? '')
        .sort((a, b) => (sha256(a) < sha256(b) ? -1 : 1))
      const from = Number(input.nextToken ?? 0)
      const next = from + world.pageSize
      return { deployments: ids.slice(from, next), ...(next < ids.length ? { nextToken: String(next) } : {}) }
    },
    'codedeploy:BatchGetDeployments': ({ deploymentIds = [] }) => {
      if (deploymentIds.length === 0 || deploymentIds.length > 25)
        throw awsError('BatchLimitExceededException', 400)
      return { deploymentsInfo: deploymentIds.map(find) }
    },
    'codedeploy:GetDeployment': ({ deploymentId }) => ({ deploymentInfo: find(deploymentId) }),
    'codedeploy:GetApplicationRevision': ({ revision }) => {
      const hash = revision?.appSpecContent?.sha256 ?? ''
      const content = texts.get(hash)
      if (content === undefined) throw awsError('RevisionDoesNotExistException', 400)
      return { revision: { revisionType: 'AppSpecContent', appSpecContent: { sha256: hash, content } } }
    },
    'codedeploy:StopDeployment': ({ deploymentId }) => {
      const info = find(deploymentId)
      if (!isActive(info)) throw awsError('DeploymentAlreadyCompletedException', 400)
      stopped.push(deploymentId ?? '')
      const good = deployments.findLast((each) => each.status === 'Succeeded')
      const rollback = begin({
        creator: 'codeDeployRollback',
        ...(good?.revision ? { revision: good.revision } : {}),
        rollbackInfo: { rollbackTriggeringDeploymentId: deploymentId },
      })
      Object.assign(info, {
        status: 'Stopped',
        completeTime: new Date(NOW_MS),
        rollbackInfo: { rollbackDeploymentId: rollback.deploymentId },
      })
      return { status: 'Pending', $metadata: { requestId: 'req-stop' } }
    },
    'codedeploy:CreateDeployment': (input) => {
      const busy = deployments.find(isActive)
      if (busy) throw awsError('DeploymentLimitExceededException', 400)
      created.push(input)
      const content = input.revision?.appSpecContent?.content
      if (content !== undefined) texts.set(sha256(content), content)
      const revision = content === undefined ? input.revision : spec(content)
      const info = begin({ description: input.description, ...(revision ? { revision } : {}) })
      return { deploymentId: info.deploymentId, $metadata: { requestId: 'req-create' } }
    },
  }
  const world: CodeDeployWorld = {
    answers,
    deployments,
    created,
    stopped,
    pageSize: 2,
    snapshot: () => JSON.parse(JSON.stringify(deployments)) as Json,
    settle() {
      for (const info of deployments.filter(isActive)) {
        // What is being stopped has been stopped at once; everything else that goes on succeeds.
        Object.assign(info, { status: 'Succeeded', completeTime: new Date(NOW_MS + 60_000) })
      }
    },
    interfere() {
      for (const info of deployments.filter(isActive)) Object.assign(info, { status: 'Failed' })
      const other = begin({
        revision: platform === 'Server' ? s3('somebody-elses.zip') : spec('somebody elses'),
      })
      if (platform !== 'Server') texts.set(sha256('somebody elses'), 'somebody elses')
      Object.assign(other, { status: 'Succeeded' })
    },
  }
  return world
}
