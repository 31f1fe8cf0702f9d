import { accessForm } from './access.ts'
import { checkService } from './check-step.ts'
import { sortDiagnostics } from './diagnostics.ts'
import type { Diagnostic } from './diagnostics.ts'
import { globsOverlap } from '../glob.ts'
import { readEntries, report, type Entries } from './entries.ts'
import { hooksForm } from './hooks.ts'
import { MAX_RUNBOOKS } from './limits.ts'
import { readOncall } from './oncall-file.ts'
import { checkPolicy, checkRunbookRules, readPolicy } from './policy-file.ts'
import type { World } from './resolve.ts'
import { readRunbookFile } from './runbook-file.ts'
import type { PlacedRunbook } from './runbook-file.ts'
import type { Access, Catalogue, Hook, RunbookPlaces, Service, SlackSettings } from './runbook.ts'
import { serviceForm, servicesForm } from './services.ts'
import { checkSharedTargets } from './shared-targets.ts'
import { slackForm } from './slack.ts'
import { readSource } from './source.ts'
import type { Source } from './source.ts'

export interface CatalogueFile {
  readonly path: string
  readonly text: string
}

export interface Compiled {
  /** Present if and only if no diagnostic is an error. */
  readonly catalogue?: Catalogue
  /** All mistakes of all files, by file and place. */
  readonly diagnostics: readonly Diagnostic[]
  /** The text of each file by its path, for `renderDiagnostic`. */
  readonly sources: { readonly [path: string]: string }
}

/**
 * Compiles runbooks together with services.yaml, oncall.yaml and policy.yaml, which are recognised by their names; every
 * other file is a runbook file. Whatever the files hold, this throws nothing. Pure: the caller reads the files.
 */
export function compileCatalogue(files: readonly CatalogueFile[]): Compiled {
  const sources = files.map((file) => readSource(file.path, file.text))
  const missing: Diagnostic[] = []
  const only = (name: string, purpose?: string): Source | undefined => {
    const found = sources.filter((source) => baseName(source.path) === name)
    for (const second of found.slice(1)) {
      second.report('DUPLICATE_FILE', [], `there is another ${name}: ${found[0]?.path}`, {
        suggestion: 'Keep one of them.',
      })
    }
    if (found.length === 0 && purpose !== undefined) missing.push(missingFile(name, purpose, files))
    return found[0]
  }
  const services = readServices(only('services.yaml', 'what short words mean on AWS'))
  const teams = readOncall(only('oncall.yaml', 'who is on call'))
  const policySource = only('policy.yaml', 'the guardrails')
  const policy = readPolicy(policySource, 'policy.yaml')
  const world: World = {
    services: services.entries,
    serviceNames: services.names,
    teamNames: teams.names,
    policy,
  }
  if (policySource && policy) checkPolicy(policySource, policy, world)
  const access = readAccess(only('access.yaml'), world)
  const slack = readSlack(only('slack.yaml'), world)
  const hooks = readHooks(only('hooks.yaml'), world)
  const written = sources.filter((source) => !SETTINGS.has(baseName(source.path)))
  const runbooks = written.flatMap((source) => readRunbookFile(source, world))
  checkTogether(runbooks)
  // A runbook with a mistake of its own is not known by its name: that mistake comes first.
  if (policySource && policy && !written.some((source) => hasErrors(source)))
    checkRunbookRules(policySource, policy, new Set(runbooks.map(({ runbook }) => runbook.runbook)))
  const diagnostics = sortDiagnostics([...missing, ...sources.flatMap((source) => source.diagnostics)])
  const rest = { diagnostics, sources: Object.fromEntries(files.map((file) => [file.path, file.text])) }
  if (diagnostics.some((diagnostic) => diagnostic.severity === 'error') || !policy) return rest
  return {
    catalogue: {
      runbooks: runbooks.map((placed) => placed.runbook),
      services: Object.fromEntries(services.entries),
      teams: Object.fromEntries(teams.entries),
      policy,
      ...(access === undefined ? {} : { access }),
      ...(slack === undefined ? {} : { slack }),
      ...(hooks === undefined ? {} : { hooks }),
      places: Object.fromEntries(runbooks.map((placed) => [placed.runbook.runbook, placesOf(placed)])),
    },
    ...rest,
  }
}

function hasErrors({ diagnostics }: Source): boolean {
  return diagnostics.some((diagnostic) => diagnostic.severity === 'error')
}

function placesOf({ source, at, nameAt }: PlacedRunbook): RunbookPlaces {
  const given = at.reduce<unknown>(
    (value, step) => (value as { [key: PropertyKey]: unknown })[step],
    source.value,
  )
  const place = (key: string) => {
    const isGiven = typeof given === 'object' && given !== null && Object.hasOwn(given, key)
    return `${baseName(source.path)}:${source.lineOf(isGiven ? [...at, key] : nameAt)}`
  }
  return {
    mode: place('mode'),
    cooldown: place('cooldown'),
    flapping: place('flapping'),
    retryBudget: place('retry_budget'),
  }
}

