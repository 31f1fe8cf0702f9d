import * as z from 'zod'
import { issue, name } from './fields.ts'
import { services } from './access.ts'
import { address, secret } from './oncall.ts'
import type { Hook } from './runbook.ts'

/** Every kind of entry (docs/ledger.md); a test compares them with the ledger's own, which this folder cannot load. */
export const ENTRY_KINDS = [
  'incident.opened',
  'incident.recurred',
  'signal.attached',
  'incident.cleared',
  'incident.mitigated',
  'incident.resolved',
  'incident.acknowledged',
  'incident.noted',
  'execution.started',
  'execution.refused',
  'plan.recorded',
  'worker.tookover',
  'step.intended',
  'step.applied',
  'step.retried',
  'step.unsettled',
  'step.failed',
  'step.skipped',
  'step.waiting',
  'step.waited',
  'step.verified',
  'step.checking',
  'step.checked',
  'approval.requested',
  'step.approved',
  'step.denied',
  'approval.expired',
  'execution.escalated',
  'execution.aborted',
  'execution.stopped',
  'execution.finished',
  'undo.started',
  'paging.started',
] as const

/** What is told where a hook does not say: what somebody would want to know, and not every look and wait. */
export const NOTABLE = [
  'incident.opened',
  'incident.recurred',
  'incident.acknowledged',
  'incident.mitigated',
  'incident.resolved',
  'execution.started',
  'execution.refused',
  'execution.escalated',
  'execution.aborted',
  'execution.stopped',
  'execution.finished',
  'approval.requested',
  'step.approved',
  'step.denied',
  'step.failed',
] as const

const MAX_HOOKS = 20

const hook = z
  .strictObject({
    url: address.describe('Where it is posted to; https, or http on this machine only.'),
    secret: secret.describe(
      'Signs as Standard Webhooks says: whsec_ and base64, by name: ssm:/path or env:NAME.',
    ),
    events: z
      .array(z.enum(ENTRY_KINDS))
      .min(1)
      .max(50)
      .prefault([...NOTABLE])
      .describe('The kinds of entries that are told. Default: those that somebody acts on.'),
    services,
  })
  .describe('A program that is told what is put on record.')

/** hooks.yaml: by their names. */
export const hooksForm = z
  .record(name, hook)
  .superRefine((hooks, context) => {
    if (Object.keys(hooks).length > MAX_HOOKS)
      context.addIssue(issue('TOO_MANY', `at most ${MAX_HOOKS} hooks`))
  })
  .transform((hooks): { readonly [name: string]: Hook } => hooks)
  .describe('hooks.yaml: programs that are told what is put on record.')
