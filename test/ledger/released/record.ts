import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { ENTRY_VERSION } from '../../../lib/ledger/entry.ts'
import { listIncidents } from '../../../lib/ledger/head.ts'
import { incidentPk } from '../../../lib/ledger/records.ts'
import { CORPUS, kindsMissingIn, statesOf, streamsIn } from './corpus.ts'
import { scenarios } from './scenarios.ts'

/*
 * Records the runs of scenarios.ts that test/fixtures/ledger does not have yet: `node test/ledger/released/record.ts`. A file that
 * is there is never written again, so that what was released stays as it was released.
 */

const folder = new URL(`v${ENTRY_VERSION}/`, CORPUS)
mkdirSync(folder, { recursive: true })
for (const [name, play] of Object.entries(scenarios)) {
  const file = new URL(`${name}.ndjson`, folder)
  if (existsSync(file)) continue
  const { storage } = await play()
  const lines: string[] = []
  for (const { incidentId } of (await listIncidents(storage, 100)).toReversed())
    for (const item of await storage.query(incidentPk(incidentId), 'REC#')) {
      const [, stream] = item.sk.split('#')
      // The body is kept as the text that it was stored as: the hashes are of that.
      lines.push(`{"incidentId":"${incidentId}","stream":"${stream}","record":${item.body}}`)
    }
  const text = `${lines.join('\n')}\n`
  writeFileSync(file, text)
  const states = statesOf(await streamsIn(text))
  writeFileSync(new URL(`${name}.states.json`, folder), `${JSON.stringify(states, null, 1)}\n`)
  process.stdout.write(`${name}: ${lines.length} records\n`)
}
const missing = kindsMissingIn(ENTRY_VERSION)
process.stdout.write(
  missing.length === 0 ? 'every kind is there\n' : `still missing: ${missing.join(', ')}\n`,
)
