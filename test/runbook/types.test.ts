import type * as z from 'zod'
import type {
  Approve,
  CheckStep,
  Person,
  Policy,
  Retry,
  Runbook,
  Service,
  Trigger,
} from '../../lib/runbook/runbook.ts'
import type { peopleForm, schedulesForm } from '../../lib/runbook/oncall.ts'
import type { Schedule } from '../../lib/runbook/schedule.ts'
import type { policyForm } from '../../lib/runbook/policy.ts'
import type { onResolvedForm, runbookForm, triggerForm } from '../../lib/runbook/schema.ts'
import type { servicesForm } from '../../lib/runbook/services.ts'
import type { approveForm, checkForm, retryForm } from '../../lib/runbook/step-parts.ts'

/** `true` where each type can stand for the other, member by member. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false
/** What a schema makes has no `readonly`; that is the one difference that is meant. */
type Loose<T> = T extends object ? { -readonly [K in keyof T]: Loose<T[K]> } : T
type Entry<T> = T extends { readonly [name: string]: infer E } ? E : never

// The compiler runs these: a schema and the interface that it fills cannot drift apart.
const approve: Same<Loose<z.output<typeof approveForm>>, Loose<Approve>> = true
const retry: Same<Loose<z.output<typeof retryForm>>, Loose<Retry>> = true
const trigger: Same<z.output<typeof triggerForm>, Trigger> = true
const check: Same<
  Loose<z.output<typeof checkForm>>,
  Loose<Pick<CheckStep, 'probe' | 'samples' | 'everyMs' | 'withinMs'>>
> = true
const service: Same<Loose<Entry<z.output<typeof servicesForm>>>, Loose<Omit<Service, 'name'>>> = true
const person: Same<Loose<Entry<z.output<typeof peopleForm>>>, Loose<Person>> = true
const schedule: Same<Loose<Entry<z.output<typeof schedulesForm>>>, Loose<Omit<Schedule, 'name'>>> = true
const policy: Same<Loose<z.output<typeof policyForm>>, Loose<Omit<Policy, 'places'>>> = true
const head: Same<
  Loose<Pick<z.output<typeof runbookForm>, 'runbook' | 'service' | 'mode' | 'triggers' | 'flapping'>>,
  Loose<Pick<Runbook, 'runbook' | 'service' | 'mode' | 'triggers' | 'flapping'>>
> = true
const onResolved: Same<
  Required<Loose<z.output<typeof onResolvedForm>>>,
  Required<Loose<NonNullable<Runbook['onResolved']>>>
> = true

test('what the schemas make is what the contracts say', () => {
  expect([approve, retry, trigger, check, service, person, schedule, policy, head, onResolved]).not.toContain(
    false,
  )
})
