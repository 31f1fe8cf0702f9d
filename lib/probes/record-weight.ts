import { listGroup, plainName } from '../route53/records.ts'
import type { FactProbe } from './probe.ts'

const PREFIX = 'service.'

/**
 * The weight of a DNS record as Route 53 has it now: `service.canary.weight > 0`. Throws where the record is not there,
 * or is not weighted: no weight is not a weight of 0.
 */
export const recordWeightProbe: FactProbe = {
  name: 'record weight',
  summary: 'The weight of a weighted DNS record as Route 53 has it now.',
  fields: { weight: 'int' },
  paths: (service) => Object.keys(service.records).map((record) => `${PREFIX}${record}`),
  permissions: (service) => {
    const zones = [
      ...new Set(Object.values(service.records).map(({ zone }) => zone.replace(/^\/hostedzone\//, ''))),
    ]
    return zones.length === 0
      ? []
      : [
          {
            actions: ['route53:ListResourceRecordSets'],
            resources: zones.map((zone) => `arn:\${Partition}:route53:::hostedzone/${zone}`),
          },
        ]
  },
  async read(path, service, { aws }) {
    const short = path.slice(PREFIX.length)
    const record = Object.hasOwn(service.records, short) ? service.records[short] : undefined
    if (!record) throw new Error(`service "${service.name}" has no record "${short}" in services.yaml`)
    const zone = record.zone.replace(/^\/hostedzone\//, '')
    const name = plainName(record.name)
    const sets = await listGroup(aws, { zone, name, type: record.type })
    const found = sets.find((set) => set.SetIdentifier === record.set)
    if (found?.Weight === undefined) {
      throw new Error(
        `${name} ${record.type} in hosted zone ${zone} has no weighted record "${record.set}"; ` +
          `it has: ${sets.map((set) => set.SetIdentifier ?? '(without a set)').join(', ') || 'none'}`,
      )
    }
    return { weight: found.Weight }
  },
}
