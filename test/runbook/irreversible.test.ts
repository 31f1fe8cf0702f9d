import { jest } from '@jest/globals'
import type { AnyAction } from '../../lib/actions/action.ts'
import { actions } from '../../lib/actions/index.ts'

// No shipped action is irreversible yet, so the rule is shown on one that is made so.
const notify = actions.find((action) => action.verb === 'notify') as AnyAction
const irreversible: AnyAction = { ...notify, effect: 'irreversible' }
jest.unstable_mockModule('../../lib/actions/index.ts', () => ({
  actions: [irreversible],
  actionFor: (verb: string) => (verb === 'notify' ? irreversible : undefined),
  actionName: () => 'notify oncall',
}))
const { compiledRunbook, longForm } = await import('./fixtures.ts')

test('a change that cannot be undone asks the team of the policy, and escalates where nobody answers', () => {
  const approve = { by: 'sre', timeoutMs: 900_000, onTimeout: 'escalate' }
  expect(compiledRunbook(longForm()).steps).toMatchObject([{ approve }])
})

test('what a runbook says about approval stands before the default', () => {
  const steps = 'steps:\n  - notify: oncall@sre\n    approve: { by: sre, timeout: 1m, on_timeout: skip }'
  const approve = { by: 'sre', timeoutMs: 60_000, onTimeout: 'skip' }
  expect(compiledRunbook(longForm({ steps })).steps).toMatchObject([{ approve }])
})
