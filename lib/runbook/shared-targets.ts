import type { Service } from './runbook.ts'
import type { Source } from './source.ts'

/** What a service has that stands in one account and region, by the name under which another service may have it too. */
function placedTargets({ ecs, codedeploy }: Service): readonly string[] {
  const plain = (nameOrArn: string) => nameOrArn.split('/').at(-1)
  return [
    ...(ecs ? [`ECS service ${plain(ecs.cluster)}/${plain(ecs.service)}`] : []),
    ...(codedeploy ? [`CodeDeploy group ${codedeploy.application}/${codedeploy.group}`] : []),
  ]
}

/**
 * Two services may share a target, and then share its lock, which bears account and region. One that says where the target
 * is and one that leaves it to the default would not meet: that is an error.
 */
export function checkSharedTargets(source: Source, services: ReadonlyMap<string, Service>): void {
  const first = new Map<string, Service>()
  for (const service of services.values()) {
    for (const target of placedTargets(service)) {
      const other = first.get(target)
      if (!other) first.set(target, service)
      else if (isElsewhereOnlyByDefault(service, other))
        source.report(
          'MISSING_KEY',
          [service.name],
          `${other.name} and ${service.name} both name ${target}, and only one of them says its account or region`,
          { suggestion: 'Write account and region for both, or for neither.' },
        )
    }
  }
}

function isElsewhereOnlyByDefault(one: Service, other: Service): boolean {
  return (['account', 'region'] as const).some(
    (key) => (one[key] === undefined) !== (other[key] === undefined),
  )
}
