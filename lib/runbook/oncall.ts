import * as z from 'zod'
import { duration, issue, name, text } from './fields.ts'
import { MAX_CHANNELS, MAX_ENTRIES, MAX_LEVELS, MAX_REPEAT } from './limits.ts'
import { timeZone } from './local-time.ts'
import type { AckLinks, Channel, PageLevel, Person } from './runbook.ts'
import { scheduleForm } from './schedule-forms.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

const SECRET = /^(?:ssm:\/?[A-Za-z0-9_./-]{1,1000}|env:[A-Za-z_][A-Za-z0-9_]{0,255})$/

/** The name of a secret. The message never repeats the value, since it may be one. */
export const secret = z.string().superRefine((value, context) => {
  if (SECRET.test(value)) return
  context.addIssue(
    issue('LITERAL_SECRET', 'a secret must be named, not written: ssm:/path/of/parameter or env:NAME', {
      suggestion: 'If this was a real secret, replace it where it was issued: the file has been seen.',
    }),
  )
})

const email = z
  .string()
  .max(320)
  .regex(/^[^\s@<>"]+@[^\s@<>"]+$/, { error: 'must be an e-mail address' })

const pagerduty = z.strictObject({
  routing_key: secret.describe(
    'The integration key of a PagerDuty service (Events API v2), by name: ssm:/path or env:NAME.',
  ),
  region: z
    .enum(['us', 'eu'])
    .prefault('us')
    .describe('The service region of the PagerDuty account. Default us.'),
})

const sns = z.strictObject({
  topic_arn: z
    .string()
    .regex(/^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?$/, {
      error: 'must be the ARN of an SNS topic',
    })
    .describe('The ARN of the topic.'),
})

const slack = z.strictObject({
  token: secret.describe('The bot token, by name: ssm:/path or env:NAME.'),
  channel: z.string().min(1).max(80).describe('The id of the channel, such as C0123456789.'),
})

const mail = z.strictObject({
  from: email.describe('The sender; an identity verified in SES.'),
  to: z.array(email).min(1).max(MAX_CHANNELS).describe('The receivers.'),
})

