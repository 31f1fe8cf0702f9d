import type { AnyAction, ReferenceType, Target, TargetResult } from '../actions/action.ts'
import type { Json } from '../json.ts'
import type { Service } from './runbook.ts'

/** What holds the place of a reference while nothing is read. It reaches a schema only, never a target or a plan. */
const STAND_INS: { readonly [type in ReferenceType]: Json } = {
  int: 1,
  double: 1,
  bool: true,
  string: 'text',
}

/** The parameters as written, with a stand-in for each that is a reference, so that the schema can judge the rest. */
export function withStandIns(
  action: AnyAction,
  params: { readonly [name: string]: Json },
  referring: Iterable<string>,
): { readonly [name: string]: Json } {
  const standIns = [...referring].flatMap((name) => {
    const [type] = action.references?.[name] ?? []
    return type === undefined ? [] : [[name, STAND_INS[type]] as const]
  })
  return { ...params, ...Object.fromEntries(standIns) }
}

/**
 * What a step acts on. Locks and permissions follow from it, so it must be known before anything is read (G10): the
 * parameters that may be references are kept from the action here, also where they are literals.
 */
export function staticTarget(
  action: AnyAction,
  step: {
    readonly params: { readonly [name: string]: Json }
    readonly references?: { readonly [name: string]: string }
  },
  service: Service,
): TargetResult<Target> {
  const whole = withStandIns(action, step.params, Object.keys(step.references ?? {}))
  const params = action.params.parse(whole) as { readonly [name: string]: unknown }
  const fixed = Object.entries(params).filter(([name]) => !Object.hasOwn(action.references ?? {}, name))
  return action.target(Object.fromEntries(fixed), service)
}
