import * as z from 'zod'
import { accountNumber, mode, name, oncallAddress, percent } from './fields.ts'
import { freezeForm, services, severities } from './freeze.ts'
import {
  MAX_APPROVAL_RULES,
  MAX_CAPACITY,
  MAX_EXECUTIONS_PER_HOUR,
  MAX_FREEZES,
  MAX_STEPS,
} from './limits.ts'

const executionsPerHour = z.int().min(0).max(MAX_EXECUTIONS_PER_HOUR)

const maxShare = z.exactOptional(percent)
const maxTargets = z.exactOptional(z.int().min(1).max(MAX_STEPS))

const servicePolicy = z
  .strictObject({
    mode: z
      .exactOptional(mode)
      .describe('The most that runbooks may do to this service. Default: the mode above.'),
    max_capacity: z
      .exactOptional(z.int().min(1).max(MAX_CAPACITY))
      .describe(
        'No step takes the service above this many tasks. Default: only the limits of steps and of AWS.',
      ),
    executions_per_hour: z
      .exactOptional(executionsPerHour)
      .describe('Automatic executions started for this service in an hour. Default: only the number above.'),
    max_share: maxShare.describe('As above, for this service. Default: only the share above.'),
    max_targets: maxTargets.describe('As above, for this service. Default: only the number above.'),
  })
  .transform(({ mode: most, max_capacity, executions_per_hour, max_share, max_targets }) => ({
    ...(most === undefined ? {} : { mode: most }),
    ...(max_capacity === undefined ? {} : { maxCapacity: max_capacity }),
    ...(executions_per_hour === undefined ? {} : { executionsPerHour: executions_per_hour }),
    ...(max_share === undefined ? {} : { maxShare: max_share }),
    ...(max_targets === undefined ? {} : { maxTargets: max_targets }),
  }))
  .describe('Guardrails of one service.')

const accountPolicy = z
  .strictObject({
    executions_per_hour: z
      .exactOptional(executionsPerHour)
      .describe(
        'Automatic executions started in an hour for the services that services.yaml puts into this account. Default: only the numbers above.',
      ),
  })
  .transform(({ executions_per_hour }) =>
    executions_per_hour === undefined ? {} : { executionsPerHour: executions_per_hour },
  )
  .describe('Guardrails of one account.')

const runbookPolicy = z
  .strictObject({
    mode: z.exactOptional(mode).describe('The most that this runbook may do. Default: the mode above.'),
    executions_per_hour: z
      .exactOptional(executionsPerHour)
      .describe('Automatic executions of this runbook started in an hour. Default: only the numbers above.'),
  })
  .transform(({ mode: most, executions_per_hour }) => ({
    ...(most === undefined ? {} : { mode: most }),
    ...(executions_per_hour === undefined ? {} : { executionsPerHour: executions_per_hour }),
  }))
  .describe('Guardrails of one runbook.')

const approvalRule = z
  .strictObject({
    services: z.exactOptional(services).describe('Only these services. Default: all.'),
    severities: z.exactOptional(severities).describe('Only runbooks of these severities. Default: all.'),
    actions: z
      .exactOptional(z.array(name).min(1).max(MAX_STEPS))
      .describe('Only runbooks with a step of one of these verbs, such as rollback. Default: all.'),
  })
  .refine((rule) => Object.keys(rule).length > 0, {
    error: 'says for nothing in particular: for everything there is "mode: approve"',
  })
  .describe('What is not done before a person has approved the plan.')

/** All of policy.yaml. Beside what it says, the compiled policy knows on which lines it says it. */
export const policyForm = z
  .strictObject({
    mode: mode.describe(
      'The most that any runbook may do: shadow records only, approve asks first, auto acts. Default: none, it must be said.',
    ),
    escalate_to: oncallAddress.describe(
      'Who is paged when a runbook does not say: `oncall@<team>`. Default: none, it must be said.',
    ),
    executions_per_hour: executionsPerHour
      .prefault(20)
      .describe('Automatic executions started in an hour, over all services. Default 20.'),
    max_share: maxShare.describe(
      'The share of a fleet, or of its traffic, that a change may move, as a percentage. Default: no limit.',
    ),
    max_targets: maxTargets.describe(
      'How many different targets one execution may change. Default: no limit.',
    ),
    freeze: z
      .array(freezeForm)
      .max(MAX_FREEZES)
      .prefault([])
      .describe('Change freezes: windows in which nothing starts on its own. Default: none.'),
    require_approval: z
      .array(approvalRule)
      .max(MAX_APPROVAL_RULES)
      .prefault([])
      .describe('Services, severities and actions that a person must approve. Default: none.'),
    accounts: z
      .record(accountNumber, accountPolicy)
      .prefault({})
      .describe('Guardrails by account, of those that services.yaml names. Default: none.'),
    services: z.record(name, servicePolicy).prefault({}).describe('Guardrails by service. Default: none.'),
    runbooks: z.record(name, runbookPolicy).prefault({}).describe('Guardrails by runbook. Default: none.'),
  })
  .transform(({ escalate_to, executions_per_hour, max_share, max_targets, require_approval, ...rest }) => ({
    ...rest,
    requireApproval: require_approval,
    escalateTo: escalate_to,
    executionsPerHour: executions_per_hour,
    ...(max_share === undefined ? {} : { maxShare: max_share }),
    ...(max_targets === undefined ? {} : { maxTargets: max_targets }),
  }))
  .describe('policy.yaml: the guardrails that no runbook can exceed.')
