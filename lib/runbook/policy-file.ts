import { checkTeam } from './check-step.ts'
import { actions } from '../actions/index.ts'
import { didYouMean, quoted } from './diagnostics.ts'
import { parseForm } from './issues.ts'
import type { Path } from './places.ts'
import { policyForm } from './policy.ts'
import type { World } from './resolve.ts'
import { accountsOf, permitsMore, type Mode, type Policy } from './runbook.ts'
import type { Source } from './source.ts'

/** Reads policy.yaml; reports what is wrong with it by itself. */
export function readPolicy(source: Source | undefined, fileName: string): Policy | undefined {
  if (!source || source.value === undefined) return undefined
  const parsed = parseForm(policyForm, source.value)
  if (parsed.is === 'value') {
    const policy = parsed.value
    return { ...policy, places: placesOf(source, fileName, policy) }
  }
  for (const { code, path, message, ...options } of parsed.problems)
    source.report(code, path, message, options)
  return undefined
}

/** Rules for one each, by its name. */
const GROUPS = ['accounts', 'services', 'runbooks'] as const

/** Paths of the compiled policy, such as `services.api.maxCapacity` or `freeze.0`, with the line that says it. */
function placesOf(
  source: Source,
  fileName: string,
  policy: Omit<Policy, 'places'>,
): { readonly [path: string]: string } {
  const places: { [path: string]: string } = {}
  const note = (path: Path, written: Path): void => {
    places[path.join('.')] = `${fileName}:${source.lineOf(written)}`
  }
  for (const key of ['mode', 'escalateTo', 'executionsPerHour', 'maxShare', 'maxTargets'] as const)
    if (policy[key] !== undefined) note([key], [asWritten(key)])
  for (const group of GROUPS)
    for (const [name, rules] of Object.entries(policy[group]))
      for (const key of Object.keys(rules)) note([group, name, key], [group, name, asWritten(key)])
  for (const list of ['freeze', 'requireApproval'] as const)
    for (const index of policy[list].keys()) note([list, index], [asWritten(list), index])
  return places
}

function asWritten(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** Reports what the policy names and nothing has, and rules without effect. */
export function checkPolicy(source: Source, policy: Policy, world: World): void {
  checkTeam(source, ['escalate_to'], policy.escalateTo.slice('oncall@'.length), world, policy.escalateTo)
  for (const account of Object.keys(policy.accounts)) checkAccount(source, account, world)
  for (const service of Object.keys(policy.services))
    checkService(source, ['services', service], service, world, true)
  for (const list of ['freeze', 'requireApproval'] as const)
    for (const [index, rule] of policy[list].entries())
      for (const [at, service] of (rule.services ?? []).entries())
        checkService(source, [asWritten(list), index, 'services', at], service, world, false)
  for (const [index, rule] of policy.requireApproval.entries())
    for (const [at, verb] of (rule.actions ?? []).entries())
      checkVerb(source, ['require_approval', index, 'actions', at], verb)
  for (const group of GROUPS)
    for (const [name, rules] of Object.entries(policy[group]))
      checkEffect(source, [group, name], rules, policy)
}

/** Rules of a runbook that there is not would hold nothing, and look as if they did. */
export function checkRunbookRules(source: Source, policy: Policy, known: ReadonlySet<string>): void {
  for (const runbook of Object.keys(policy.runbooks)) {
    if (known.has(runbook)) continue
    source.report('UNKNOWN_RUNBOOK', ['runbooks', runbook], `there is no runbook "${runbook}"`, {
      onKey: true,
      suggestion: didYouMean(runbook, known) ?? `Runbooks: ${[...known].slice(0, 10).join(', ') || 'none'}.`,
    })
  }
}

/** Where an entry of services.yaml is wrong, its account may be the one that is meant: that mistake comes first. */
function checkAccount(source: Source, account: string, { services, serviceNames }: World): void {
  const known = accountsOf(services.values())
  if (services.size !== serviceNames?.size || known.includes(account)) return
  source.report('UNKNOWN_ACCOUNT', ['accounts', account], `services.yaml names no account "${account}"`, {
    onKey: true,
    suggestion: didYouMean(account, known) ?? `Accounts there: ${known.slice(0, 10).join(', ') || 'none'}.`,
  })
}

function checkService(source: Source, at: Path, service: string, world: World, onKey: boolean): void {
  if (!world.serviceNames || world.serviceNames.has(service)) return
  source.report('UNKNOWN_SERVICE', at, `services.yaml has no service "${service}"`, {
    onKey,
    suggestion: `Services there: ${[...world.serviceNames].slice(0, 10).join(', ') || 'none'}.`,
  })
}

function checkVerb(source: Source, at: Path, verb: string): void {
  const known = actions.filter((action) => action.verb === verb)
  if (known.length === 0) {
    const verbs = new Set(actions.map((action) => action.verb))
    source.report('UNKNOWN_ACTION', at, `there is no action ${quoted(verb)}`, {
      suggestion: didYouMean(verb, verbs) ?? `Actions: ${[...verbs].join(', ')}.`,
    })
  } else if (known.every((action) => action.effect === 'message')) {
    source.report('NOT_ALLOWED_HERE', at, `${quoted(verb)} reaches people: a message never asks`)
  }
}

/** Numbers of which the smaller holds: a larger one beside them says nothing. */
const LIMITS = {
  executionsPerHour: (one: number, all: number) =>
    `${one} an hour has no effect: all services together may have ${all}`,
  maxShare: (one: number, all: number) => `${one}% has no effect: the share above is ${all}%`,
  maxTargets: (one: number, all: number) => `${one} has no effect: the number above is ${all}`,
} as const

function checkEffect(
  source: Source,
  at: Path,
  rules: { readonly mode?: Mode } & { readonly [key in keyof typeof LIMITS]?: number },
  policy: Policy,
): void {
  if (rules.mode !== undefined && permitsMore(rules.mode, policy.mode)) {
    source.report(
      'OVER_POLICY',
      [...at, 'mode'],
      `mode ${rules.mode} has no effect: the mode above is ${policy.mode}`,
      { severity: 'warning', suggestion: 'The smaller of the two holds.' },
    )
  }
  for (const [key, message] of Object.entries(LIMITS)) {
    const limit = key as keyof typeof LIMITS
    const [one, all] = [rules[limit], policy[limit]]
    if (one !== undefined && all !== undefined && one > all)
      source.report('OVER_POLICY', [...at, asWritten(key)], message(one, all), { severity: 'warning' })
  }
}
