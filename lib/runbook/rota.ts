import type { Rota } from './runbook.ts'
import { onCallAt, shiftsOf, type Shift } from './schedule.ts'

/** Whom a level's name means at a moment: a person, or whoever is on call by a schedule; `undefined` where nobody is. Pure. */
export function pagedAt({ schedules, people }: Rota, page: string, atMs: number): string | undefined {
  const schedule = schedules[page]
  if (schedule) return onCallAt(schedule, atMs)
  return people[page] === undefined ? undefined : page
}

/** Whom it means from then until then. Pure. */
export function shiftsBy(
  { schedules }: Rota,
  page: string,
  fromMs: number,
  untilMs: number,
): readonly Shift[] {
  const schedule = schedules[page]
  return schedule ? shiftsOf(schedule, fromMs, untilMs) : [{ person: page, fromMs, untilMs }]
}
