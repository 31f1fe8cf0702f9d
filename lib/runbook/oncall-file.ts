import { didYouMean, quoted } from './diagnostics.ts'
import { localText } from './calendar.ts'
import { entriesOf, report, type Entries } from './entries.ts'
import { oncallForm, peopleForm, personForm, schedulesForm, teamForm } from './oncall.ts'
import type { Path } from './places.ts'
import type { Person, Team } from './runbook.ts'
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
    ...givenTeams
  } = value as {
    readonly [name: string]: unknown
  }
  report(source, ['people'], peopleForm, givenPeople)
  report(source, ['schedules'], schedulesForm, givenSchedules)
  report(source, [], oncallForm, givenTeams)
  const people = entriesOf(givenPeople, personForm, (_name, person) => person)
  const schedules = entriesOf(givenSchedules, scheduleForm, (name, schedule) => ({ name, ...schedule }))
  for (const schedule of schedules.entries.values()) checkSchedule(source, schedule, people)
  const forms = entriesOf(givenTeams, teamForm, (name, team) => ({ name, ...team }))
  const teams = new Map<string, Team>()
  for (const { name, schedule: scheduleName, channels = [] } of forms.entries.values()) {
    if (scheduleName === undefined) {
      teams.set(name, { name, channels })
      continue
    }
    if (!schedules.names?.has(scheduleName))
      unknown(source, [name, 'schedule'], 'UNKNOWN_SCHEDULE', scheduleName, schedules.names ?? new Set())
    const schedule = schedules.entries.get(scheduleName)
    if (schedule)
      teams.set(name, { name, channels, rota: { schedule, people: peopleOf(schedule, people.entries) } })
  }
  return { entries: teams, names: forms.names }
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
  source.report(code, at, `oncall.yaml has no ${quoted(name)} under ${what}`, {
    suggestion: didYouMean(name, known) ?? `There: ${[...known].slice(0, 10).join(', ') || 'nobody'}.`,
  })
}

function peopleOf(
  { layers, overrides }: Schedule,
  people: ReadonlyMap<string, Person>,
): { readonly [name: string]: Person } {
  const names = new Set([
    ...layers.flatMap((layer) => layer.people),
    ...overrides.map(({ person }) => person),
  ])
  return Object.fromEntries([...people].filter(([name]) => names.has(name)))
}
