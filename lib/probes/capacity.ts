import { rethrow } from '../aws/failure.ts'
import type { Service } from '../runbook/runbook.ts'
import type { FactProbe } from './probe.ts'

/**
 * How many tasks the service's ECS service wants and runs: `service.ecs.running < service.ecs.desired`. Throws where ECS
 * does not describe it or leaves a number out.
 */
export const capacityProbe: FactProbe = {
  name: 'capacity',
  summary: 'How many tasks the ECS service wants, runs, and is starting.',
  fields: { desired: 'int', running: 'int', pending: 'int' },
  paths: (service) => (service.ecs ? ['service.ecs'] : []),
  permissions: (service) => {
    if (!service.ecs) return []
    const { cluster, name } = plain(service.ecs)
    const place = `${service.region ?? '${Region}'}:${service.account ?? '${Account}'}`
    return [
      {
        actions: ['ecs:DescribeServices'],
        resources: [`arn:\${Partition}:ecs:${place}:service/${cluster}/${name}`],
      },
    ]
  },
  async read(_path, service, { aws }) {
    if (!service.ecs) throw new Error(`service "${service.name}" has no ecs in services.yaml`)
    const { cluster, name } = plain(service.ecs)
    const label = `ECS service ${cluster}/${name}`
    const answer = await aws
      .call('ecs:DescribeServices', { cluster, services: [name] })
      .catch((error: unknown) => rethrow(error, `read ${label}`))
    const found = answer.services?.[0]
    if (
      found?.desiredCount === undefined ||
      found.runningCount === undefined ||
      found.pendingCount === undefined
    ) {
      throw new Error(
        `${label} was not described: ${answer.failures?.[0]?.reason ?? 'no counts in the answer'}`,
      )
    }
    return { desired: found.desiredCount, running: found.runningCount, pending: found.pendingCount }
  },
}

/** Names out of names or ARNs. */
function plain({ cluster, service }: NonNullable<Service['ecs']>): {
  readonly cluster: string
  readonly name: string
} {
  const last = (text: string) => text.slice(text.lastIndexOf('/') + 1)
  return { cluster: last(cluster), name: last(service) }
}