/** An address that people or programs reach from elsewhere. */
export const address = text.regex(
  /^https:\/\/[^\s/?#@]+(?:[/?#]\S*)?$|^http:\/\/(?:127\.0\.0\.1|localhost)(?::\d{1,5})?(?:[/?#]\S*)?$/,
  { error: 'must be an https:// address without a password in it (http:// only on this machine)' },
)

const webhook = z.strictObject({
  url: address.describe('Where the page is posted to; https, or http on this machine only.'),
  secret: secret.describe('The signing secret, by name: ssm:/path or env:NAME.'),
})

const kinds = {
  pagerduty: z.exactOptional(pagerduty).describe('PagerDuty, Events API v2.'),
  sns: z.exactOptional(sns).describe('A topic of Amazon SNS.'),
  slack: z.exactOptional(slack).describe('A Slack channel.'),
  email: z.exactOptional(mail).describe('E-mail through Amazon SES.'),
  webhook: z.exactOptional(webhook).describe('An HTTP endpoint; requests are signed.'),
}

const channel = z
  .strictObject(kinds)
  .meta({ oneOf: Object.keys(kinds).map((kind) => ({ required: [kind] })) })
  .transform((form, context): Channel => {
    if (Object.keys(form).length > 1) {
      context.addIssue(
        issue('WRONG_VALUE', `one channel is one of ${Object.keys(kinds).join(' | ')}; begin each with "- "`),
      )
      return z.NEVER
    }
    if (form.pagerduty)
      return { is: 'pagerduty', routingKey: form.pagerduty.routing_key, region: form.pagerduty.region }
    if (form.sns) return { is: 'sns', topicArn: form.sns.topic_arn }
    if (form.slack) return { is: 'slack', ...form.slack }
    if (form.email) return { is: 'email', ...form.email }
    if (form.webhook) return { is: 'webhook', ...form.webhook }
    context.addIssue(issue('MISSING_KEY', `a channel is one of ${Object.keys(kinds).join(' | ')}`))
    return z.NEVER
  })

const channels = z.array(channel).min(1).max(MAX_CHANNELS)

/** One entry of `people` without its name. */
export const personForm = z
  .strictObject({
    channels: channels.describe('Ways to reach them, tried in this order until one accepts the page.'),
    time_zone: z
      .exactOptional(timeZone)
      .describe(
        'Where they live, by its IANA name, such as Europe/Berlin: their pages tell its time beside UTC.',
      ),
  })
  .transform(({ channels: ways, time_zone }): Person => ({
    channels: ways,
    ...(time_zone === undefined ? {} : { timeZone: time_zone }),
  }))
  .describe('Somebody who may be on call.')

const level = z
  .strictObject({
    page: name.describe('Who is paged: a name under schedules, or one under people.'),
    for: duration({ minMs: 0, maxMs: DAY_MS })
      .prefault('5m')
      .describe('How long an acknowledgment is waited for before the next level is paged. Default 5m.'),
  })
  .transform(({ page, for: forMs }): PageLevel => ({ page, forMs }))

/** One team of oncall.yaml without its name. */
export const teamForm = z
  .strictObject({
    schedule: z
      .exactOptional(name)
      .describe(
        'Who is on call when: a name under schedules. Whoever is on call is paged by their own channels.',
      ),
    levels: z
      .exactOptional(z.array(level).min(1).max(MAX_LEVELS))
      .describe('Instead of schedule: who is paged one after the other, until somebody acknowledges.'),
    repeat: z
      .exactOptional(z.int().min(0).max(MAX_REPEAT))
      .describe('How often the levels are gone through again. Default 0.'),
    ack_timeout: z
      .exactOptional(duration({ minMs: MINUTE_MS, maxMs: DAY_MS }))
      .describe(
        'An incident that is still open so long after an acknowledgment is paged again. Default: never.',
      ),
    channels: z
      .exactOptional(channels)
      .describe(
        'Ways to reach the team, tried in this order until one accepts the page; with a schedule or levels, where none of the person on call has, and after the last level.',
      ),
  })
  .superRefine(({ schedule, levels, repeat, ack_timeout, channels: ways }, context) => {
    if (schedule === undefined && levels === undefined && ways === undefined)
      context.addIssue(issue('MISSING_KEY', 'a team needs levels, a schedule, or channels'))
    if (schedule !== undefined && levels !== undefined)
      context.addIssue(issue('WRONG_VALUE', 'a team has either a schedule or levels', { path: ['levels'] }))
    if (levels !== undefined) return
    for (const [key, value] of Object.entries({ repeat, ack_timeout }))
      if (value !== undefined)
        context.addIssue(issue('WRONG_VALUE', `"${key}" is for a team with levels`, { path: [key] }))
  })
  .describe('One team: `oncall@<name>`.')

/** `acknowledge` of oncall.yaml: links in pages. */
export const linksForm = z
  .strictObject({
    url: address.describe('Where the API is, as people reach it: https://firebreak.example.com.'),
    secret: secret.describe('What signs the links, 32 characters or more, by name: ssm:/path or env:NAME.'),
    expires: duration({ minMs: MINUTE_MS, maxMs: 7 * DAY_MS })
      .prefault('12h')
      .describe('How long a link can be used. Default 12h.'),
  })
  .transform(({ url, secret: signing, expires }): AckLinks => ({
    url: url.replace(/\/+$/, ''),
    secret: signing,
    forMs: expires,
  }))
  .describe('Links by which whoever is paged can acknowledge.')

/** Keys of oncall.yaml that are no teams. */
export const peopleForm = z.record(name, personForm)
export const schedulesForm = z.record(name, scheduleForm)

/** The teams of oncall.yaml. */
export const oncallForm = z
  .record(name, teamForm)
  .refine((teams) => Object.keys(teams).length <= MAX_ENTRIES, { error: `at most ${MAX_ENTRIES} teams` })
  .describe('oncall.yaml: who `oncall@<team>` is.')
