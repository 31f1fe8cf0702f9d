import type { Schedule } from './schedule.ts'
import type { Json } from '../json.ts'

export type Severity = 'sev1' | 'sev2' | 'sev3' | 'sev4'
export type Mode = 'shadow' | 'approve' | 'auto'

const MODES: readonly Mode[] = ['shadow', 'approve', 'auto']

/** Whether this mode permits more than the other. */
export function permitsMore(mode: Mode, than: Mode): boolean {
  return MODES.indexOf(mode) > MODES.indexOf(than)
}

export type OnFailure = 'stop' | 'continue' | 'undo' | 'escalate'
/** What a step does whose target another execution has locked. */
export type OnLocked = 'wait' | 'skip'
export type OnTimeout = 'skip' | 'stop' | 'escalate'

/** A runbook as the engine runs it: the long form with every default in it, durations in milliseconds. */
export interface Runbook {
  readonly runbook: string
  readonly summary: string
  /** An entry of services.yaml. */
  readonly service: string
  readonly severity: Severity
  readonly mode: Mode
  /** How the whole plan is asked for in mode approve; by default whoever is called for everything else decides. */
  readonly approve?: Approve
  readonly triggers: readonly Trigger[]
  readonly holdDownMs: number
  readonly cooldownMs: number
  readonly keepOpenMs: number
  readonly flapping: { readonly changes: number; readonly withinMs: number }
  /** Repeated attempts over all steps of one execution. Absent in what an older version pinned: the default then. */
  readonly retryBudget?: number
  readonly steps: readonly StepNode[]
  readonly onResolved?: {
    /** Step ids, undone in reverse order of execution. */
    readonly undo: readonly string[]
    readonly afterMs: number
    /** How much of the added capacity one slow step takes away, in percent; 100 puts everything back at once. */
    readonly stepPercent: number
    readonly everyMs: number
    /** Absent in what an earlier version has pinned: then nothing ends the wait but the alarm. */
    readonly maxHold?: MaxHold
  }
}

/** What happens where the alarm is still not clear so long after the first change that is to be put back. */
export interface MaxHold {
  readonly forMs: number
  /** `page`: a person is called, and the undo goes on waiting; `undo`: it is put back all the same. */
  readonly atEnd: 'page' | 'undo'
}

export type Trigger =
  | { readonly is: 'alarm'; readonly glob: string }
  | { readonly is: 'pattern'; readonly pattern: { readonly [name: string]: Json } }

export type StepNode = Step | { readonly is: 'parallel'; readonly steps: readonly Step[] }

/** The alarms that the triggers name exactly; a glob names none. */
export function alarmsNamedBy({ triggers }: Pick<Runbook, 'triggers'>): readonly string[] {
  return triggers.flatMap((trigger) =>
    trigger.is === 'alarm' && !/[*?]/.test(trigger.glob) ? [trigger.glob] : [],
  )
}

/** Every step, those of parallel groups in their order. */
export function stepsOf({ steps }: Pick<Runbook, 'steps'>): readonly Step[] {
  return steps.flatMap((node) => (node.is === 'parallel' ? node.steps : [node]))
}

export type Step = ActionStep | CheckStep | WaitStep

interface StepBasics {
  /** Unique in the runbook; where the file gives none, the verb, with -2, -3 ... for repeats. */
  readonly id: string
  /** CEL. */
  readonly when?: string
  readonly onFailure: OnFailure
}

export interface ActionStep extends StepBasics {
  readonly is: 'action'
  /** `<verb> <kind>`: names one action of the registry. */
  readonly action: string
  /** Validated by that action's schema, which also judges what `references` come to. */
  readonly params: { readonly [name: string]: Json }
  /** Parameters whose value is read when the step begins: each a CEL expression. They do not stand in `params`. */
  readonly references?: { readonly [name: string]: string }
  readonly approve?: Approve
  readonly retry: Retry
  /** Absent where there is no lock (messages), and in what an older version pinned: it waits then. */
  readonly onLocked?: OnLocked
  /** From the first intent to the verdict. */
  readonly timeoutMs: number
}

export interface Approve {
  /** A team of oncall.yaml. */
  readonly by: string
  readonly timeoutMs: number
  readonly onTimeout: OnTimeout
  /** So many different people must approve; one where it is left out. */
  readonly quorum?: number
  /** Whoever started the execution by hand may not approve it. */
  readonly notSelf?: true
}

export interface Retry {
  /** Attempts in all, the first included. */
  readonly attempts: number
  readonly backoffMs: number
  readonly maxBackoffMs: number
}

