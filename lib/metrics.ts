/** Every metric that we publish, at most ten; `docs/metrics.md` says the same, and a test compares them. */
export const METRICS = {
  SignalsAccepted: { unit: 'Count', meaning: 'signals that opened an incident, joined one or cleared one' },
  SignalsRefused: { unit: 'Count', meaning: 'payloads that were malformed, hostile or not understood' },
  ExecutionsStarted: { unit: 'Count', meaning: 'executions whose first record was put' },
  ExecutionsRefused: { unit: 'Count', meaning: 'executions that a guardrail kept from starting' },
  ExecutionsEscalated: {
    unit: 'Count',
    meaning: 'executions in which we stopped deciding and called a person',
  },
  ExecutionsOverdue: {
    unit: 'Count',
    meaning: 'streams that a sweep found overdue; each sweep publishes it, 0 included',
  },
  StepsFailed: { unit: 'Count', meaning: 'steps that ended as failed' },
  OutcomesUnknown: { unit: 'Count', meaning: 'calls of which we did not learn whether they took effect' },
  PagesFailed: { unit: 'Count', meaning: 'pages that no channel accepted' },
  FirstEffectTime: {
    unit: 'Milliseconds',
    meaning: "from the alarm's onset to the first change that was applied",
  },
} as const

export type MetricName = keyof typeof METRICS
export type CountName = {
  [K in MetricName]: (typeof METRICS)[K]['unit'] extends 'Count' ? K : never
}[MetricName]
export type TimeName = Exclude<MetricName, CountName>

/** Own telemetry. Numbers for dashboards and alarms; nothing decides by them. */
export interface Metrics {
  /** `value` is 1 where it is left out. */
  count(name: CountName, value?: number): void
  time(name: TimeName, ms: number): void
}

/** Measures nothing: for the simulator and the tests. */
export const silentMetrics: Metrics = { count: () => {}, time: () => {} }

/** Metrics of a Lambda function, which are gathered until they are written. */
export interface FunctionMetrics extends Metrics {
  /** Writes what was gathered as one line of CloudWatch's embedded metric format; nothing where nothing was gathered. */
  flush(): Promise<void>
}

/**
 * Publishes through Powertools Metrics, in the namespace and with the service that the standard variables name
 * (POWERTOOLS_METRICS_NAMESPACE, POWERTOOLS_SERVICE_NAME). Powertools is loaded by the first flush: a cold start does not wait
 * for it before the first mitigation.
 */
export function createMetrics(): FunctionMetrics {
  let gathered: { readonly name: MetricName; readonly value: number }[] = []
  return {
    count: (name, value = 1) => void gathered.push({ name, value }),
    time: (name, ms) => void gathered.push({ name, value: ms }),
    async flush() {
      if (gathered.length === 0) return
      const ready = gathered
      gathered = []
      const powertools = await import('@aws-lambda-powertools/metrics')
      const metrics = new powertools.Metrics()
      for (const { name, value } of ready) metrics.addMetric(name, METRICS[name].unit, value)
      metrics.publishStoredMetrics()
    },
  }
}
