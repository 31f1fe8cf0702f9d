import type { Change, ObserveContext } from '../actions/action.ts'
import { readService } from '../ecs/service.ts'
import type { Verdict } from '../verdict.ts'
import { fetchText, getDeployment } from './observe.ts'
import { type AppSpec, appSpec, lambdaSpec, revisionOf, taskDefinition } from './revision.ts'
import type { DeploymentGroupTarget, RollbackState } from './state.ts'

type Info = NonNullable<Awaited<ReturnType<typeof getDeployment>>>

/** What serves now, held against what was deployed. */
type Effect =
  | { readonly is: 'there'; readonly what: string }
  | { readonly is: 'elsewhere'; readonly what: string }
  /** It cannot be told from here; CodeDeploy's own word stands alone. */
  | { readonly is: 'unlooked'; readonly why: string }

/** Describes may lag behind CodeDeploy's word for so long; only then is a difference a failure. [E] */
const EFFECT_LAG_MS = 30_000

/**
 * A deployment that CodeDeploy calls a success is one only when its revision serves: on ECS the primary task set's task
 * definition, on Lambda the alias's version without a share for another (AWS.md 5.3). Of servers the deployment's overview
 * counts every target.
 */
export async function effectOf(
  { target, after }: Change<DeploymentGroupTarget, RollbackState>,
  info: Info,
  context: ObserveContext,
): Promise<Pick<Verdict, 'verdict' | 'reason'>> {
  const effect = await look(target, after.platform, info, context)
  switch (effect.is) {
    case 'there':
      return { verdict: 'passed', reason: effect.what }
    case 'unlooked':
      return { verdict: 'passed', reason: `by CodeDeploy's word alone: ${effect.why}` }
    case 'elsewhere': {
      const sinceMs = context.nowMs - (info.completeTime?.getTime() ?? context.nowMs)
      return { verdict: sinceMs < EFFECT_LAG_MS ? 'inconclusive' : 'failed', reason: effect.what }
    }
  }
}

async function look(
  target: DeploymentGroupTarget,
  platform: RollbackState['platform'],
  info: Info,
  context: ObserveContext,
): Promise<Effect> {
  const { aws } = context
  if (platform === 'Server') return { is: 'there', what: 'every target has it' }
  const revision = revisionOf(info.revision)
  if (revision?.is !== 'appspec') return { is: 'unlooked', why: 'the deployment names no AppSpec' }
  const spec =
    revision.content === null ? appSpec(await fetchText(aws, target, revision), revision.sha256) : revision
  return platform === 'Lambda' ? lookAtAlias(target, spec, context) : lookAtService(target, spec, context)
}

async function lookAtService(
  target: DeploymentGroupTarget,
  spec: AppSpec,
  { aws }: ObserveContext,
): Promise<Effect> {
  const { application, group, ecs } = target
  if (!ecs) return { is: 'unlooked', why: 'services.yaml names no ecs' }
  const wanted = taskDefinition(spec)
  if (wanted === undefined) return { is: 'unlooked', why: 'its AppSpec does not name one task definition' }
  const { deploymentGroupInfo } = await aws.call('codedeploy:GetDeploymentGroup', {
    applicationName: application,
    deploymentGroupName: group,
  })
  const deployed = deploymentGroupInfo?.ecsServices ?? []
  if (!deployed.some((one) => one.clusterName === ecs.cluster && one.serviceName === ecs.service))
    return { is: 'unlooked', why: `the group deploys another service than ${ecs.cluster}/${ecs.service}` }
  const { taskDefinition: live } = await readService(aws, ecs)
  const label = `ECS service ${ecs.cluster}/${ecs.service}`
  if (live !== null && isTaskDefinition(live, wanted)) return { is: 'there', what: `${label} runs ${wanted}` }
  return { is: 'elsewhere', what: `${label} runs ${live ?? 'no task definition'}, not ${wanted}` }
}

/** An AppSpec may say `family:revision` or the whole ARN; only those name one revision. */
function isTaskDefinition(live: string, wanted: string): boolean {
  return live === wanted || live.endsWith(`/${wanted}`)
}

async function lookAtAlias(
  target: DeploymentGroupTarget,
  spec: AppSpec,
  { aws }: ObserveContext,
): Promise<Effect> {
  const { lambda } = target
  if (!lambda) return { is: 'unlooked', why: 'services.yaml names no lambda' }
  const wanted = lambdaSpec(spec)
  if (!wanted) return { is: 'unlooked', why: 'its AppSpec does not name one alias and its versions' }
  const label = `${lambda.function}:${lambda.alias}`
  if (wanted.name !== lambda.function || wanted.alias !== lambda.alias)
    return { is: 'unlooked', why: `it deploys ${wanted.name}:${wanted.alias}, services.yaml names ${label}` }
  const { FunctionVersion: live = 'none', RoutingConfig } = await aws.call('lambda:GetAlias', {
    FunctionName: lambda.function,
    Name: lambda.alias,
  })
  const shares = Object.entries(RoutingConfig?.AdditionalVersionWeights ?? {}).filter(
    ([, weight]) => weight > 0,
  )
  if (live !== wanted.target)
    return { is: 'elsewhere', what: `alias ${label} points to version ${live}, not ${wanted.target}` }
  const [other] = shares
  if (other)
    return { is: 'elsewhere', what: `alias ${label} still sends ${other[1] * 100} % to version ${other[0]}` }
  return { is: 'there', what: `alias ${label} points to version ${live}` }
}
