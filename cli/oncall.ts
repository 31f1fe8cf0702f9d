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
  const { shiftsBy } = await import('../lib/runbook/rota.ts')
  const atMs = at ?? context.terminal.now()
  const lengthMs = what === 'who' ? LOOKED_AHEAD_MS : days * DAY_MS
  const told = teams.map(({ rota, ...team }) => ({
    team,
    rota,
    levels: (rota?.levels ?? []).map(({ page, forMs }) => ({
      page,
      forMs,
      zone: rota?.schedules[page]?.timeZone ?? 'UTC',
      shifts: (rota ? shiftsBy(rota, page, atMs, atMs + lengthMs) : []).slice(
        0,
        what === 'who' ? 1 : Infinity,
      ),
    })),
  }))
  if (context.settings.json) {
    context.printJson({
      at: new Date(atMs).toISOString(),
      teams: told.map(({ team, rota, levels }) => ({
        team: team.name,
        levels: levels.map(({ page, forMs, shifts }) => ({
          page,
          ...(rota?.policy ? { for_seconds: forMs / 1_000 } : {}),
          shifts: shifts.map((shift) => ({
            person: shift.person ?? null,
            from: new Date(shift.fromMs).toISOString(),
            until: new Date(shift.untilMs).toISOString(),
          })),
        })),
      })),
    })
    return
  }
  const { localText } = await import('../lib/runbook/calendar.ts')
  const heads = ['team', 'level', 'on call', ...(what === 'show' ? ['from'] : []), 'until', 'reached by']
  const rows = told.flatMap(({ team, rota, levels }) => {
    if (!rota) {
      const blank = what === 'show' ? ['', ''] : ['']
      return [[team.name, '', 'its channels', ...blank, byText(team, undefined)]]
    }
    return levels.flatMap(({ page, zone, shifts }, index) =>
      shifts.map((shift) => {
        const time = (ms: number) => `${localText(zone, ms)} ${zone}`
        return [
          team.name,
          `${index + 1} ${page}`,
          shift.person ?? 'nobody',
          ...(what === 'show' ? [time(shift.fromMs)] : []),
          // One that goes on behind what was looked at has no end to be told.
          shift.untilMs < atMs + lengthMs ? time(shift.untilMs) : '',
          byText({ ...team, rota }, shift),
        ]
      }),
    )
  })
  const lines = table(heads, rows, {
    paint: context.paint,
    ...(context.terminal.outIsTty ? { columns: context.terminal.columns } : {}),
  })
  for (const line of lines) context.print(line)
  if (rows.some(([, , person]) => person === 'nobody')) context.exit(EXIT.failed)
}

function byText({ channels, rota }: Pick<Team, 'channels' | 'rota'>, shift: Shift | undefined): string {
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
