import * as z from 'zod'
import { ackPath, pageInLink } from '../ack-link.ts'
import { lines, oneLine, type Page } from '../channels/channel.ts'
import { sendBy, type Tried } from '../channels/index.ts'
import { isoTime } from '../clock.ts'
import { RetryableError, TerminalError } from '../errors.ts'
import { sha256 } from '../ids.ts'
import { localText } from '../runbook/calendar.ts'
import { pagedAt } from '../runbook/rota.ts'
import type { Team } from '../runbook/runbook.ts'
import type {
  Action,
  ApplyContext,
  Change,
  Occasion,
  Paging,
  Planned,
  Receipt,
  Shorthand,
  Target,
  TargetResult,
} from './action.ts'

const TEAM = '[A-Za-z0-9][A-Za-z0-9_.-]{0,63}'
const ADDRESS = new RegExp(`^oncall@(${TEAM})$`)

/** Every channel takes this much of a text; Slack, the narrowest, cuts at 3,000. */
const MAX_TEXT = 4_000
const MAX_SUMMARY = 200

const params = z.strictObject({
  to: z
    .string()
    .regex(ADDRESS, { error: 'must be oncall@<team>' })
    .describe('Who is paged: `oncall@<team>`, a team of oncall.yaml.'),
  message: z
    .exactOptional(z.string().min(1).max(500))
    .describe('What the page says beside what happened; at most 500 characters. Default: nothing.'),
})

export type NotifyParams = z.infer<typeof params>

export interface OncallTarget extends Target {
  /** A team of oncall.yaml. */
  readonly team: string
}

const channelSchema = z.discriminatedUnion('is', [
  z.strictObject({ is: z.literal('pagerduty'), routingKey: z.string(), region: z.enum(['us', 'eu']) }),
  z.strictObject({ is: z.literal('sns'), topicArn: z.string() }),
  z.strictObject({ is: z.literal('slack'), token: z.string(), channel: z.string() }),
  z.strictObject({ is: z.literal('email'), from: z.string(), to: z.array(z.string()) }),
  z.strictObject({ is: z.literal('webhook'), url: z.string(), secret: z.string() }),
])

const state = z.discriminatedUnion('is', [
  /** Nothing can be read about a page. */
  z.strictObject({ is: z.literal('unsent') }),
  z.strictObject({
    is: z.literal('page'),
    page: z.strictObject({
      key: z.string(),
      incidentId: z.string(),
      executionId: z.string(),
      runbook: z.string(),
      service: z.string(),
      severity: z.enum(['sev1', 'sev2', 'sev3', 'sev4']),
      onsetAtMs: z.int(),
      summary: z.string(),
      text: z.string(),
    }),
    /** Who was on call when it was planned, where a schedule or a level says so. */
    person: z.exactOptional(z.string()),
    /** What follows until somebody acknowledges. */
    paging: z.exactOptional(
      z.strictObject({
        team: z.string(),
        levels: z.array(z.strictObject({ page: z.string(), forMs: z.number() })),
        repeat: z.number(),
        ackTimeoutMs: z.exactOptional(z.number()),
        fallback: z.boolean(),
      }),
    ),
    /** By which link it is acknowledged; what signs it is named only. */
    links: z.exactOptional(z.strictObject({ url: z.string(), secret: z.string(), untilMs: z.number() })),
    /** In the order in which they are tried; secrets are named only. */
    channels: z.array(channelSchema),
  }),
])

export type NotifyState = z.infer<typeof state>
type PageState = Extract<NotifyState, { is: 'page' }>

const shorthand: Shorthand<NotifyParams> = {
  grammar: 'oncall@<team>',
  parse(text) {
    const start = text.length - text.trimStart().length
    const address = text.trim()
    if (ADDRESS.test(address)) return { is: 'params', params: { to: address } }
    const team = new RegExp(`^(?:on-?call@|@)?(${TEAM})$`, 'i').exec(address)?.[1] ?? 'sre'
    return {
      is: 'problem',
      message: `expected oncall@<team>, found ${address === '' ? 'nothing' : `"${oneLine(address, 80)}"`}`,
      start,
      end: start + address.length,
      suggestion: `oncall@${team}`,
    }
  },
}

