import type * as z from 'zod'
import { didYouMean, quoted } from './diagnostics.ts'
import { localText } from './calendar.ts'
import { entriesOf, report, type Entries } from './entries.ts'
import { linksForm, oncallForm, peopleForm, personForm, schedulesForm, teamForm } from './oncall.ts'
import type { Path } from './places.ts'
import type { Person, Rota, Team } from './runbook.ts'
import { gapIn, type Schedule } from './schedule.ts'
import { scheduleForm } from './schedule-forms.ts'
import type { Source } from './source.ts'

/** The teams of oncall.yaml, each with whoever may be on call for it. Reports what is wrong with the file. */
export function readOncall(source: Source | undefined): Entries<Team> {
  const value = source?.value
  if (!source || value === undefined) return { entries: new Map(), names: undefined }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    report(source, [], oncallForm, value)
    return { entries: new Map(), names: undefined }
  }
  const {
    people: givenPeople = {},
    schedules: givenSchedules = {},
    acknowledge: givenLinks,
    ...givenTeams
  } = value as {
    readonly [name: string]: unknown
  }
  report(source, ['people'], peopleForm, givenPeople)
  report(source, ['schedules'], schedulesForm, givenSchedules)
  report(source, [], oncallForm, givenTeams)
  const links = givenLinks === undefined ? undefined : report(source, ['acknowledge'], linksForm, givenLinks)
  const people = entriesOf(givenPeople, personForm, (_name, person) => person)
  const schedules = entriesOf(givenSchedules, scheduleForm, (name, schedule) => ({ name, ...schedule }))
  for (const schedule of schedules.entries.values()) checkSchedule(source, schedule, people)
  for (const name of schedules.names ?? []) {
    if (people.names?.has(name))
      source.report('WRONG_VALUE', ['schedules', name], `${quoted(name)} is a person and a schedule`)
  }
  const forms = entriesOf(givenTeams, teamForm, (name, team) => ({ name, ...team }))
  const teams = new Map<string, Team>()
  for (const form of forms.entries.values()) {
    const rota = rotaOf(source, form, schedules, people)
    if (rota === 'wrong') continue
    const { name, channels = [] } = form
    teams.set(name, {
      name,
      channels,
      ...(rota === undefined ? {} : { rota }),
      ...(links === undefined ? {} : { links }),
    })
  }
  return { entries: teams, names: forms.names }
}

type TeamForm = z.output<typeof teamForm> & { readonly name: string }

/** Who of a team is paged in which order, with all that may be on call for it. */
function rotaOf(
  source: Source,
  { name, schedule, levels: given, repeat = 0, ack_timeout: ackTimeoutMs }: TeamForm,
  schedules: Entries<Schedule>,
  people: Entries<Person>,
): Rota | undefined | 'wrong' {
  const [first, ...rest] = given ?? (schedule === undefined ? [] : [{ page: schedule, forMs: 0 }])
  if (!first) return undefined
  const levels = [first, ...rest] as const
  const known = new Set([...(schedules.names ?? []), ...(given ? (people.names ?? []) : [])])
  for (const [index, { page }] of levels.entries()) {
    const at = given ? [name, 'levels', index, 'page'] : [name, 'schedule']
    if (!known.has(page)) unknown(source, at, 'UNKNOWN_SCHEDULE', page, known)
  }
  const named = levels.flatMap(({ page }) => schedules.entries.get(page) ?? [])
  const asked = new Set([...levels.map(({ page }) => page), ...named.flatMap(membersOf)])
  const reached = Object.fromEntries([...people.entries].filter(([person]) => asked.has(person)))
  if (levels.some(({ page }) => !schedules.entries.has(page) && reached[page] === undefined)) return 'wrong'
  return {
    levels,
    schedules: Object.fromEntries(named.map((one) => [one.name, one])),
    people: reached,
    ...(given === undefined
      ? {}
      : { policy: { repeat, ...(ackTimeoutMs === undefined ? {} : { ackTimeoutMs }) } }),
  }
}

function checkSchedule(source: Source, schedule: Schedule, people: Entries<Person>): void {
  const at: Path = ['schedules', schedule.name]
  const known = people.names ?? new Set<string>()
  const missing = (place: Path, person: string): void => {
    if (!known.has(person)) unknown(source, [...at, ...place], 'UNKNOWN_PERSON', person, known)
  }
  for (const [layer, { people: named }] of schedule.layers.entries())
    for (const [index, person] of named.entries()) missing(['layers', layer, 'people', index], person)
  for (const [index, { person }] of schedule.overrides.entries())
    missing(['overrides', index, 'person'], person)
  const gap = gapIn(schedule)
  if (!gap) return
  const { timeZone } = schedule
  const from = localText(timeZone, gap.fromMs)
  const until = localText(timeZone, gap.untilMs)
  source.report(
    'SCHEDULE_GAP',
    [...at, 'layers'],
    `nobody is on call from ${from} until ${until} (${timeZone})`,
    {
      suggestion: 'Put a layer without "during" before the others, or widen a window.',
    },
  )
}

function unknown(
  source: Source,
  at: Path,
  code: 'UNKNOWN_SCHEDULE' | 'UNKNOWN_PERSON',
  name: string,
  known: ReadonlySet<string>,
): void {
  const what = code === 'UNKNOWN_PERSON' ? 'people' : 'schedules'
  const there =
    known.size === 0 ? `Nothing is under ${what} yet.` : `There: ${[...known].slice(0, 10).join(', ')}.`
  source.report(code, at, `oncall.yaml has no ${quoted(name)} under ${what}`, {
    suggestion: didYouMean(name, known) ?? there,
  })
}

function membersOf({ layers, overrides }: Schedule): readonly string[] {
  return [...layers.flatMap((layer) => layer.people), ...overrides.map(({ person }) => person)]
}
