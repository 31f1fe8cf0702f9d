import { Validator } from '@seriousme/openapi-schema-validator'
import { OPERATIONS } from '../../web/operations.ts'
import { openApi } from '../../web/openapi.ts'
import { calmStack, catalogueOf, entriesOfKind, fire, play, runbookText } from '../line/calm.ts'
import { onlyIncident } from '../line/world.ts'
import { ask } from './asked.ts'

interface Described {
  readonly requestBody?: { readonly content: { readonly [type: string]: { readonly example?: object } } }
  readonly responses: { readonly [status: string]: unknown }
  readonly parameters?: readonly { readonly name: string; readonly in: string }[]
}

const described = (
  openApi() as unknown as {
    readonly paths: { readonly [path: string]: { readonly [method: string]: Described } }
  }
).paths

test('the description is OpenAPI 3.1, by the schema of its makers', async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(openApi()))
  expect(errors).toBeUndefined()
  expect(valid).toBe(true)
})

test('the judge of descriptions sees a mistake', async () => {
  const { valid } = await new Validator().validate({
    ...structuredClone(openApi()),
    paths: { '/x': { get: 7 } },
  })
  expect(valid).toBe(false)
})

/** An incident whose execution asks about its plan. */
async function asked() {
  const runbook = runbookText('- scale_out: { ecs: api, by: 50% }', 'mode: approve', 'api-5xx-spike')
  const hooks = {
    audit: { url: 'https://audit.example.com', secret: 'env:NONE', events: ['incident.opened'] },
  }
  const stack = calmStack({ ...catalogueOf([runbook]), hooks })
  fire(stack)
  await play(stack, 1)
  const [started] = await entriesOfKind(stack, 'execution.started')
  return { stack, incident: await onlyIncident(stack), execution: started?.executionId ?? '' }
}

test.each(OPERATIONS.map(({ method, path }) => [method, path] as const))(
  'the example of %s %s is taken, and answered as described',
  async (method, path) => {
    const { stack, incident, execution } = await asked()
    const operation = described[path]?.[method]
    if (!operation) throw new Error('it is not described')
    const { requestBody, responses, parameters = [] } = operation
    const example = requestBody?.content['application/json']?.example
    expect(requestBody === undefined || example !== undefined).toBe(true)
    const address = path
      .replace('/executions/{id}', `/executions/${execution}`)
      .replace('{id}', incident)
      .replace('{name}', 'api-5xx-spike')
    const needsKey = parameters.some(({ in: where }) => where === 'header')
    const answer = await ask(stack, address, {
      method: method.toUpperCase(),
      ...(example === undefined
        ? {}
        : { body: JSON.stringify(example).replace('inc-4k2m9x7p0qzr', incident) }),
      ...(needsKey ? { key: 'k-1' } : {}),
    })
    expect(Object.keys(responses)).toContain(String(answer.status))
    expect(answer.status).toBeLessThan(300)
  },
)

test('the address of each thing that is listed leads to it', async () => {
  const { stack, incident, execution } = await asked()
  expect((await ask(stack, '/v1/approvals')).body).toMatchObject({
    approvals: [{ incidentId: incident, executionId: execution, subject: 'plan', by: 'sre', approvedBy: [] }],
  })
  expect((await ask(stack, '/v1/runbooks')).body).toMatchObject({
    runbooks: [{ runbook: 'api-5xx-spike', service: 'api', mode: 'approve' }],
  })
  expect((await ask(stack, `/v1/incidents/${incident}/pages`)).body).toMatchObject({
    pages: [{ stream: execution, step: 'page-1', state: 'sent' }],
  })
  const { body } = await ask(stack, `/v1/incidents/${incident}/entries`)
  expect(
    (body['entries'] as readonly { readonly address: string }[]).map(({ address }) => address),
  ).toContain('incident/0.0')
  expect((await ask(stack, `/v1/executions/${execution}/entries`)).text).not.toContain('"incident/0.0"')
  expect((await ask(stack, `/v1/executions/${execution}/steps`)).body).toEqual({ steps: [] })
  expect((await ask(stack, '/v1/incidents/inc-000000000000/pages')).status).toBe(404)
  expect((await ask(stack, '/v1/executions/hello/steps')).status).toBe(400)
})

test('whoever is limited to a service is listed what is of it', async () => {
  const { stack } = await asked()
  for (const path of ['/v1/approvals', '/v1/runbooks']) {
    expect(Object.values((await ask(stack, path, { services: ['api'] })).body)[0]).toHaveLength(1)
    expect(Object.values((await ask(stack, path, { services: ['other'] })).body)[0]).toHaveLength(0)
  }
})