function target(asked: Pick<NotifyParams, 'to'>): TargetResult<OncallTarget> {
  const team = ADDRESS.exec(asked.to)?.[1]
  return team === undefined
    ? { is: 'missing', path: 'to', message: `"${oneLine(asked.to, 80)}" is not oncall@<team>` }
    : { is: 'target', target: { team, locks: [], label: `on call of ${team}` } }
}

/** The whole page, so that a retry says the same under the same key. */
function plan(
  asked: NotifyParams,
  { team: name }: OncallTarget,
  _observed: NotifyState,
  occasion: Occasion,
): Planned<NotifyState> {
  const team = Object.hasOwn(occasion.teams, name) ? occasion.teams[name] : undefined
  if (!team) {
    const known = Object.keys(occasion.teams).join(', ')
    return { is: 'refused', reason: `oncall.yaml has no team "${name}"; it has: ${known || 'none'}` }
  }
  const { person, notes } = pagedOf(team, occasion)
  const reached = person === undefined ? undefined : team.rota?.people[person]
  const own = reached?.channels ?? []
  const channels = [...own, ...team.channels]
  if (channels.length === 0) {
    const nobody = team.rota ? 'nobody is on call, and it' : 'it'
    return {
      is: 'refused',
      reason: `nobody of team "${name}" of oncall.yaml can be reached: ${nobody} has no channels`,
    }
  }
  const paging = occasion.paging ? undefined : pagingOf(team)
  return {
    is: 'change',
    before: { is: 'unsent' },
    after: {
      is: 'page',
      page: pageOf(asked, occasion, reached?.timeZone),
      ...(person === undefined ? {} : { person }),
      ...(paging === undefined ? {} : { paging: { ...paging, levels: [...paging.levels] } }),
      ...linksOf(team, occasion),
      channels: channels.map((channel) =>
        channel.is === 'email' ? { ...channel, to: [...channel.to] } : { ...channel },
      ),
    },
    summary: `page ${person === undefined ? name : `${person} of ${name}`} by ${channels.map((channel) => channel.is).join(', then ')}`,
    ...(notes.length === 0 ? {} : { notes }),
  }
}

/** Whom the first level means, or the one whose turn it is. */
function pagedOf(
  { name, rota }: Team,
  { paging, nowMs }: Occasion,
): { readonly person: string | undefined; readonly notes: readonly string[] } {
  const page = paging ? paging.page : rota?.levels[0].page
  const person = rota && page !== undefined ? pagedAt(rota, page, nowMs) : undefined
  const notes =
    page !== undefined && person === undefined
      ? [`nobody is on call of ${name}: the schedule ${page} says nobody`]
      : []
  return { person, notes }
}

function pagingOf({ name, channels, rota }: Team): Paging | undefined {
  if (!rota?.policy) return undefined
  return { team: name, levels: rota.levels, ...rota.policy, fallback: channels.length > 0 }
}

function linksOf({ links }: Team, { nowMs }: Occasion): Pick<PageState, 'links'> {
  if (!links) return {}
  return { links: { url: links.url, secret: links.secret, untilMs: nowMs + links.forMs } }
}

function pageOf(asked: NotifyParams, occasion: Occasion, timeZone: string | undefined): Page {
  const reason = oneLine(occasion.reason, 1_000)
  const { paging } = occasion
  const unanswered =
    paging &&
    `Nobody has acknowledged it since ${isoTime(paging.sinceMs)}: level ${paging.level}, round ${paging.round}`
  const facts = [
    ...(unanswered === undefined ? [] : [unanswered, '']),
    ...(asked.message === undefined ? [] : [asked.message, '']),
    `Incident ${occasion.incidentId} (${occasion.severity}) of service ${occasion.service}`,
    `Since ${isoTime(occasion.onsetAtMs)}${timeZone === undefined ? '' : ` (${localText(timeZone, occasion.onsetAtMs)} in ${timeZone})`}`,
    ...(reason === '' ? [] : [`Reason: ${reason}`]),
    ...(occasion.alarm === undefined ? [] : [`Alarm: ${oneLine(occasion.alarm, 255)}`]),
    `Runbook ${occasion.runbook}, execution ${occasion.executionId}, step ${occasion.stepId}`,
  ]
  return {
    key: pageKey(occasion),
    incidentId: occasion.incidentId,
    executionId: occasion.executionId,
    runbook: occasion.runbook,
    service: occasion.service,
    severity: occasion.severity,
    onsetAtMs: occasion.onsetAtMs,
    summary: oneLine(
      `[${occasion.severity}] ${occasion.service}: ${reason || asked.message || occasion.runbook}`,
      MAX_SUMMARY,
    ),
    text: lines(facts.join('\n'), MAX_TEXT),
  }
}

