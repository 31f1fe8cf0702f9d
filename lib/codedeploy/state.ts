import * as z from 'zod'
import type { Target } from '../actions/action.ts'
import { revisionSchema } from './revision.ts'

/** A deployment group, and where a rollback of it goes. */
export interface DeploymentGroupTarget extends Target {
  readonly application: string
  readonly group: string
  /** `last-success` or a deployment id. */
  readonly to: string
  /** What the group deploys, where services.yaml names it: looked at when CodeDeploy says that it has succeeded. */
  readonly ecs?: { readonly cluster: string; readonly service: string }
  readonly lambda?: { readonly function: string; readonly alias: string }
  /** Of the service, where services.yaml says another than Firebreak's own. */
  readonly region?: string
  readonly account?: string
}

const id = z.string().max(100)
const platform = z.enum(['Server', 'Lambda', 'ECS'])

const wantedSchema = z.discriminatedUnion('is', [
  z.strictObject({
    is: z.literal('found'),
    deploymentId: id,
    revision: revisionSchema,
    /** Where AWS's own record of the previous revision differs from the history: for people. */
    note: z.string().nullable(),
  }),
  /** `human`: a person must decide; `refused`: there is nothing to go back to. */
  z.strictObject({ is: z.enum(['human', 'refused']), reason: z.string() }),
])

const observedSchema = z.strictObject({
  is: z.literal('observed'),
  platform,
  /** The newest success that deployed something. */
  current: z
    .strictObject({ deploymentId: id, revision: revisionSchema.nullable(), rollback: z.boolean() })
    .nullable(),
  /** What is being deployed now; deployments to new instances of Auto Scaling do not count. */
  active: z
    .strictObject({
      deploymentId: id,
      status: z.string(),
      creator: z.string(),
      revision: revisionSchema.nullable(),
      rollback: z.boolean(),
    })
    .nullable(),
  /** The newest few that have ended, so that a stop can be recognised afterwards. */
  ended: z.array(z.strictObject({ deploymentId: id, status: z.string(), rollbackId: id.nullable() })),
  /** The deployment that carries this step's marker. */
  own: z.strictObject({ deploymentId: id, status: z.string(), description: z.string() }).nullable(),
  wanted: wantedSchema,
})

const intendedSchema = z.strictObject({
  is: z.literal('intended'),
  platform,
  /** What the group runs when the change has landed; null where only CodeDeploy knows. */
  revision: revisionSchema.nullable(),
  call: z.discriminatedUnion('is', [
    /** Stop it, and follow the rollback that CodeDeploy starts. */
    z.strictObject({ is: z.literal('stop'), deploymentId: id }),
    /** `purpose` follows the marker in the description. */
    z.strictObject({ is: z.literal('create'), config: z.string(), purpose: z.string().max(160) }),
    /** Somebody else's rollback is under way: wait for it. */
    z.strictObject({ is: z.literal('attach'), deploymentId: id }),
  ]),
})

/** What is there, or what is to be there and the one call that brings it. */
export const rollbackStateSchema = z.discriminatedUnion('is', [observedSchema, intendedSchema])

export type Observed = z.infer<typeof observedSchema>
export type Intended = z.infer<typeof intendedSchema>
export type RollbackState = z.infer<typeof rollbackStateSchema>
export type Wanted = z.infer<typeof wantedSchema>

/** What CodeDeploy is told of a deployment of ours: marker and purpose, in the 256 characters that it allows. */
export function descriptionOf(marker: string, purpose: string): string {
  return `${marker} ${purpose}`.slice(0, 256)
}

/** A change's `before`. Throws on a record that this version cannot have written. */
export function asObserved(state: RollbackState): Observed {
  if (state.is !== 'observed')
    throw new Error('a rollback begins from an observed state, not from an intended one')
  return state
}

/** A change's `after`. Throws on a record that this version cannot have written. */
export function asIntended(state: RollbackState): Intended {
  if (state.is !== 'intended')
    throw new Error('a rollback leads to an intended state, not to an observed one')
  return state
}
