import { never } from '../errors.ts'
import type { CheckStep, Service } from '../runbook/runbook.ts'
import type { Signal } from '../signal/signal.ts'
import type { Verdict } from '../verdict.ts'
import { alarmStateProbe } from './alarm-state.ts'
import { capacityProbe } from './capacity.ts'
import { deploymentProbe } from './deployment.ts'
import { metricProbe } from './metric.ts'
import type { FactProbe, ProbeContext } from './probe.ts'
import { recordWeightProbe } from './record-weight.ts'

/** Everything that conditions and references can name. Adding one here is all that makes it known. */
export const factProbes: readonly FactProbe[] = [capacityProbe, deploymentProbe, recordWeightProbe]

/** One sample of a check, by the probe that it asks for. Never throws. */
export function sampleCheck(
  question: CheckStep['probe'],
  service: Service,
  signal: Signal | undefined,
  context: ProbeContext,
): Promise<Verdict> {
  switch (question.is) {
    case 'alarm':
      return alarmStateProbe.sample(question, service, signal, context)
    case 'metric':
      return metricProbe.sample(question, service, signal, context)
    default:
      return never(question)
  }
}
