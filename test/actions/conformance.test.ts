import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { actionFor, actionName, actions, findAction } from '../../lib/actions/index.ts'

const FOLDER = new URL('../../lib/actions/', import.meta.url)

/** `scale_out ecs` stands in `scale-out-ecs.ts`. */
const fileOf = (name: string) => name.replaceAll(/[ _]/g, '-')

test('every file of the folder is in the list, and the list has nothing else', () => {
  const files = readdirSync(FOLDER).filter((file) => file !== 'action.ts' && file !== 'index.ts')
  expect(actions.map((action) => `${fileOf(actionName(action))}.ts`).sort()).toEqual(files.sort())
})

test('every action of the list goes through the conformance suite', () => {
  const untested = actions.map(actionName).filter((name) => {
    const place = new URL(`${fileOf(name)}.test.ts`, import.meta.url)
    return !existsSync(place) || !readFileSync(place, 'utf8').includes('testAction(')
  })
  expect(untested).toEqual([])
})

test('the list is in alphabetical order of the files and names each action once', () => {
  const names = actions.map((action) => fileOf(actionName(action)))
  expect(names).toEqual([...new Set(names)].sort())
})

test.each(actions.map((action) => [actionName(action), action] as const))(
  '%s declares itself',
  (name, action) => {
    expect(findAction(name)).toBe(action)
    expect(actionFor(action.verb, { [action.kind]: 'api' })).toBe(action)
    expect(name).toMatch(/^[a-z][a-z0-9_]* [a-z][a-z0-9]*$/)
    expect(action.summary).toMatch(/^[A-Z].*\.$/)
    expect(action.shorthand.grammar).not.toBe('')
    // Only what can be put back is put back by itself, and a reversible action must be able to.
    expect(action.undo !== undefined || (action.effect !== 'reversible' && !action.undoneByDefault)).toBe(
      true,
    )
    expect(action.timing.verifyEveryMs).toBeGreaterThan(0)
    expect(action.timing.timeoutMs).toBeGreaterThan(action.timing.verifyEveryMs)
  },
)
