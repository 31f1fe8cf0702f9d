import * as z from 'zod'
import type { Aws } from '../aws/aws.ts'
import { TerminalError } from '../errors.ts'
import { blockedBy, drainIntoUnhealthy, secondDrain } from '../interlocks.ts'
import { asJson, listGroup, readHealth, type RecordGroup, type WeightedSet, weightedSet } from './records.ts'

/** One weighted record set, with what there is beside it. */
export const weightState = z.strictObject({
  /** The whole record set as it was read; only its weight is ever changed. */
  record: weightedSet,
  /**
   * What guards need to know about the rest of the group as it was when observed. It is no part of what is changed
   * and is never compared; an `after` has none.
   */
  context: z
    .strictObject({
      /** Other sets that have a weight above 0. `healthy` is null where it is not known. */
      serving: z.array(z.strictObject({ set: z.string(), weight: z.int(), healthy: z.boolean().nullable() })),
      /** Sets with weight 0, by name. */
      drained: z.array(z.string()),
    })
    .nullable(),
})

export type WeightState = z.infer<typeof weightState>

/** Reads a set and the rest of its group. Throws `TerminalError` where there is no such set, or it has no weight. */
export async function readWeight(aws: Aws, on: RecordGroup & { readonly set: string }): Promise<WeightState> {
  const group = await listGroup(aws, on)
  const own = group.find((each) => each.SetIdentifier === on.set)
  if (!own) {
    const known = group.map((each) => each.SetIdentifier ?? '(no set identifier)').join(', ')
    throw new TerminalError(
      `the record ${on.name} ${on.type} (${on.set}) is not in hosted zone ${on.zone}: ` +
        (known ? `this name and type has the sets ${known}` : 'there is no record of this name and type'),
    )
  }
  const record = weightedSet.safeParse(asJson(own))
  if (!record.success) {
    throw new TerminalError(
      `${on.name} ${on.type} (${on.set}) is not a weighted record: it has no weight from 0 to 255`,
    )
  }
  const others = group.filter((each) => each !== own)
  const serving: { set: string; weight: number; healthy: boolean | null }[] = []
  for (const { SetIdentifier: set = '', Weight: weight = 0, HealthCheckId: check } of others) {
    if (weight === 0) continue
    // A set without a health check is healthy as far as Route 53 goes. One healthy set is all that a drain asks for,
    // and AWS allows one such question a second.
    const enough = serving.some((each) => each.healthy)
    serving.push({
      set,
      weight,
      healthy: check === undefined || (enough ? null : await readHealth(aws, check)),
    })
  }
  const drained = others.flatMap((each) => (each.Weight === 0 ? [each.SetIdentifier ?? ''] : []))
  return { record: record.data, context: { serving, drained } }
}

/** Why a weight of 0 would not take the traffic away, or would leave nobody to serve it (AWS.md 3.1). */
export function unsafeDrain({ context }: WeightState): ReturnType<typeof blockedBy> {
  return blockedBy([secondDrain, drainIntoUnhealthy], context ?? { serving: [], drained: [] })
}

/** The same set with another weight; as an `after` has it. */
export function withWeight(record: WeightedSet, weight: number): WeightState {
  return { record: { ...record, Weight: weight }, context: null }
}

/** How much of the group's answers another weight of one set moves, in percent, as the group was when observed. */
export function trafficMoved({ record, context }: WeightState, weight: number): number {
  const others = (context?.serving ?? []).reduce((sum, each) => sum + each.weight, 0)
  const shareOf = (own: number) => (own === 0 ? 0 : own / (own + others))
  return Math.abs(shareOf(weight) - shareOf(record.Weight)) * 100
}