/** `incident:level:round:reason`: what a provider recognises a repeated page by. Safe in headers and ids. */
function pageKey({ incidentId, executionId, stepId, paging }: Occasion): string {
  // Each stream counts its steps and pages for itself, so the stream is part of the reason.
  const stream = executionId.startsWith(`${incidentId}-`)
    ? executionId.slice(incidentId.length + 1)
    : executionId
  const why = `${stream.replace('.', '-')}-${stepId}`
  return `${incidentId}:${paging?.level ?? 1}:${paging?.round ?? 1}:${/^[\w-]{1,150}$/.test(why) ? why : sha256(why).slice(0, 16)}`
}

/**
 * Tries the channels in order until one accepts; no answer counts as not accepted, since being woken twice is better
 * than not at all. Throws with every channel's reason when none accepts: `TerminalError` only when every one refused
 * for good.
 */
async function apply(change: Change<OncallTarget, NotifyState>, context: ApplyContext): Promise<Receipt> {
  if (change.after.is !== 'page') throw new TerminalError('the change on record holds no page')
  const { channels } = change.after
  const page = await withLink(change.after, change.target.team, context.secret)
  const failed: Exclude<Tried, { accepted: true }>[] = []
  for (const channel of channels) {
    const tried = await sendBy(channel, page, context)
    if (tried.accepted) {
      return {
        operationId: `${tried.channel}/${tried.id}`,
        detail:
          failed.length === 0
            ? `accepted by ${tried.channel}`
            : `accepted by ${tried.channel}; before it ${listed(failed)}`,
      }
    }
    failed.push(tried)
  }
  const message = `no channel of ${change.target.team} accepted the page: ${listed(failed)}`
  if (!failed.some((tried) => tried.retryable)) throw new TerminalError(message)
  const waits = failed.flatMap((tried) => (tried.retryAfterMs === undefined ? [] : [tried.retryAfterMs]))
  // A channel that gave no time may take it at once, so the wait is never longer than the first of them.
  const known = waits.length === failed.filter((tried) => tried.retryable).length
  throw new RetryableError(message, known ? { retryAfterMs: Math.min(...waits) } : {})
}

/** A page never waits for its link: without the secret it goes out as it is. */
async function withLink(
  { page, person, links }: PageState,
  team: string,
  secret: ApplyContext['secret'],
): Promise<Page> {
  if (!links) return page
  const { incidentId, key } = page
  const { url, untilMs } = links
  const claims = {
    incidentId,
    team,
    untilMs,
    page: pageInLink(key),
    ...(person === undefined ? {} : { person }),
  }
  try {
    return { ...page, ackUrl: `${url}${ackPath(await secret(links.secret), claims)}` }
  } catch {
    return page
  }
}

function listed(failed: readonly Exclude<Tried, { accepted: true }>[]): string {
  return failed.map((tried) => `${tried.channel} ${tried.reason}`).join('; ')
}

/**
 * Pages a team by its channels. A page cannot be observed and is sent at least once; its key lets a provider recognise
 * a repetition (AWS.md 16). Its permissions are the channels': `channelPermissions` of `lib/channels/`.
 */
export const notifyOncall: Action<NotifyParams, OncallTarget, NotifyState> = {
  verb: 'notify',
  kind: 'oncall',
  summary: 'Pages the person on call of a team; when one channel fails the next is tried.',
  effect: 'message',
  params,
  references: { message: ['string'] },
  shorthand,
  state,
  observable: false,
  undoneByDefault: false,
  timing: { listLagMs: 0, staleMs: 0, verifyEveryMs: 5_000, timeoutMs: 300_000 },
  target,
  permissions: () => [],
  observe: () => Promise.resolve({ is: 'unsent' }),
  plan,
  paging: ({ after }) => (after.is === 'page' ? after.paging : undefined),
  apply,
  locate: () => ({ at: 'before' }),
  verify: (_change, { operationId }) =>
    Promise.resolve(
      operationId === undefined
        ? { verdict: 'inconclusive', reason: 'no channel is on record as having accepted the page' }
        : { verdict: 'passed', reason: `the page was accepted: ${operationId}`, values: { operationId } },
    ),
}
