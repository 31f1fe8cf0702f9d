import type { DeploymentInfo, RevisionLocation } from '@aws-sdk/client-codedeploy'
import { type Application, type Deployment, isActive } from './applications.ts'
import { copyOf } from './copy.ts'
import type { World } from './world.ts'

/** A deployment as `GetDeployment` and `BatchGetDeployments` tell it. */
export function infoOf(world: World, deployment: Deployment): DeploymentInfo {
  const application = world.applications[deployment.application]
  const rollback = deployment.rollback
  const guard = deployment.alarmOverride
  const done = deployment.status === 'Succeeded'
  return {
    applicationName: deployment.application,
    deploymentGroupName: deployment.group,
    deploymentConfigName: deployment.configName,
    deploymentId: deployment.id,
    revision: bare(deployment.revision),
    ...(deployment.previousRevision ? { previousRevision: bare(deployment.previousRevision) } : {}),
    status: deployment.status,
    createTime: new Date(deployment.createdAtMs),
    ...(deployment.startedAtMs === undefined ? {} : { startTime: new Date(deployment.startedAtMs) }),
    ...(deployment.completedAtMs === undefined ? {} : { completeTime: new Date(deployment.completedAtMs) }),
    deploymentOverview: {
      Pending: deployment.status === 'Created' ? 1 : 0,
      InProgress: isActive(deployment) && deployment.status !== 'Created' ? 1 : 0,
      Succeeded: done ? 1 : 0,
      Failed: deployment.status === 'Failed' ? 1 : 0,
      Skipped: deployment.status === 'Stopped' ? 1 : 0,
      Ready: 0,
    },
    description: deployment.description,
    creator: deployment.creator,
    ignoreApplicationStopFailures: deployment.ignoreStopFailures,
    autoRollbackConfiguration: {
      enabled: deployment.autoRollback.enabled,
      events: deployment.autoRollback.events as ('DEPLOYMENT_FAILURE' | 'DEPLOYMENT_STOP_ON_ALARM')[],
    },
    updateOutdatedInstancesOnly: false,
    ...(application ? { deploymentStyle: styleOf(application), computePlatform: application.platform } : {}),
    instanceTerminationWaitTimeStarted: false,
    fileExistsBehavior: 'DISALLOW',
    ...(deployment.mode === 'RESTART' ? { deploymentMode: 'RESTART' as const } : {}),
    ...(deployment.error
      ? { errorInformation: deployment.error as NonNullable<DeploymentInfo['errorInformation']> }
      : {}),
    ...(rollback && rollback.atMs <= world.nowMs
      ? {
          rollbackInfo: {
            ...(rollback.deploymentId === undefined ? {} : { rollbackDeploymentId: rollback.deploymentId }),
            ...(rollback.triggeredBy === undefined
              ? {}
              : { rollbackTriggeringDeploymentId: rollback.triggeredBy }),
            rollbackMessage: rollback.message,
          },
        }
      : {}),
    ...(guard
      ? {
          overrideAlarmConfiguration: {
            enabled: guard.enabled,
            alarms: guard.names.map((name) => ({ name })),
          },
        }
      : {}),
  }
}

/** Reads of deployments leave the text of an AppSpec out. */
export function bare(revision: RevisionLocation): RevisionLocation {
  if (revision.revisionType !== 'AppSpecContent') return copyOf(revision)
  const digest = revision.appSpecContent?.sha256
  return { revisionType: 'AppSpecContent', appSpecContent: digest === undefined ? {} : { sha256: digest } }
}

/** ECS and Lambda shift traffic to new copies; servers are changed where they stand. */
export function styleOf(application: Application) {
  return application.platform === 'Server'
    ? ({ deploymentType: 'IN_PLACE', deploymentOption: 'WITHOUT_TRAFFIC_CONTROL' } as const)
    : ({ deploymentType: 'BLUE_GREEN', deploymentOption: 'WITH_TRAFFIC_CONTROL' } as const)
}
