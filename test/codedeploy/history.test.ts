import { type Deployment, findLastGood } from '../../lib/codedeploy/history.ts'
import type { Revision } from '../../lib/codedeploy/revision.ts'

const revision = (name: string): Revision => ({ is: 'github', repository: 'shop/api', commitId: name })

/** `'A', 'B'`: the first is the oldest. */
function history(...entries: readonly (string | Partial<Deployment>)[]): readonly Deployment[] {
  return entries.map((entry, index) => ({
    id: `d-${index + 1}`,
    status: 'Succeeded',
    creator: 'user',
    createdAtMs: (index + 1) * 1_000,
    completedAtMs: undefined,
    description: '',
    revision: typeof entry === 'string' ? revision(entry) : null,
    previous: null,
    restart: false,
    rollbackId: undefined,
    rollbackOf: undefined,
    rollbackMessage: undefined,
    ...(typeof entry === 'string' ? {} : entry),
  }))
}

const a = revision('A')
const b = revision('B')
const rollback = { creator: 'codeDeployRollback', rollbackOf: 'd-x' }

test.each([
  ['the one before', history('A', 'B'), 'd-2', 'd-1'],
  ['over several deployments of the current one', history('A', 'B', 'B', 'B'), 'd-4', 'd-1'],
  ['flip-flop: A, B, back to A, B again', history('A', 'B', { revision: a, ...rollback }, 'B'), 'd-4', 'd-3'],
  ['flip-flop made by hand: A, B, A, B', history('A', 'B', 'A', 'B'), 'd-4', 'd-3'],
  [
    'B excluded wherever it appears',
    history('A', 'B', 'B', { revision: a, ...rollback }, 'B', 'B'),
    'd-6',
    'd-4',
  ],
  ['over a restart', history('A', 'B', { revision: b, restart: true }), 'd-2', 'd-1'],
  [
    'a restart of an older one is not the current one',
    history('A', 'B', { revision: a, restart: true }),
    'd-2',
    'd-1',
  ],
  ['over new instances', history('A', 'B', { revision: b, creator: 'autoscaling' }), 'd-2', 'd-1'],
  [
    'over terminated instances',
    history('A', 'B', { revision: a, creator: 'autoscalingTermination' }),
    'd-2',
    'd-1',
  ],
  [
    'over outdated instances',
    history('A', 'B', { revision: a, creator: 'CodeDeployAutoUpdate' }),
    'd-2',
    'd-1',
  ],
  ['over what failed', history('A', { revision: revision('F'), status: 'Failed' }, 'B'), 'd-3', 'd-1'],
  ['over what was stopped', history('A', 'B', { revision: revision('S'), status: 'Stopped' }), 'd-2', 'd-1'],
  ['whatever the ids are', history({ id: 'd-9', revision: a }, { id: 'd-5', revision: b }), 'd-5', 'd-9'],
  ['created by CloudFormation', history({ revision: a, creator: 'CloudFormation' }, 'B'), 'd-2', 'd-1'],
])('the last good revision: %s', (_name, deployments, current, good) => {
  expect(findLastGood(deployments)).toMatchObject({
    is: 'found',
    current: { id: current },
    good: { id: good },
  })
  expect(findLastGood(deployments.toReversed())).toEqual(findLastGood(deployments))
})

test.each([
  ['CodeDeploy rolled it back', { revision: a, ...rollback }],
  ['CloudFormation rolled it back', { revision: a, creator: 'CloudFormationRollback' }],
  [
    'we rolled it back',
    { revision: a, description: 'firebreak/inc-1-a/rollback rollback of d-2 to the revision of d-1' },
  ],
])('a current deployment that is itself a rollback is for a person: %s', (_name, last) => {
  expect(findLastGood(history('A', 'B', last))).toMatchObject({ is: 'rolled-back', current: { id: 'd-3' } })
})

test('an undo of ours is a deployment like any other', () => {
  const undone = {
    revision: b,
    description: 'firebreak/inc-1-a.undo/rollback undo: the revision of d-2 again',
  }
  expect(findLastGood(history('A', 'B', { revision: a, ...rollback }, undone))).toMatchObject({
    is: 'found',
    current: { id: 'd-4' },
    good: { id: 'd-3' },
  })
})

test('without another success there is nothing to go back to', () => {
  expect(findLastGood([])).toEqual({ is: 'empty' })
  expect(findLastGood(history({ status: 'Failed' }))).toEqual({ is: 'empty' })
  expect(findLastGood(history('A', 'A'))).toMatchObject({ is: 'only' })
})

test('a revision that cannot be read is neither taken nor passed over', () => {
  expect(findLastGood(history('A', {}))).toMatchObject({ is: 'unreadable', which: { id: 'd-2' } })
  expect(findLastGood(history('A', {}, 'B'))).toMatchObject({ is: 'unreadable', which: { id: 'd-2' } })
})
