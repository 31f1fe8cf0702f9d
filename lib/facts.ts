import type { AnyAction } from './actions/action.ts'
import { allDone } from './all-done.ts'
import { stateOf } from './execution/state.ts'
import type { Json } from './json.ts'
import type { Deliberation } from './plan.ts'
import { factProbes } from './probes/index.ts'
import type { ActionStep, Step } from './runbook/runbook.ts'

interface Fact {
  readonly [field: string]: Json
}

/** Reads facts by their paths. */
export type ReadFacts = (paths: readonly string[]) => Promise<{ readonly [path: string]: Fact }>

/**
 * Reads facts for one consideration of a step, each once: its condition and its references are decided on the same values.
 * What cannot be read is thrown.
 */
export function factReader(deliberation: Deliberation): ReadFacts {
  const known = new Map<string, Promise<Fact>>()
  return async (paths) => {
    const read = paths.map(async (path) => {
      const fact = known.get(path) ?? readFact(deliberation, path)
      known.set(path, fact)
      return [path, await fact] as const
    })
    return Object.fromEntries(await allDone(read))
  }
}

/** Whether a step's condition holds: reads what it names, and nothing else. A step without a condition holds. */
export async function conditionHolds(
  readFacts: ReadFacts,
  step: Step,
): Promise<{ readonly holds: boolean; readonly values: Fact }> {
  if (step.when === undefined) return { holds: true, values: {} }
  const [{ evaluateCondition }, { expressionReads }] = await loadConditions()
  const { value, values } = evaluateCondition(step.when, await readFacts(expressionReads(step.when)))
  return { holds: value, values }
}

/** A step's parameters by the action's schema, with the value of each reference in its place. */
export async function paramsOf(
  readFacts: ReadFacts,
  step: ActionStep,
  action: AnyAction,
): Promise<
  | { readonly is: 'params'; readonly params: unknown; readonly values: Fact }
  | { readonly is: 'bad'; readonly reason: string }
> {
  const { params, references } = step
  if (references === undefined) return { is: 'params', params: fixedParams(step, action), values: {} }
  const { referencesRead, resolveReferences } = await loadReferences()
  return resolveReferences(action, params, references, await readFacts(referencesRead(references)))
}

/** What no reference changes is the same each time that a step is considered, and a pinned step never changes. */
const fixed = new WeakMap<ActionStep, unknown>()

function fixedParams(step: ActionStep, action: AnyAction): unknown {
  const known = fixed.get(step) ?? action.params.parse(step.params)
  fixed.set(step, known)
  return known
}

// CEL is loaded for runbooks that have expressions, so that others do not wait for it on a cold start; and once, since a
// loader that is asked again answers some turns of the event loop later.
const loadConditions = once(() =>
  allDone([import('./runbook/conditions.ts'), import('./runbook/expressions.ts')]),
)
const loadReferences = once(() => import('./runbook/references.ts'))

function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined
  return () => (loaded ??= load())
}

async function readFact(deliberation: Deliberation, path: string): Promise<Fact> {
  const { pinned, signal } = deliberation
  if (path === 'alarm') {
    return {
      name: signal?.name ?? '',
      state: signal?.state ?? '',
      reason: signal?.reason ?? '',
      ...(signal?.value === undefined ? {} : { value: signal.value }),
      ...(signal?.threshold === undefined ? {} : { threshold: signal.threshold }),
    }
  }
  if (path === 'incident') return { id: deliberation.incidentId, severity: pinned.runbook.severity }
  if (path === 'service') return { name: pinned.service.name }
  if (path.startsWith('steps.')) {
    const state = deliberation.execution && stateOf(deliberation.execution, path.slice('steps.'.length))
    return { state: state?.is ?? 'pending' }
  }
  const probe = factProbes.find((candidate) => candidate.paths(pinned.service).includes(path))
  if (!probe) throw new Error(`nothing measures "${path}" for service ${pinned.service.name}`)
  return probe.read(path, pinned.service, { aws: deliberation.aws, nowMs: deliberation.nowMs })
}
