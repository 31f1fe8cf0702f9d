import { createHmac } from 'node:crypto'
import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { countingStorage, type CountingStorage } from '../lib/ledger/counting.ts'
import { memoryStorage } from '../lib/ledger/memory.ts'
import type { OutboxMessage } from '../lib/outbox.ts'
import { requestOf, resultOf } from '../web/gateway.ts'
import { createWeb } from '../web/web.ts'
import { atMost, exactly, spreadOf, type Section } from './figures.ts'
import { appOn, firedAlarm, shippedCatalogue, START_AT_MS, turnOf } from './world.ts'

const SECRET = 'the signing secret of the bench'

export interface Acknowledged {
  readonly status: number
  /** Messages to the outbox, and requests to the ledger, before the answer. */
  readonly sent: number
  readonly ledger: number
  readonly ms: number
}

/** Slack's requests as API Gateway hands them on, one after the other, on ports that answer at once: what is left is ours. */
export async function acknowledge(
  bodies: readonly { readonly path: string; readonly body: string }[],
): Promise<readonly Acknowledged[]> {
  const storage = countingStorage(memoryStorage())
  const sent: OutboxMessage[] = []
  const { account } = firedAlarm()
  const slack = {
    workspace: 'T0',
    signingSecret: 'env:SIGNING',
    token: 'env:TOKEN',
    channel: 'C0',
    channels: {},
    users: [{ id: 'U0', name: 'ann', role: 'approver' as const }],
  }
  const base = appOn(storage, START_AT_MS, account.aws, account.http, { ...shippedCatalogue(), slack })
  const outbox = { send: async (message: OutboxMessage) => void sent.push(message) }
  const app = { ...base, ports: { ...base.ports, outbox, secret: async () => SECRET } }
  const web = createWeb()
  const answers: Acknowledged[] = []
  for (const { path, body } of bodies) {
    const before = { sent: sent.length, ledger: requestsTo(storage) }
    const event = eventOf(path, body)
    const beganMs = performance.now()
    const request = requestOf(event)
    if (!request) throw new Error('the bench made no request')
    const { statusCode = 0 } = await resultOf(
      await web.fetch(request, { app, turn: () => turnOf(app), requestId: 'b' }),
    )
    answers.push({
      status: statusCode,
      sent: sent.length - before.sent,
      ledger: requestsTo(storage) - before.ledger,
      ms: performance.now() - beganMs,
    })
  }
  return answers
}

function requestsTo(storage: CountingStorage): number {
  const { puts, gets, queries, due, listed } = storage.operations()
  const each = [puts, gets, queries].flatMap((counts) => Object.values(counts))
  return each.reduce((sum, count) => sum + count, due + listed)
}

function eventOf(path: string, body: string): APIGatewayProxyEventV2 {
  const timestamp = String(START_AT_MS / 1_000)
  const digest = createHmac('sha256', SECRET).update(`v0:${timestamp}:${body}`).digest('hex')
  return {
    version: '2.0',
    rawPath: path,
    rawQueryString: '',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-slack-request-timestamp': timestamp,
      'x-slack-signature': `v0=${digest}`,
    },
    requestContext: { domainName: 'api.example.com', stage: '$default', http: { method: 'POST', path } },
    body: Buffer.from(body).toString('base64'),
    isBase64Encoded: true,
  } as unknown as APIGatewayProxyEventV2
}

export function commandOf(text: string, trigger: number): { readonly path: string; readonly body: string } {
  const form = new URLSearchParams({
    team_id: 'T0',
    user_id: 'U0',
    channel_id: 'C0',
    text,
    trigger_id: String(trigger),
    response_url: 'https://hooks.slack.com/x',
  })
  return { path: '/slack/commands', body: form.toString() }
}

const RUNS = 500

/** What Slack waits for: it allows three seconds, and shows an error after them. */
export async function chat(): Promise<Section> {
  const commands = await acknowledge(
    Array.from({ length: RUNS }, (_unused, index) => commandOf('status', index)),
  )
  const [first] = commands
  const warm = commands.slice(50)
  return {
    name: 'chat',
    title: 'A command of Slack until it is acknowledged',
    lines: [
      {
        what: 'messages to the outbox before the answer',
        unit: '',
        figure: spreadOf(commands.map(({ sent }) => sent)),
        goal: exactly(1),
      },
      {
        what: 'requests to the ledger before the answer',
        unit: '',
        figure: spreadOf(commands.map(({ ledger }) => ledger)),
        goal: exactly(0),
      },
      {
        what: 'the first of a process',
        unit: 'ms',
        figure: first?.ms ?? Number.NaN,
        goal: atMost(1_000),
        note: 'loading the function stands under modules, as http',
      },
      {
        what: 'each further one',
        unit: 'ms',
        figure: spreadOf(warm.map(({ ms }) => ms)),
        goal: atMost(1_000),
      },
    ],
  }
}