export interface CheckStep extends StepBasics {
  readonly is: 'check'
  readonly probe:
    | { readonly is: 'alarm'; readonly state: 'ok' }
    | {
        readonly is: 'metric'
        /** A name under `metrics` of the service. */
        readonly metric: string
        readonly comparison: 'below' | 'at_most' | 'above' | 'at_least'
        readonly than: number
      }
  /** Good samples in a row that make it pass. */
  readonly samples: number
  readonly everyMs: number
  readonly withinMs: number
}

export interface WaitStep extends StepBasics {
  readonly is: 'wait'
  readonly forMs: number
}

/** What short words mean on AWS. One entry of services.yaml. */
export interface Service {
  readonly name: string
  /** Globs of the alarms that are about this service. */
  readonly alarms: readonly string[]
  readonly account?: string
  readonly region?: string
  /** A role to assume in the service's account. */
  readonly roleArn?: string
  readonly severity: Severity
  readonly ecs?: { readonly cluster: string; readonly service: string }
  readonly codedeploy?: { readonly application: string; readonly group: string }
  readonly lambda?: { readonly function: string; readonly alias: string }
  readonly records: { readonly [name: string]: WeightedRecord }
  readonly metrics: { readonly [name: string]: Metric }
}

/** Each account that a service names, once. What names none is in the stack's own, which no rule and no pause names. */
export function accountsOf(services: Iterable<Pick<Service, 'account'>>): readonly string[] {
  return [...new Set([...services].flatMap(({ account }) => account ?? []))]
}

export interface WeightedRecord {
  readonly zone: string
  readonly name: string
  readonly type: string
  readonly set: string
}

export interface Metric {
  readonly namespace: string
  readonly name: string
  readonly dimensions: { readonly [name: string]: string }
  /** `Average`, `Sum`, `p99` ... */
  readonly stat: string
  readonly periodMs: number
}

/** Who `oncall@sre` is: one team of oncall.yaml. Channels are tried in order until one accepts the page. */
export interface Team {
  readonly name: string
  /** With a rota: where none of the person on call has accepted the page, or nobody is on call. */
  readonly channels: readonly Channel[]
  readonly rota?: Rota
  /** Links by which a page can be acknowledged, where there are any. */
  readonly links?: AckLinks
}

/** Who of a team is paged in which order, and how they are reached. */
export interface Rota {
  /** The first is paged at once. */
  readonly levels: readonly [PageLevel, ...PageLevel[]]
  readonly schedules: { readonly [name: string]: Schedule }
  readonly people: { readonly [name: string]: Person }
  /** Where it says so: the next level is paged until somebody acknowledges. */
  readonly policy?: EscalationPolicy
}

export interface PageLevel {
  /** A schedule, or a person. */
  readonly page: string
  /** How long an acknowledgment is waited for before the next level is paged. */
  readonly forMs: number
}

export interface EscalationPolicy {
  /** How often all levels are gone through again after the first time. */
  readonly repeat: number
  /** An incident that stands so long after an acknowledgment is paged again; never where it is absent. */
  readonly ackTimeoutMs?: number
}

export interface AckLinks {
  /** Where the API is, without a slash at the end. */
  readonly url: string
  /** The name of the secret that signs them. */
  readonly secret: string
  readonly forMs: number
}

export interface Person {
  readonly channels: readonly Channel[]
  /** Of IANA. */
  readonly timeZone?: string
}

/** Secrets are named, never written: `ssm:/firebreak/pagerduty` or `env:PAGERDUTY_KEY`. */
export type Channel =
  | { readonly is: 'pagerduty'; readonly routingKey: string; readonly region: 'us' | 'eu' }
  | { readonly is: 'sns'; readonly topicArn: string }
  | { readonly is: 'slack'; readonly token: string; readonly channel: string }
  | { readonly is: 'email'; readonly from: string; readonly to: readonly string[] }
  | { readonly is: 'webhook'; readonly url: string; readonly secret: string }

/** The guardrails that no runbook can exceed. */
export interface Policy {
  /** The most that any runbook may do. */
  readonly mode: Mode
  /** Who is paged when a runbook does not say: `oncall@<team>`. */
  readonly escalateTo: string
  /** Automatic executions started in an hour, over all services. */
  readonly executionsPerHour: number
  /** The share of a fleet, or of its traffic, that a change may move, in percent. */
  readonly maxShare?: number
  /** How many different targets one execution may change. */
  readonly maxTargets?: number
  readonly freeze: readonly Freeze[]
  readonly requireApproval: readonly ApprovalRule[]
  /** By the account that services.yaml names. */
  readonly accounts: { readonly [account: string]: { readonly executionsPerHour?: number } }
  readonly services: {
    readonly [service: string]: {
      readonly mode?: Mode
      readonly maxCapacity?: number
      readonly executionsPerHour?: number
      readonly maxShare?: number
      readonly maxTargets?: number
    }
  }
  readonly runbooks: {
    readonly [runbook: string]: { readonly mode?: Mode; readonly executionsPerHour?: number }
  }
  /** Where each rule stands, by its path (`services.api.mode`, `freeze.0`): `policy.yaml:7`. Verdicts name it. */
  readonly places: { readonly [path: string]: string }
}

