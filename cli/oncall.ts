import { Argument, Option, type Command } from 'commander'
import type { Catalogue, Team } from '../lib/runbook/runbook.ts'
import type { Shift } from '../lib/runbook/schedule.ts'
import { contextOf, type Context } from './context.ts'
import { documented } from './documented.ts'
import { instant, wholeNumber } from './duration.ts'
import { EXIT, Failure } from './exit.ts'
import { compile, readFolder, runbookFolder } from './files.ts'
import { printable, table } from './output.ts'

interface Options {
  readonly at?: number
  readonly days: number
}

const DAY_MS = 86_400_000
/** A shift that lasts longer than this is told without its end. */
const LOOKED_AHEAD_MS = 60 * DAY_MS

export function register(program: Command): void {
  const command = program
    .command('oncall')
    .description(
      'Says who is on call by oncall.yaml: `who` for each team at a moment, `show` shift by shift. Read from the files here, so that a change can be tried before it is deployed.',
    )
    .addArgument(new Argument('<what>', 'who or show').choices(['who', 'show']))
    .argument('[team]', 'a team of oncall.yaml (default: all)')
    .addOption(
      new Option('--at <time>', 'at that time instead of now, such as 2026-12-24T18:00Z').argParser(instant),
    )
    .option('--days <count>', 'with show: so many days', wholeNumber(1, 366), 14)
    .action(async (what: 'who' | 'show', team: string | undefined, options: Options, self: Command) =>
      oncall(self, what, team, options),
    )
  documented(command, [
    ['firebreak oncall who', 'who is on call now, for each team'],
    ['firebreak oncall who sre --at 2026-12-24T18:00Z', 'and then'],
    ['firebreak oncall show sre --days 30', 'the shifts of a month'],
  ])
}

async function oncall(
  command: Command,
  what: 'who' | 'show',
  name: string | undefined,
  { at, days }: Options,
): Promise<void> {
  const context = contextOf(command)
  const teams = teamsOf(await catalogueOf(context), name)
  const { shiftsOf } = await import('../lib/runbook/schedule.ts')
  const atMs = at ?? context.terminal.now()
  const lengthMs = what === 'who' ? LOOKED_AHEAD_MS : days * DAY_MS
  const told = teams.map((team) => ({
    team,
    shifts: team.rota
      ? shiftsOf(team.rota.schedule, atMs, atMs + lengthMs).slice(0, what === 'who' ? 1 : Infinity)
      : [],
  }))
  if (context.settings.json) {
    context.printJson({
      at: new Date(atMs).toISOString(),
      teams: told.map(({ team, shifts }) => ({
        team: team.name,
        schedule: team.rota?.schedule.name ?? null,
        shifts: shifts.map((shift) => ({
          person: shift.person ?? null,
          from: new Date(shift.fromMs).toISOString(),
          until: new Date(shift.untilMs).toISOString(),
        })),
      })),
    })
    return
  }
  const { localText } = await import('../lib/runbook/calendar.ts')
  const heads = ['team', 'on call', ...(what === 'show' ? ['from'] : []), 'until', 'reached by']
  const rows = told.flatMap(({ team, shifts }) => {
    const zone = team.rota?.schedule.timeZone ?? 'UTC'
    const time = (ms: number) => `${localText(zone, ms)} ${zone}`
    const row = (person: string, shift: Shift | undefined) => [
      team.name,
      person,
      ...(what === 'show' ? [shift ? time(shift.fromMs) : ''] : []),
      // One that goes on behind what was looked at has no end to be told.
      shift && shift.untilMs < atMs + lengthMs ? time(shift.untilMs) : '',
      byText(team, shift),
    ]
    return team.rota
      ? shifts.map((shift) => row(shift.person ?? 'nobody', shift))
      : [row('its channels', undefined)]
  })
  const lines = table(heads, rows, {
    paint: context.paint,
    ...(context.terminal.outIsTty ? { columns: context.terminal.columns } : {}),
  })
  for (const line of lines) context.print(line)
  if (rows.some(([, person]) => person === 'nobody')) context.exit(EXIT.failed)
}

function byText({ channels, rota }: Team, shift: Shift | undefined): string {
  const own = shift?.person === undefined ? [] : (rota?.people[shift.person]?.channels ?? [])
  return [...own, ...channels].map(({ is }) => is).join(', ')
}

async function catalogueOf({ terminal, settings }: Context): Promise<Catalogue> {
  const folder = runbookFolder({ cwd: terminal.cwd, ...settings })
  const { catalogue } = await compile(readFolder(folder, terminal.cwd))
  if (catalogue) return catalogue
  throw new Failure(EXIT.failed, 'bad-runbooks', `the files in ${printable(folder)} have mistakes`, {
    remedy: 'See them with `firebreak lint`.',
  })
}

function teamsOf({ teams }: Catalogue, name: string | undefined): readonly Team[] {
  if (name === undefined) return Object.values(teams)
  const team = Object.hasOwn(teams, name) ? teams[name] : undefined
  if (team) return [team]
  throw new Failure(EXIT.usage, 'usage', `oncall.yaml has no team "${printable(name).slice(0, 60)}"`, {
    remedy: `There: ${Object.keys(teams).join(', ') || 'none'}.`,
  })
}
