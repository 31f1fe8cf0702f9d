import { executionIdFor, incidentIdFor, incidentIdOf, signalIdFor, undoStreamOf } from '../lib/ids.ts'

const ONSET_AT_MS = 1_790_000_000_000

test('ids are derived, so that every delivery of a signal derives the same ones', () => {
  const incidentId = incidentIdFor('cloudwatch/123456789012/eu-west-1/api-5xx-spike', ONSET_AT_MS)
  expect(incidentId).toMatch(/^inc-[0-9a-hjkmnp-tv-z]{12}$/)
  expect(incidentIdFor('cloudwatch/123456789012/eu-west-1/api-5xx-spike', ONSET_AT_MS)).toBe(incidentId)
  expect(incidentIdFor('cloudwatch/123456789012/eu-west-1/api-5xx-spike', ONSET_AT_MS + 1)).not.toBe(
    incidentId,
  )
})

test('an execution id and an undo stream alone tell the incident', () => {
  const incidentId = incidentIdFor('k', ONSET_AT_MS)
  const executionId = executionIdFor(incidentId, 'api-5xx-spike', ONSET_AT_MS)
  expect(incidentIdOf(executionId)).toBe(incidentId)
  expect(incidentIdOf(undoStreamOf(executionId))).toBe(incidentId)
  expect(incidentIdOf(incidentId)).toBe(incidentId)
  expect(incidentIdOf('inc-../../etc')).toBeUndefined()
})

test('a signal is named by key, state and the time of the state', () => {
  expect(signalIdFor('k', 'alarm', 1)).toBe(signalIdFor('k', 'alarm', 1))
  expect(signalIdFor('k', 'alarm', 1)).not.toBe(signalIdFor('k', 'ok', 1))
})
