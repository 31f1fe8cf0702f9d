import { addNote } from '../../lib/decide.ts'
import { ANN, calmStack, catalogueOf, entriesOfKind, fire, play, runbookText } from '../line/calm.ts'
import { ask } from './asked.ts'

async function told() {
  const stack = calmStack(catalogueOf([runbookText('- scale_out: { ecs: api, by: 50% }')]))
  fire(stack)
  await play(stack, 5)
  const [{ stream } = { stream: '' }] = await entriesOfKind(stack, 'execution.started')
  const incidentId = stream.slice(0, 16)
  const notes = [
    '=HYPERLINK("http://evil.example")',
    '+1',
    '-1+1',
    '@SUM(A1)',
    '\t=1',
    'a "quoted", text',
    '<script>alert(1)</script>',
  ]
  for (const note of notes) await addNote(stack.app, incidentId, ANN, note)
  return { stack, incidentId, executionId: stream, notes }
}

/** The cells of a table in RFC 4180. */
function cellsOf(csv: string): string[][] {
  return csv
    .split('\r\n')
    .slice(0, -1)
    .map((line) =>
      [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)].map(([, quoted, bare]) =>
        quoted === undefined ? (bare ?? '') : quoted.replaceAll('""', '"'),
      ),
    )
}

test.each([
  ['application/json', 'application/json', '{"format":"firebreak.timeline/1"'],
  ['text/markdown', 'text/markdown; charset=utf-8', '# '],
  ['text/csv', 'text/csv; charset=utf-8', 'at,seconds_since_detection,'],
  ['application/x-ndjson', 'application/x-ndjson; charset=utf-8', '{"at":'],
  ['application/cloudevents-batch+json', 'application/cloudevents-batch+json', '[{"specversion":"1.0"'],
  ['*/*', 'application/json', '{"format"'],
  ['text/csv;q=0.5, text/markdown', 'text/markdown; charset=utf-8', '# '],
  ['text/*', 'text/html; charset=utf-8', '<!doctype html>'],
  ['text/html', 'text/html; charset=utf-8', '<!doctype html>'],
  ['image/png, */*;q=0.1', 'application/json', '{"format"'],
])('one address for all formats: %s', async (accept, type, begins) => {
  const { stack, incidentId } = await told()
  const { status, headers, text } = await ask(stack, `/v1/incidents/${incidentId}/timeline`, {
    headers: { accept },
  })
  expect([status, headers.get('content-type'), headers.get('vary')]).toEqual([200, type, 'Accept'])
  expect(text.startsWith(begins)).toBe(true)
})

test('a format may be named, an execution stands for its incident, and what has not changed is not sent again', async () => {
  const { stack, incidentId, executionId } = await told()
  const one = await ask(stack, `/v1/incidents/${incidentId}/timeline?format=csv`, {
    headers: { accept: 'text/html' },
  })
  const other = await ask(stack, `/v1/incidents/${executionId}/timeline`, { headers: { accept: 'text/csv' } })
  expect(other.text).toBe(one.text)
  expect(one.headers.get('content-disposition')).toBe(`attachment; filename="${incidentId}.csv"`)
  const headers = { 'if-none-match': one.headers.get('etag') ?? '' }
  expect((await ask(stack, `/v1/incidents/${incidentId}/timeline?format=csv`, { headers })).status).toBe(304)
  expect((await ask(stack, `/v1/incidents/${incidentId}/timeline?format=md`, { headers })).status).toBe(200)
})

test('no cell of the CSV is calculated, and all of them can be read back', async () => {
  const { stack, incidentId, notes } = await told()
  const { text } = await ask(stack, `/v1/incidents/${incidentId}/timeline?format=csv`)
  const [head = [], ...rows] = cellsOf(text)
  expect(rows.every((row) => row.length === head.length)).toBe(true)
  const calculated = rows.flat().filter((cell) => /^[=+@\t\r]/.test(cell) || /^-(?![\d.]+$)/.test(cell))
  expect(calculated).toEqual([])
  const what = rows.map((row) => row[head.indexOf('what')] ?? '')
  for (const note of notes) expect(what.some((cell) => cell.includes(note.trim()))).toBe(true)
})

test('the lines and the events are the rows of the JSON, each event with a name of its own', async () => {
  const { stack, incidentId } = await told()
  const get = async (format: string) =>
    (await ask(stack, `/v1/incidents/${incidentId}/timeline?format=${format}`)).text
  const { rows } = JSON.parse(await get('json')) as {
    rows: readonly { readonly address: string; readonly kind: string }[]
  }
  expect(
    (await get('ndjson'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toEqual(rows)
  const events = JSON.parse(await get('cloudevents')) as { id: string; source: string; type: string }[]
  expect(events.map(({ id, type }) => [id, type])).toEqual(
    rows.map(({ address, kind }) => [address, `firebreak.${kind}`]),
  )
  expect(new Set(events.map(({ id, source }) => `${source} ${id}`)).size).toBe(events.length)
})
