import { readFileSync } from 'node:fs'
import { createMetrics, METRICS } from '../lib/metrics.ts'

test('docs/metrics.md lists exactly the metrics that are published, ten at most', () => {
  const rows = readFileSync('docs/metrics.md', 'utf8').matchAll(/^\| `(\w+)` \| (\w+) \| (.+) \|$/gm)
  const listed = Object.fromEntries([...rows].map(([, name, unit, meaning]) => [name, { unit, meaning }]))
  expect(listed).toEqual(METRICS)
  expect(Object.keys(METRICS).length).toBeLessThanOrEqual(10)
})

test('what was counted and timed is written as one line of the embedded metric format, and only once', async () => {
  const lines = await linesOf(async () => {
    const metrics = createMetrics()
    metrics.count('SignalsAccepted')
    metrics.count('ExecutionsOverdue', 0)
    metrics.time('FirstEffectTime', 1250)
    await metrics.flush()
    await metrics.flush()
  })
  expect(lines).toHaveLength(1)
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    service: 'firebreak-test',
    SignalsAccepted: 1,
    ExecutionsOverdue: 0,
    FirstEffectTime: 1250,
    _aws: {
      CloudWatchMetrics: [
        {
          Namespace: 'Firebreak',
          Dimensions: [['service']],
          Metrics: [
            { Name: 'SignalsAccepted', Unit: 'Count' },
            { Name: 'ExecutionsOverdue', Unit: 'Count' },
            { Name: 'FirstEffectTime', Unit: 'Milliseconds' },
          ],
        },
      ],
    },
  })
})

/** What is written to the console, which Powertools takes hold of when it is made. */
async function linesOf(act: () => Promise<void>): Promise<readonly string[]> {
  const before = { log: console.log, env: { ...process.env } }
  const lines: string[] = []
  // Powertools writes through the console in development mode only; else it makes one of its own.
  process.env['POWERTOOLS_DEV'] = 'true'
  process.env['POWERTOOLS_SERVICE_NAME'] = 'firebreak-test'
  process.env['POWERTOOLS_METRICS_NAMESPACE'] = 'Firebreak'
  process.env['POWERTOOLS_METRICS_DISABLED'] = 'false'
  console.log = (line: string) => void lines.push(JSON.stringify(JSON.parse(line)))
  try {
    await act()
  } finally {
    console.log = before.log
    process.env = before.env
  }
  return lines
}
