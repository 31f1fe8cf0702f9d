import type { Json } from '../json.ts'
import { informational, type Quiet } from './quiet.ts'
import { at, firstText, listAt, membersOf, textAt, type Members } from './read.ts'

/** Where AWS services write how a thing went. */
const OUTCOME = [
  ['state'],
  ['status'],
  ['result'],
  ['status-details', 'status'],
  ['current-state'],
  ['scan-status'],
  ['newEvaluationResult', 'complianceType'],
] as const

/** `ACTIVE` is not among them: findings are active. Neither is `ROLLBACK_COMPLETE`, and so only whole words count. */
const HARMLESS =
  /^((create|update|delete|import)_)?(succeeded|success|succeed|successful|complete|completed|completed_cleanup_in_progress|complete_cleanup_in_progress|running|started|starting|in_?progress|pending|queued|submitted|available|ok|healthy|passed|compliant|ready)$/i

/** What kind of event, or what member, tells of trouble whatever the outcome says. */
const TROUBLE_TYPE =
  /fail|error|alarm|alert|finding|insight|anomal|incident|issue|unhealthy|interrupt|warning|impair|unsuccessful|outage|failover|violation|shift/i
const TROUBLE_MEMBERS = [
  'error',
  'errorCode',
  'errorMessage',
  'error-code',
  'failureReason',
  'cause',
] as const

/**
 * What holds for the events of AWS that no rule knows by name: quiet only where the event's own word for its outcome is a
 * harmless one, and neither its kind nor a member speaks of trouble.
 */
export function quietOutcome(event: Members, detail: Json | undefined): Quiet | undefined {
  const type = textAt(event, 'detail-type') ?? ''
  if (!textAt(event, 'source')?.startsWith('aws.') || isPartner(event) || TROUBLE_TYPE.test(type))
    return undefined
  const word = firstText(detail, ...OUTCOME)
  if (word === undefined || !HARMLESS.test(word)) return undefined
  if (TROUBLE_MEMBERS.some((name) => textAt(detail, name) !== undefined)) return undefined
  const counts = membersOf(at(detail, 'finding-severity-counts'))
  if (counts && ['CRITICAL', 'HIGH'].some((level) => Number(counts[level] ?? 0) > 0)) return undefined
  return informational(
    `"${type}" of ${textAt(event, 'source') ?? ''} with the outcome ${word} is no incident`,
  )
}

/** `aws.partner/...` carries the events of others, which have words of their own. */
function isPartner(event: Members): boolean {
  return textAt(event, 'source')?.startsWith('aws.partner/') === true
}

/** Findings that passed, were dealt with or are archived; Security Hub reports each change of each. */
export function securityHub(_event: Members, detail: Json | undefined): Quiet | undefined {
  const findings = listAt(detail, 'findings') ?? []
  const settled = findings.every(
    (one) =>
      textAt(one, 'RecordState') === 'ARCHIVED' ||
      ['RESOLVED', 'SUPPRESSED'].includes(textAt(one, 'Workflow', 'Status') ?? '') ||
      textAt(one, 'Compliance', 'Status') === 'PASSED',
  )
  return findings.length > 0 && settled
    ? informational('each finding passed, was resolved or suppressed, or is archived')
    : undefined
}
