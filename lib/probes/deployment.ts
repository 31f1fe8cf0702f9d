import { rethrow } from '../aws/failure.ts'
import { deploymentOf, isFollower } from '../codedeploy/history.ts'
import { getDeployment, recentDeployments } from '../codedeploy/observe.ts'
import type { Service } from '../runbook/runbook.ts'
import type { FactProbe, ProbeContext } from './probe.ts'

/**
 * The latest deployment of the service's CodeDeploy group: `deployment.age < duration("60m")`. Deployments that only
 * bring the current revision to new instances do not count. Throws where the group has never been deployed to, since
 * an age would be made up.
 */
export const deploymentProbe: FactProbe = {
  name: 'deployment',
  summary:
    'The latest deployment of the CodeDeploy group: id, status, age since it was created, and who created it.',
  fields: { id: 'string', status: 'string', age: 'duration', creator: 'string' },
  paths: (service) => (service.codedeploy ? ['deployment'] : []),
  permissions: ({ codedeploy, region, account }) =>
    codedeploy
      ? [
          {
            actions: [
              'codedeploy:ListDeployments',
              'codedeploy:BatchGetDeployments',
              'codedeploy:GetDeploymentGroup',
              'codedeploy:GetDeployment',
            ],
            resources: [
              `arn:\${Partition}:codedeploy:${region ?? '${Region}'}:${account ?? '${Account}'}` +
                `:deploymentgroup:${codedeploy.application}/${codedeploy.group}`,
            ],
          },
        ]
      : [],
  async read(_path, service, context) {
    const { id, status, creator, createdAtMs } = await latest(service, context)
    return { id, status, creator, age: context.nowMs - createdAtMs }
  },
}

async function latest({ name, codedeploy }: Service, { aws, nowMs }: ProbeContext) {
  if (!codedeploy) throw new Error(`service "${name}" has no codedeploy in services.yaml`)
  const { application, group } = codedeploy
  const place = `${application}/${group}`
  const recent = await recentDeployments(aws, codedeploy, nowMs).catch((error: unknown) =>
    rethrow(error, `read the deployments of ${place}`),
  )
  const newest = recent.find((deployment) => !isFollower(deployment))
  if (newest) return newest
  // Nothing in a week: the group itself remembers the last attempt.
  const answer = await aws
    .call('codedeploy:GetDeploymentGroup', { applicationName: application, deploymentGroupName: group })
    .catch((error: unknown) => rethrow(error, `read the deployment group ${place}`))
  if (!answer.deploymentGroupInfo) throw new Error(`CodeDeploy answered without describing ${place}`)
  const id = answer.deploymentGroupInfo.lastAttemptedDeployment?.deploymentId
  const info = id === undefined ? undefined : await getDeployment(aws, id)
  if (!info) throw new Error(`${place} has no deployment, so there is nothing to measure`)
  return deploymentOf(info)
}
