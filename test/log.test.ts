import { createLog } from '../lib/log.ts'

test('a state change is one JSON line with its incident, execution, step, attempt and request', async () => {
  const lines: string[] = []
  const before = { info: console.info, env: { ...process.env } }
  // Powertools writes through the console in development mode only; else it makes one of its own.
  process.env['POWERTOOLS_DEV'] = 'true'
  process.env['POWERTOOLS_SERVICE_NAME'] = 'firebreak-test'
  console.info = (line: string) => void lines.push(line)
  try {
    const log = await createLog()
    log.begin('request-1')
    log.info('step.intended', { incident: 'inc-1', execution: 'inc-1-x', step: 'capacity', attempt: 1 })
  } finally {
    console.info = before.info
    process.env = before.env
  }
  expect(lines).toHaveLength(1)
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 'INFO',
    message: 'step.intended',
    service: 'firebreak-test',
    requestId: 'request-1',
    incident: 'inc-1',
    execution: 'inc-1-x',
    step: 'capacity',
    attempt: 1,
  })
})
