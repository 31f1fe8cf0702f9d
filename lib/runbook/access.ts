import * as z from 'zod'
import { issue, name } from './fields.ts'
import { MAX_ENTRIES, MAX_TEXT_LENGTH } from './limits.ts'
import type { Access, ClaimGrant, PrincipalGrant, TokenGrant } from './runbook.ts'

export const role = z
  .enum(['reader', 'responder', 'approver', 'admin'])
  .describe(
    'What may be done: read; also start, stop, pause, acknowledge, note and resolve; also approve, resume and start despite a freeze; everything.',
  )

export const services = z
  .exactOptional(z.array(name).min(1).max(MAX_ENTRIES))
  .describe('Only incidents and runbooks of these services. Default: of all.')

const DAY_HELP = 'must be a date in quotes, such as "2027-01-31"'
const DAY_MS = 86_400_000

/** A token is good until the end of that day, in UTC. */
const expires = z
  .string({ error: DAY_HELP })
  .regex(/^\d{4}-\d{2}-\d{2}$/, { error: DAY_HELP })
  .transform((text, context) => {
    const midnight = Date.parse(`${text}T00:00:00Z`)
    // A day that no calendar has is counted on into the next month, or is none at all.
    if (Number.isFinite(midnight) && new Date(midnight).toISOString().startsWith(text))
      return midnight + DAY_MS
    context.addIssue(issue('BAD_FORMAT', DAY_HELP))
    return z.NEVER
  })

/** The message never repeats the value, since it may be a token. */
const hash = z.string().superRefine((value, context) => {
  if (/^[0-9a-f]{64}$/.test(value)) return
  context.addIssue(
    issue('LITERAL_SECRET', 'must be the SHA-256 of a token, 64 hex digits in lower case', {
      suggestion:
        'Make both with `firebreak token`. If this was a token, take its line out: the file has been seen.',
    }),
  )
})

const token = z
  .strictObject({
    role,
    services,
    sha256: hash.describe('The hash of the token. The token itself stands nowhere.'),
    expires: expires.describe('The last day on which it is accepted.'),
  })
  .describe('A bearer token.')

const principal = z
  .strictObject({
    arn: z
      .string()
      .max(MAX_TEXT_LENGTH)
      .regex(/^arn:aws[a-z-]*:(?:sts|iam)::\d{12}:[!-~]+$/, {
        error:
          'must be the ARN of an IAM user or of a role session; "*" stands for any text in its last part',
      })
      .describe('Who signs the request, as `aws sts get-caller-identity` says it. `*` stands for any text.'),
    role,
    services,
  })
  .describe('Whoever signs requests with AWS credentials.')

const claim = z.string().min(1).max(100)
const claimText = z.string().min(1).max(MAX_TEXT_LENGTH)

const grant = z
  .strictObject({
    claim: claim.describe('The name of the claim, such as `email` or `groups`.'),
    is: z.exactOptional(claimText).describe('The whole text of the claim; `*` stands for any text.'),
    has: z
      .exactOptional(
        claimText.regex(/^[^\s,[\]]+$/, { error: 'must be one word: API Gateway hands lists on as words' }),
      )
      .describe('One member of a claim that your identity provider issues as a list.'),
    role,
    services,
  })
  .superRefine(({ is, has }, context) => {
    if ((is === undefined) === (has === undefined))
      context.addIssue(issue('BAD_FORMAT', 'needs `is` or `has`, and not both'))
  })
  .describe('Whoever has signed in and whose token says this.')

/** All of access.yaml. */
export const accessForm = z
  .strictObject({
    tokens: z
      .record(name, token)
      .prefault({})
      .transform((tokens): readonly TokenGrant[] =>
        Object.entries(tokens).map(([holder, { expires: expiresAtMs, ...rest }]) => ({
          name: holder,
          expiresAtMs,
          ...rest,
        })),
      )
      .describe(
        'Bearer tokens by the name of whoever holds one: it stands on record for all that is done with it.',
      ),
    principals: z
      .array(principal)
      .max(MAX_ENTRIES)
      .prefault([])
      .transform((principals): readonly PrincipalGrant[] => principals)
      .describe('AWS principals; the first that matches counts.'),
    signed_in: z
      .strictObject({
        name: claim
          .prefault('sub')
          .describe(
            'The claim that stands on record as the name. Take one that nobody can set for themselves.',
          ),
        grants: z
          .array(grant)
          .max(MAX_ENTRIES)
          .prefault([])
          .transform((grants): readonly ClaimGrant[] => grants)
          .describe('The first that matches counts.'),
      })
      .prefault({})
      .transform(({ name: nameClaim, grants }): Access['signedIn'] => ({ nameClaim, grants }))
      .describe('People who sign in with an identity provider, where the API takes its tokens.'),
  })
  .transform(({ signed_in: signedIn, ...rest }): Access => ({ ...rest, signedIn }))
  .describe('access.yaml: who may ask what of the API. Without it nobody may.')
