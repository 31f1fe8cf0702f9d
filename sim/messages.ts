import type { Calls } from '../lib/aws/aws.ts'
import type { HttpAnswer, HttpRequest } from '../lib/http.ts'
import type { Answer } from './calls.ts'
import { nextUuid } from './chance.ts'
import { need, refuse } from './refusal.ts'
import { serveSlack } from './slack.ts'
import type { Message, Sim, World } from './world.ts'

/** PagerDuty's and SNS's own limits (AWS.md 16). */
const MAX_DEDUP_KEY = 255
const MAX_SUMMARY = 1_024
const MAX_SUBJECT = 100
const MAX_MESSAGE_BYTES = 262_144
const MAX_RECIPIENTS = 50

export function publish(sim: Sim, input: Calls['sns:Publish']['input']): Answer<'sns:Publish'> {
  const { world } = sim
  const invalid = (reason: string) => refuse('InvalidParameterException', `Invalid parameter: ${reason}`)
  const topic = need(input.TopicArn, () =>
    invalid('TopicArn or TargetArn Reason: no value for required parameter'),
  )
  const message = need(input.Message, () => invalid('Empty message'))
  if (Buffer.byteLength(message) > MAX_MESSAGE_BYTES) throw invalid('Message too long')
  if (input.Subject !== undefined && !/^[\x20-\x7e]{1,100}$/.test(input.Subject)) throw invalid('Subject')
  if (!world.topics.includes(topic)) throw refuse('NotFoundException', 'Topic does not exist', 404)
  const subject = input.Subject ?? message.slice(0, MAX_SUBJECT)
  const dedupKey = input.MessageAttributes?.['key']?.StringValue
  receive(world, {
    via: 'sns',
    to: topic,
    subject,
    body: message,
    ...(dedupKey === undefined ? {} : { dedupKey }),
    interrupts: true,
  })
  return { MessageId: nextUuid(world, 'message') }
}

export function sendEmail(sim: Sim, input: Calls['ses:SendEmail']['input']): Answer<'ses:SendEmail'> {
  const { world } = sim
  const from = need(input.FromEmailAddress, () =>
    refuse('BadRequestException', 'FromEmailAddress is required.'),
  )
  const to = [...(input.Destination?.ToAddresses ?? []), ...(input.Destination?.CcAddresses ?? [])]
  if (to.length === 0) throw refuse('BadRequestException', 'At least one destination is required.')
  if (to.length > MAX_RECIPIENTS)
    throw refuse('MessageRejected', `Recipient count exceeds ${MAX_RECIPIENTS}.`)
  const simple = need(input.Content?.Simple, () => refuse('BadRequestException', 'Content is required.'))
  const address = /<([^>]+)>/.exec(from)?.[1] ?? from
  const verified = world.mailIdentities.some(
    (identity) => address === identity || address.endsWith(`@${identity}`),
  )
  if (!verified) {
    const failed = `The following identities failed the check in region ${world.region.toUpperCase()}: ${address}`
    throw refuse('MessageRejected', `Email address is not verified. ${failed}`)
  }
  receive(world, {
    via: 'email',
    to: to.join(', '),
    subject: simple.Subject?.Data ?? '',
    body: simple.Body?.Text?.Data ?? simple.Body?.Html?.Data ?? '',
    interrupts: false,
  })
  return { MessageId: nextUuid(world, 'message') }
}

export function getParameter(
  sim: Sim,
  input: Calls['ssm:GetParameter']['input'],
): Answer<'ssm:GetParameter'> {
  const { world } = sim
  const name = need(input.Name, () => refuse('ValidationException', 'Name must not be null'))
  const parameter = need(world.parameters[name], () =>
    refuse('ParameterNotFound', `Parameter ${name} not found.`),
  )
  const readable = !parameter.secure || input.WithDecryption === true
  return {
    Parameter: {
      Name: name,
      Type: parameter.secure ? 'SecureString' : 'String',
      Value: readable ? parameter.value : `AQICAH${Buffer.from(name).toString('base64')}`,
      Version: 1,
      LastModifiedDate: new Date(world.tickedMs),
      ARN: `arn:aws:ssm:${world.region}:${world.account}:parameter${name.startsWith('/') ? '' : '/'}${name}`,
      DataType: 'text',
    },
  }
}

/**
 * PagerDuty, Slack, and any other address as a webhook that accepts everything. Throws as `fetch` does where the account
 * was told that the network fails.
 */
