import { LIST, OPERATIONS, SIGNALS, TIMELINE } from './operations.ts'
import { openApi } from './openapi.ts'

interface Described {
  readonly operationId: string
  readonly summary: string
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly description?: string
    readonly schema: { readonly enum?: readonly string[] }
  }[]
  readonly requestBody?: {
    readonly content: { readonly [type: string]: { readonly schema: Schema; readonly example?: object } }
  }
  readonly responses: { readonly [status: string]: { readonly description: string } }
}

interface Schema {
  readonly properties?: {
    readonly [name: string]: Schema & { readonly description?: string; readonly enum?: readonly string[] }
  }
  readonly required?: readonly string[]
  readonly type?: string
  readonly const?: unknown
}

/** The reference of the API as Markdown, made of its description: nothing in it is written by hand. */
export function apiReference(): string {
  const { paths } = openApi() as unknown as {
    readonly paths: { readonly [path: string]: { readonly [method: string]: Described } }
  }
  const routes = [LIST, TIMELINE, SIGNALS, ...OPERATIONS]
  const parts = routes
    .map(({ method, path }) => ({ method, path, told: paths[path]?.[method] }))
    .toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
    .flatMap(({ method, path, told }) => (told ? [sectionOf(method, path, told)] : []))
  const head = [
    '# API reference',
    'Made of `/openapi.json` by `npm run gen`. [api.md](api.md) says how to sign in, what keys and tags are, and which role each takes.',
  ]
  return `${[...head, ...parts].join('\n\n')}\n`
}

function sectionOf(method: string, path: string, told: Described): string {
  const { summary, parameters = [], requestBody, responses } = told
  const asked = parameters.map(
    ({ name, in: where, required = false, description = '', schema }) =>
      `| \`${name}\` | ${where} | ${required ? 'yes' : 'no'} | ${[description, ...(schema.enum ? [schema.enum.map((one) => `\`${one}\``).join(', ')] : [])].filter((text) => text !== '').join(' ')} |`,
  )
  const body = requestBody?.content['application/json']
  const members = Object.entries(body?.schema.properties ?? {}).map(
    ([name, { description = '', enum: values }]) =>
      `| \`${name}\` | body | ${body?.schema.required?.includes(name) === true ? 'yes' : 'no'} | ${[description, ...(values ? [values.map((one) => `\`${one}\``).join(', ')] : [])].filter((text) => text !== '').join(' ')} |`,
  )
  const rows = [...asked, ...members]
  const answers = Object.entries(responses).map(
    ([status, { description }]) => `- **${status}**: ${description}`,
  )
  return [
    `## ${method.toUpperCase()} ${path}`,
    summary,
    ...(rows.length === 0
      ? []
      : [['| name | where | required | |', '|---|---|---|---|', ...rows].join('\n')]),
    ...(body?.example ? [['```json', JSON.stringify(body.example), '```'].join('\n')] : []),
    answers.join('\n'),
  ].join('\n\n')
}
