import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'

/* `npm run test:dynamodb -- --endpoint URL [--table NAME]`: the storage conformance suite against a given endpoint. */

const USAGE = `npm run test:dynamodb -- --endpoint http://127.0.0.1:8000 [--table firebreak-conformance]

Runs the storage conformance suite against AWS or any endpoint that speaks DynamoDB's protocol. It creates the table
where it is missing, and leaves it and its items there. Credentials and region come from the standard SDK configuration.`

function main(): number {
  const { values } = parseArgs({ options: { endpoint: { type: 'string' }, table: { type: 'string' } } })
  const { endpoint, table } = values
  if (endpoint === undefined || !URL.canParse(endpoint)) {
    console.error(`--endpoint must be an address, not ${endpoint ?? 'nothing'}\n\n${USAGE}`)
    return 2
  }
  const jest = [process.execPath, '--experimental-vm-modules', 'node_modules/jest/bin/jest.js'] as const
  const run = spawnSync(jest[0], [...jest.slice(1), 'test/ledger/endpoint.test.ts'], {
    stdio: 'inherit',
    env: {
      ...process.env,
      FIREBREAK_DYNAMODB_ENDPOINT: endpoint,
      ...(table === undefined ? {} : { FIREBREAK_DYNAMODB_TABLE: table }),
    },
  })
  return run.status ?? 1
}

process.exitCode = main()