export function answerHttp(sim: Sim, request: HttpRequest): HttpAnswer {
  const { world } = sim
  const url = new URL(request.url)
  const fault = world.faults.http[url.host]
  if (fault && fault.times > 0) {
    fault.times -= 1
    if (fault.status === 0) throw new TypeError(`fetch failed: ${url.host} did not answer`)
    return answer(fault.status, fault.body)
  }
  if (/^events(\.eu)?\.pagerduty\.com$/.test(url.host) && url.pathname === '/v2/enqueue') {
    return enqueuePage(world, request.body)
  }
  // A page is somebody's, and goes to the inbox as well; what stands in a channel is the workspace's.
  if (url.host === 'slack.com' && url.pathname === '/api/chat.postMessage' && isPage(request.body))
    return postToSlack(world, request)
  if (url.host === 'slack.com' || url.host === 'hooks.slack.com')
    return serveSlack(world, request, parse(request.body))
  receive(world, {
    via: 'webhook',
    to: request.url,
    subject: `POST ${url.pathname}`,
    body: request.body,
    interrupts: true,
  })
  return answer(200, '{"ok":true}')
}

interface PagerDutyEvent {
  routing_key?: string
  event_action?: string
  dedup_key?: string
  payload?: { summary?: string; source?: string; severity?: string }
}

function enqueuePage(world: World, body: string): HttpAnswer {
  const event: PagerDutyEvent | undefined = parse(body)
  const errors = event ? pageProblems(event) : ['The body is not JSON']
  if (!event || errors.length > 0) {
    return answer(
      400,
      JSON.stringify({ status: 'invalid event', message: 'Event object is invalid', errors }),
    )
  }
  const key = event.dedup_key ?? nextUuid(world, 'dedup').replaceAll('-', '')
  const page = world.pages[key]
  if (event.event_action === 'trigger') {
    // A trigger joins the page that is open; after its end it opens a new one, and wakes somebody.
    const interrupts = page?.open !== true
    world.pages[key] = { open: true, acknowledged: interrupts ? false : (page?.acknowledged ?? false) }
    const subject = event.payload?.summary ?? ''
    receive(world, {
      via: 'pagerduty',
      to: event.routing_key ?? '',
      subject,
      body,
      dedupKey: key,
      interrupts,
    })
  } else if (page?.open) {
    if (event.event_action === 'resolve') page.open = false
    else page.acknowledged = true
  }
  return answer(202, JSON.stringify({ status: 'success', message: 'Event processed', dedup_key: key }))
}

function pageProblems(event: PagerDutyEvent): string[] {
  const problems: string[] = []
  if (event.routing_key?.length !== 32) problems.push("'routing_key' is missing or has not 32 characters")
  const action = event.event_action ?? ''
  if (!['trigger', 'acknowledge', 'resolve'].includes(action))
    problems.push("'event_action' is missing or invalid")
  if ((event.dedup_key ?? '').length > MAX_DEDUP_KEY) problems.push("'dedup_key' is too long")
  if (action !== 'trigger') return problems
  const { summary, source, severity } = event.payload ?? {}
  if (!summary || summary.length > MAX_SUMMARY)
    problems.push("'payload.summary' is missing, blank or too long")
  if (!source) problems.push("'payload.source' is missing or blank")
  if (!['critical', 'error', 'warning', 'info'].includes(severity ?? '')) {
    problems.push("'payload.severity' is missing or invalid")
  }
  return problems
}

/** A page bears its key. */
function isPage(body: string): boolean {
  return /inc-[0-9a-z]{12}:\d+:\d+:/.test(body)
}

/** Slack tells its refusals with status 200. */
function postToSlack(world: World, request: HttpRequest): HttpAnswer {
  const authorization = Object.entries(request.headers).find(
    ([name]) => name.toLowerCase() === 'authorization',
  )?.[1]
  const message: { channel?: string; text?: string } | undefined = parse(request.body)
  const no = (error: string) => answer(200, JSON.stringify({ ok: false, error }))
  if (authorization?.startsWith('Bearer xoxb-') !== true)
    return no(authorization === undefined ? 'not_authed' : 'invalid_auth')
  if (!message?.channel) return no('channel_not_found')
  if (!message.text) return no('no_text')
  const { channel, text } = message
  receive(world, { via: 'slack', to: channel, subject: text, body: request.body, interrupts: true })
  const ts = `${Math.floor(world.nowMs / 1000)}.${String(world.inbox.length).padStart(6, '0')}`
  return answer(200, JSON.stringify({ ok: true, channel, ts, message: { text, ts } }))
}

function receive(world: World, message: Omit<Message, 'atMs'>): void {
  world.inbox.push({ atMs: world.nowMs, ...message })
}

function answer(status: number, body: string): HttpAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body }
}

function parse(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
