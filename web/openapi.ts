import * as z from 'zod'
import { PROBLEMS } from '../lib/problems.ts'
import { listQuery } from './list.ts'
import { LIST, OPERATIONS, SIGNALS, TIMELINE, type Operation } from './operations.ts'
import { TIMELINE_FORMATS } from './timeline.ts'

type Schema = { readonly [name: string]: unknown }

let made: Schema | undefined

/** The description of the API in OpenAPI 3.1, from the very forms that requests are checked against. */
export function openApi(): Schema {
  return (made ??= make())
}

function make(): Schema {
  const paths: { [path: string]: { [method: string]: Schema } } = {
    [LIST.path]: { [LIST.method]: describeList() },
    [TIMELINE.path]: { [TIMELINE.method]: describeTimeline() },
    [SIGNALS.path]: { [SIGNALS.method]: describeSignals() },
  }
  for (const operation of OPERATIONS) {
    const path = (paths[operation.path] ??= {})
    path[operation.method] = describe(operation)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Firebreak',
      version: '1.0.0',
      summary: 'Incidents, executions, approvals and the kill switch of one stack.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: { Problem: problem },
    },
  }
}

const problem = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'instance', 'code', 'requestId'],
  properties: {
    type: { type: 'string', format: 'uri', description: 'Where the code is explained.' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'What is wrong with this very request.' },
    instance: { type: 'string' },
    code: { type: 'string', enum: Object.keys(PROBLEMS) },
    requestId: { type: 'string', description: 'By which the log is searched.' },
  },
}

const failure = {
  description: 'A problem document of RFC 9457.',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
}

function describeList(): Schema {
  const { properties = {} } = schemaOf(listQuery) as {
    readonly properties?: { readonly [name: string]: Schema }
  }
  return {
    operationId: 'listIncidents',
    summary: LIST.summary,
    parameters: Object.entries(properties).map(([name, { description, ...schema }]) => ({
      name,
      in: 'query',
      ...(description === undefined ? {} : { description }),
      schema,
    })),
    responses: { '200': answer(LIST.answers), default: failure },
  }
}

function describeTimeline(): Schema {
  const names = TIMELINE_FORMATS.map(({ name }) => name)
  const content = Object.fromEntries(TIMELINE_FORMATS.map(({ type }) => [type, { schema: {} }]))
  return {
    operationId: operationId(TIMELINE.method, TIMELINE.path),
    summary: TIMELINE.summary,
    parameters: [
      ...pathParameters(TIMELINE.path),
      {
        name: 'format',
        in: 'query',
        description: 'For whoever cannot send the header Accept.',
        schema: { type: 'string', enum: names },
      },
    ],
    responses: { '200': { description: TIMELINE.answers, content }, default: failure },
  }
}

function describeSignals(): Schema {
  return {
    operationId: operationId(SIGNALS.method, SIGNALS.path),
    summary: SIGNALS.summary,
    // What each source sends is known by its parser, and no form of ours.
    requestBody: { required: true, content: { 'application/json': { schema: {} } } },
    responses: { '202': answer(SIGNALS.answers), default: failure },
  }
}

function pathParameters(path: string): Schema[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
}

function describe({ method, path, summary, body, example, needsKey, begun, answers }: Operation): Schema {
  const parameters = pathParameters(path)
  if (needsKey)
    parameters.push({
      name: 'Idempotency-Key',
      in: 'header',
      required: true,
      description: "The same caller's repeat with it does nothing twice.",
      schema: { type: 'string', minLength: 1, maxLength: 200 },
    })
  return {
    operationId: operationId(method, path),
    summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body
      ? {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: schemaOf(body), ...(example ? { example } : {}) } },
          },
        }
      : {}),
    responses: { [begun ? '202' : '200']: answer(answers), default: failure },
  }
}

function answer(description: string): Schema {
  return { description, content: { 'application/json': { schema: { type: 'object' } } } }
}

function schemaOf(form: z.ZodType): Schema {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(form, { io: 'input' })
  return schema
}

/** `postIncidentsIdNotes`: stable, and made of what the operation is called by. */
function operationId(method: string, path: string): string {
  const words = path
    .replace(/^\/v1\//, '')
    .split(/[/{}]+/)
    .filter((word) => word !== '')
  return method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
}
