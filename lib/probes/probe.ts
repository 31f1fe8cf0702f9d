import type { Statement } from '../actions/action.ts'
import type { Aws } from '../aws/aws.ts'
import type { Json } from '../json.ts'
import type { Service } from '../runbook/runbook.ts'
import type { Signal } from '../signal/signal.ts'
import type { Verdict } from '../verdict.ts'

/** What an expression may read. `duration` values are milliseconds here and CEL durations in the expression. */
export type FieldType = 'string' | 'int' | 'double' | 'bool' | 'duration'

/**
 * A read-only measurement that conditions and references can name: `service.canary.weight`, `deployment.age`. It is read only when an
 * expression names it, and what was read is recorded beside the decision.
 */
export interface FactProbe {
  /** For docs and messages: `deployment`. */
  readonly name: string
  readonly summary: string
  readonly fields: { readonly [field: string]: FieldType }
  /** The paths under which this service offers it: `['service.canary']`; none where services.yaml lacks what it reads. */
  paths(service: Service): readonly string[]
  permissions(service: Service): readonly Statement[]
  /** Throws when it cannot be read; the step then fails with the reason, it is never taken for `false`. */
  read(path: string, service: Service, context: ProbeContext): Promise<{ readonly [field: string]: Json }>
}

/** One sample of a check: is the symptom gone? */
export interface SampleProbe<Q> {
  readonly name: string
  readonly summary: string
  permissions(question: Q, service: Service): readonly Statement[]
  /** `passed`, `failed`, or `inconclusive` where there is no data; `error` where it could not be measured. Never throws. */
  sample(question: Q, service: Service, signal: Signal | undefined, context: ProbeContext): Promise<Verdict>
}

export interface ProbeContext {
  readonly aws: Aws
  readonly nowMs: number
  /** Only data from after this time counts: the mitigation's last change plus the metric's delay. */
  readonly sinceMs?: number
}
