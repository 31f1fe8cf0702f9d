import * as z from 'zod'
import { mode, name, oncallAddress } from './fields.ts'
import { freezeForm } from './freeze.ts'
import { MAX_CAPACITY, MAX_EXECUTIONS_PER_HOUR, MAX_FREEZES } from './limits.ts'

const executionsPerHour = z.int().min(0).max(MAX_EXECUTIONS_PER_HOUR)

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
  })
  .transform(({ mode: most, max_capacity, executions_per_hour }) => ({
    ...(most === undefined ? {} : { mode: most }),
    ...(max_capacity === undefined ? {} : { maxCapacity: max_capacity }),
    ...(executions_per_hour === undefined ? {} : { executionsPerHour: executions_per_hour }),
  }))
  .describe('Guardrails of one service.')

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
    freeze: z
      .array(freezeForm)
      .max(MAX_FREEZES)
      .prefault([])
      .describe('Change freezes: windows in which nothing starts on its own. Default: none.'),
    services: z.record(name, servicePolicy).prefault({}).describe('Guardrails by service. Default: none.'),
    runbooks: z.record(name, runbookPolicy).prefault({}).describe('Guardrails by runbook. Default: none.'),
  })
  .transform(({ escalate_to, executions_per_hour, ...rest }) => ({
    ...rest,
    escalateTo: escalate_to,
    executionsPerHour: executions_per_hour,
  }))
  .describe('policy.yaml: the guardrails that no runbook can exceed.')