/** A change freeze: a calendar window without automatic change. */
export interface Freeze {
  readonly name: string
  readonly window: Window
  /** By its IANA name. */
  readonly timeZone: string
  /** Only these; absent: all. */
  readonly services?: readonly string[]
  readonly severities?: readonly Severity[]
  /** What becomes of a start within it. */
  readonly mode: 'refuse' | 'shadow' | 'approve'
}

/** What is not done before a person has approved the plan. All that is given must match; absent: any. */
export interface ApprovalRule {
  readonly services?: readonly string[]
  readonly severities?: readonly Severity[]
  /** Verbs: a runbook with a step of one of them. */
  readonly actions?: readonly string[]
}

/** Local times; those of dates in milliseconds as if they were UTC. */
export type Window =
  | { readonly is: 'once'; readonly fromLocalMs: number; readonly untilLocalMs: number }
  /** `until` is of the next day where it is not later than `from`. Sunday is 0. */
  | {
      readonly is: 'weekly'
      readonly days: readonly number[]
      readonly fromMinute: number
      readonly untilMinute: number
    }

/** Everything that the YAML files say, compiled; a cold start parses no YAML. */
export interface Catalogue {
  readonly runbooks: readonly Runbook[]
  readonly services: { readonly [name: string]: Service }
  readonly teams: { readonly [name: string]: Team }
  readonly policy: Policy
  /** Who may ask what of the API; nobody where it is not said. */
  readonly access?: Access
  /** The chat in which incidents are told and from which people act; none where there is no slack.yaml. */
  readonly slack?: SlackSettings
  /** Programs that are told what is put on record, by their names. */
  readonly hooks?: { readonly [name: string]: Hook }
  /** Where each runbook says its own guardrails. No part of the runbook: a line that moves changes no hash. */
  readonly places?: { readonly [runbook: string]: RunbookPlaces }
}

/** `api-5xx-spike.yaml:7` for each rule; where the file leaves one to its default, the line of the runbook's name. */
export interface RunbookPlaces {
  readonly mode: string
  readonly cooldown: string
  readonly flapping: string
  readonly retryBudget: string
}

/** What a RUNBOOK item pins: one runbook and all that it resolved to, so that a deployment changes nothing under way. */
export interface Pinned {
  readonly runbook: Runbook
  readonly service: Service
  readonly teams: { readonly [name: string]: Team }
}

/** From what may be read to everything; each may do what those before it may. */
export type Role = 'reader' | 'responder' | 'approver' | 'admin'

export interface Grant {
  readonly role: Role
  /** Only incidents and runbooks of these; of all where it is left out. */
  readonly services?: readonly string[]
}

export interface TokenGrant extends Grant {
  readonly name: string
  /** Hex, of the whole token. */
  readonly sha256: string
  readonly expiresAtMs: number
}

export interface PrincipalGrant extends Grant {
  /** With `*` for any text. */
  readonly arn: string
}

/** By a claim of whoever has signed in with an identity provider: its whole text, or one of the members of a list. */
export interface ClaimGrant extends Grant {
  readonly claim: string
  readonly is?: string
  readonly has?: string
}

/** What access.yaml says. */
export interface Access {
  readonly tokens: readonly TokenGrant[]
  readonly principals: readonly PrincipalGrant[]
  readonly signedIn: {
    /** The claim that stands on record as the person's name. */
    readonly nameClaim: string
    readonly grants: readonly ClaimGrant[]
  }
}

/** What slack.yaml says. */
export interface SlackSettings {
  /** The workspace's id; requests of others are refused. */
  readonly workspace: string
  /** The names of the secrets: what signs requests of Slack, and what we ask it with. */
  readonly signingSecret: string
  readonly token: string
  /** Where incidents are told. */
  readonly channel: string
  /** Where those of one service are told instead. */
  readonly channels: { readonly [service: string]: string }
  /** Where the pages are, for links. */
  readonly url?: string
  readonly users: readonly SlackUser[]
}

export interface SlackUser extends Grant {
  readonly id: string
  /** By which they stand on record, whichever surface they use. */
  readonly name: string
}

/** A program that is told what is put on record (hooks.yaml). */
export interface Hook {
  readonly url: string
  /** The name of the secret that signs. */
  readonly secret: string
  /** Kinds of entries. */
  readonly events: readonly string[]
  /** Only incidents of these; all where it is absent. */
  readonly services?: readonly string[]
}
