import type { Catalogue } from '../../lib/runbook/runbook.ts'
import { readClaims } from '../../lib/ledger/claims.ts'
import { ANN, calmStack, catalogueOf, entriesOfKind, fire, play, runbookText } from './calm.ts'
import { effectsOf } from './world.ts'

const SCALE = '- scale_out: { ecs: api, by: 1 }'

/** The lines of the shipped policy, and these behind them. */
function limited(lines: string, head = ''): Catalogue {
  return catalogueOf([runbookText(SCALE, head)], { policy: (text) => `${text}\n${lines}\n` })
}

/** The alarm goes off so many times, each ten minutes after the one before. */
async function recurring(catalogue: Catalogue, times: number) {
  const stack = calmStack(catalogue)
  for (let time = 1; time <= times; time++) {
    fire(stack)
    await play(stack, 5)
    fire(stack, 'OK')
    await play(stack, 5)
  }
  return stack
}

describe('a limit of one runbook', () => {
  test('refuses the start beyond it, with its own line (G6)', async () => {
    const catalogue = limited('runbooks:\n  spike:\n    mode: auto\n    executions_per_hour: 2')
    const stack = await recurring(catalogue, 3)
    const place = catalogue.policy.places['runbooks.spike.executionsPerHour']
    const mode = catalogue.policy.places['runbooks.spike.mode']
    expect(Number(place?.split(':')[1])).toBe(Number(mode?.split(':')[1]) + 1)
    expect(await entriesOfKind(stack, 'execution.refused')).toMatchObject([
      {
        code: 'rate',
        reason: '2 executions of runbook:spike were started within the last hour; the limit is 2',
        place,
      },
    ])
    expect(effectsOf(stack)['ecs:UpdateService']).toBe(2)
  })

  test('is one more write only where it is set', async () => {
    const counted = async (lines: string) => {
      const stack = await recurring(limited(lines), 1)
      return (await readClaims(stack.storage, 'runbook:spike')).length
    }
    expect(await counted('')).toBe(0)
    expect(await counted('runbooks: { spike: { executions_per_hour: 5 } }')).toBe(1)
  })

  test('counts a person and does not hold a person back', async () => {
    const stack = await recurring(limited('runbooks: { spike: { executions_per_hour: 1 } }'), 1)
    const by = { verb: 'run', runbook: 'spike', by: ANN, reason: 'again' } as const
    await stack.command({ ...by, key: 'k1' })
    await play(stack, 5)
    expect(effectsOf(stack)['ecs:UpdateService']).toBe(2)
    expect(await readClaims(stack.storage, 'runbook:spike')).toHaveLength(2)
  })

  test('takes no place for a start that another window refused', async () => {
    const catalogue = limited('runbooks: { spike: { executions_per_hour: 5 } }', 'cooldown: 30m')
    const stack = await recurring(catalogue, 2)
    expect(await entriesOfKind(stack, 'execution.refused')).toMatchObject([{ code: 'cooldown' }])
    expect(await readClaims(stack.storage, 'runbook:spike')).toHaveLength(1)
  })
})

test('a mode of one runbook caps it, and says so with its line', async () => {
  const catalogue = limited('runbooks: { spike: { mode: shadow } }')
  const stack = await recurring(catalogue, 1)
  expect(await entriesOfKind(stack, 'execution.started')).toMatchObject([
    {
      mode: 'shadow',
      capped: {
        reason: "the policy's mode for runbook spike is shadow",
        place: catalogue.policy.places['runbooks.spike.mode'],
      },
    },
  ])
  expect(effectsOf(stack)).toEqual({})
})