/** Files that are no runbooks. access.yaml, slack.yaml and hooks.yaml may be missing: then nobody may use the API or act from Slack, and no program is told. */
const SETTINGS = new Set([
  'services.yaml',
  'oncall.yaml',
  'policy.yaml',
  'access.yaml',
  'slack.yaml',
  'hooks.yaml',
])

function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1).replace(/\.yml$/, '.yaml')
}

function missingFile(name: string, purpose: string, files: readonly CatalogueFile[]): Diagnostic {
  const first = files[0]?.path ?? ''
  const folder = first.slice(0, Math.max(first.lastIndexOf('/'), first.lastIndexOf('\\')) + 1)
  return {
    code: 'MISSING_FILE',
    severity: 'error',
    file: `${folder}${name}`,
    line: 1,
    column: 1,
    message: `the file is missing: it says ${purpose}`,
    suggestion: `Create ${name} beside the runbooks.`,
  }
}

function readServices(source: Source | undefined): Entries<Service> {
  const read = readEntries(source, servicesForm, serviceForm, (name, entry) => ({ name, ...entry }))
  if (source) checkSharedTargets(source, read.entries)
  return read
}

function readAccess(source: Source | undefined, world: World): Access | undefined {
  if (!source || source.value === undefined) return undefined
  const access = report(source, [], accessForm, source.value)
  const places = [
    ...(access?.tokens ?? []).map(({ name, services }) => ({ at: ['tokens', name], services })),
    ...(access?.principals ?? []).map(({ services }, index) => ({ at: ['principals', index], services })),
    ...(access?.signedIn.grants ?? []).map(({ services }, index) => ({
      at: ['signed_in', 'grants', index],
      services,
    })),
  ]
  for (const { at, services } of places)
    for (const [index, service] of (services ?? []).entries())
      checkService(source, [...at, 'services', index], service, world)
  return access
}

function readSlack(source: Source | undefined, world: World): SlackSettings | undefined {
  if (!source || source.value === undefined) return undefined
  const slack = report(source, [], slackForm, source.value)
  for (const service of Object.keys(slack?.channels ?? {}))
    checkService(source, ['channels', service], service, world)
  for (const [index, { services }] of (slack?.users ?? []).entries())
    for (const [place, service] of (services ?? []).entries())
      checkService(source, ['users', index, 'services', place], service, world)
  return slack
}

function readHooks(source: Source | undefined, world: World): { readonly [name: string]: Hook } | undefined {
  if (!source || source.value === undefined) return undefined
  const hooks = report(source, [], hooksForm, source.value)
  for (const [name, { services }] of Object.entries(hooks ?? {}))
    for (const [index, service] of (services ?? []).entries())
      checkService(source, [name, 'services', index], service, world)
  return hooks
}

/** What can only be seen with all runbooks at hand. */
function checkTogether(runbooks: readonly PlacedRunbook[]): void {
  const extra = runbooks[MAX_RUNBOOKS]
  if (extra)
    extra.source.report(
      'TOO_MANY',
      extra.nameAt,
      `there are ${runbooks.length} runbooks, the limit is ${MAX_RUNBOOKS}`,
    )
  const firsts = new Map<string, PlacedRunbook>()
  for (const placed of runbooks.slice(0, MAX_RUNBOOKS)) {
    const first = firsts.get(placed.runbook.runbook)
    if (first) {
      const place = `${first.source.path}:${first.source.lineOf(first.nameAt)}`
      placed.source.report(
        'DUPLICATE_RUNBOOK',
        placed.nameAt,
        `another runbook is called "${placed.runbook.runbook}": ${place}`,
        {
          suggestion: 'Each name stands for one runbook.',
        },
      )
      continue
    }
    for (const other of firsts.values()) warnOfOverlap(placed, other)
    firsts.set(placed.runbook.runbook, placed)
  }
}

function warnOfOverlap(placed: PlacedRunbook, other: PlacedRunbook): void {
  const globsOf = ({ runbook }: PlacedRunbook): string[] =>
    runbook.triggers.flatMap((trigger) => (trigger.is === 'alarm' ? [trigger.glob] : []))
  for (const mine of globsOf(placed)) {
    const theirs = globsOf(other).find((glob) => globsOverlap(mine, glob))
    if (theirs === undefined) continue
    const place = `${other.source.path}:${other.source.lineOf(other.nameAt)}`
    placed.source.report(
      'OVERLAPPING_TRIGGERS',
      placed.nameAt,
      `an alarm can match both "${mine}" and "${theirs}" of ${other.runbook.runbook} (${place})`,
      {
        severity: 'warning',
        suggestion: 'Both would start; the cooldown of the service then lets one of them act.',
      },
    )
    return
  }
}
