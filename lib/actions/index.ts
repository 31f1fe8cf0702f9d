import type { AnyAction } from './action.ts'
import { notifyOncall } from './notify-oncall.ts'
import { rollbackCodedeploy } from './rollback-codedeploy.ts'
import { route53WeightRecord } from './route53-weight-record.ts'
import { scaleOutEcs } from './scale-out-ecs.ts'

/** Every action, in alphabetical order. Adding one here is all that makes it known. */
export const actions: readonly AnyAction[] = [
  notifyOncall,
  rollbackCodedeploy,
  route53WeightRecord,
  scaleOutEcs,
]

/** How the engine calls a person when a runbook's step has failed or must not decide. */
export const pageAction: AnyAction = notifyOncall

/** `<verb> <kind>`, as steps and entries name an action. */
export function actionName(action: AnyAction): string {
  return `${action.verb} ${action.kind}`
}

/** Whether that action reaches a person and changes nothing. */
export function isMessage(name: string): boolean {
  return findAction(name)?.effect === 'message'
}

/** What a stream's program asks of the list. */
export const messages = { isMessage, pageAction: actionName(pageAction) } as const

/** The action of that name; `undefined` where this version has none. */
export function findAction(name: string): AnyAction | undefined {
  return actions.find((action) => actionName(action) === name)
}

/**
 * The action that a verb and its parameters mean: the only one of that verb, or the one whose kind is a key of the
 * parameters (`scale_out: { ecs: api }`).
 */
export function actionFor(verb: string, params: { readonly [key: string]: unknown }): AnyAction | undefined {
  const candidates = actions.filter((action) => action.verb === verb)
  return candidates.length === 1 ? candidates[0] : candidates.find((action) => action.kind in params)
}
