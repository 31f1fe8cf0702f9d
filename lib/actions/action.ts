import type * as z from 'zod'
import type { Aws } from '../aws/aws.ts'
import type { Http } from '../http.ts'
import type { Blocked } from '../interlocks.ts'
import type { Json } from '../json.ts'
import type { FieldType } from '../probes/probe.ts'
import type { PageLevel, Service, Severity, Team } from '../runbook/runbook.ts'
import type { Verdict } from '../verdict.ts'

/**
 * One way to change AWS, or to reach a person. One action is one file in this folder and one exported object; the list
 * in `index.ts` names them all, and nothing outside this folder knows an action's name.
 *
 * P: the parameters as written in a runbook (long form). T: what they name on AWS. S: the part of the live state that
 * the action may change, absolute and complete enough to be put back.
 */
export interface Action<P, T extends Target, S extends Json> {
  /** The key in YAML: `scale_out`. */
  readonly verb: string
  /** The kind of thing it acts on: `ecs`. A verb and a kind name an action. */
  readonly kind: string
  /** One sentence for help, docs and the editor. */
  readonly summary: string
  /** `reversible` has `undo`; `irreversible` asks for approval by default; a `message` never asks and is sent at least once. */
  readonly effect: 'reversible' | 'irreversible' | 'message'
  /** Schema of the long form. Its output is `P`; unknown keys are errors. */
  readonly params: z.ZodType<P>
  /**
   * The parameters that may be `${...}` references, with the types that they take; the schema takes 1, `true` or `text` for
   * the first. None of them decides what the step acts on: `target` is never given them. Absent: all are literals.
   */
  readonly references?: { readonly [name in KeyOfEach<P>]?: readonly ReferenceType[] }
  /** Reads the compact form: `ecs service api +50%`. */
  readonly shorthand: Shorthand<P>
  /** Parses what the ledger holds of a state; stored state is parsed, not cast. */
  readonly state: z.ZodType<S>
  /** Whether applied changes can be seen afterwards; without it an unknown outcome is never repeated (messages excepted). */
  readonly observable: boolean
  /** Whether the runbook that leaves `on_resolved` out puts this action's change back. */
  readonly undoneByDefault: boolean
  readonly timing: Timing
  /** What the parameters name on AWS, or why they name nothing. Pure: lint and start call it, by `lib/runbook/static-target.ts`. */
  target(params: P, service: Service): TargetResult<T>
  /** Exactly what observe, apply, verify and undo call. Pure. */
  permissions(target: T): readonly Statement[]
  /** Reads the live state; never changes anything. Throws when it cannot be read. */
  observe(target: T, context: ObserveContext): Promise<S>
  /** The change that the parameters ask for, given the state as observed; absolute. Pure. */
  plan(params: P, target: T, observed: S, occasion: Occasion): Planned<S>
  /**
   * How much of its fleet, or of its traffic, a change moves: what the policy's `max_share` compares. `percent` is at least 0
   * and may exceed 100; `of` says of what: `6 tasks of prod/api`. Pure. Absent: a share has no meaning for this action.
   */
  share?(change: Change<T, S>): { readonly percent: number; readonly of: string }
  /** Of a message: what follows it until a person answers. Pure. Absent, or `undefined`: nothing does. */
  paging?(change: Change<T, S>): Paging | undefined
  /**
   * Makes the change by the smallest number of calls, from `before` to `after`, never by recomputing. Throws
   * `RetryableError`, `TerminalError` or `NeedsHumanError` only where AWS certainly changed nothing; anything else means
   * that the outcome is unknown.
   */
  apply(change: Change<T, S>, context: ApplyContext): Promise<Receipt>
  /**
   * The interlock of `lib/interlocks.ts` that speaks against making the change now, on the state as observed: asked again
   * before each repeat, since much may have changed from the plan to it. Pure. Absent: none concerns a repeat.
   */
  interlocked?(change: Change<T, S>, observed: S): (Blocked & { readonly interlock: string }) | undefined
  /** After an unknown outcome: where the state stands as observed now. Pure. */
  locate(change: Change<T, S>, observed: S, context: { readonly marker: string }): Whereabouts
  /** Did the change land? `inconclusive` while it is under way; the engine asks again until the step's timeout. */
  verify(change: Change<T, S>, receipt: Receipt, context: ObserveContext): Promise<Verdict>
  /**
   * The next change on the way back to `change.before`, given the last state that we set and the state as observed.
   * `stepPercent` (1 to 100) is how much of the way one slow step goes. Pure. Absent: there is no way back.
   */
  undo?(change: Change<T, S>, lastSet: S, observed: S, stepPercent: number): UndoPlanned<S>
}

/** What a reference may come to. */
export type ReferenceType = Exclude<FieldType, 'duration'>

type KeyOfEach<P> = P extends unknown ? keyof P : never

/** Reads a compact form. Positions are 0-based offsets in the text. */
export interface Shorthand<P> {
  /** For messages: `ecs service <name> +<n>% | +<n> | to <n>`. */
  readonly grammar: string
  parse(text: string): { readonly is: 'params'; readonly params: P } | ShorthandProblem
}

export interface ShorthandProblem {
  readonly is: 'problem'
  readonly message: string
  readonly start: number
  readonly end: number
  /** A text that would have been right. */
  readonly suggestion?: string
}

export interface Target {
  /**
   * Lock keys: the smallest things whose invariant is checked (`ecs/<account>/<region>/<cluster>/<service>`, `route53/<zone>/<name>/<type>`).
   * Empty for messages.
   */
  readonly locks: readonly string[]
  /** For people: `ECS service prod/api`. */
  readonly label: string
}

export type TargetResult<T> =
  | { readonly is: 'target'; readonly target: T }
  /** `path` is the member of services.yaml that is missing, such as `records.canary`. */
  | { readonly is: 'missing'; readonly path: string; readonly message: string }

export interface Statement {
  readonly actions: readonly string[]
  /** ARNs; `*` only with a `reason`. `${Partition}`, `${Region}`, `${Account}` stand for the deployment's. */
  readonly resources: readonly string[]
  readonly condition?: { readonly [operator: string]: { readonly [key: string]: string | readonly string[] } }
  /** Why AWS offers nothing narrower; required with `*`. */
  readonly reason?: string
}

export interface Timing {
  /** How long after a call its effect may be missing from lists and describes. */
  readonly listLagMs: number
  /**
   * How long after an answered call `observe` may still show what stood before; 0 where AWS says that its reads are current.
   * A target that was changed is not looked at before that, or the next change would be built on a value that is gone.
   */
  readonly staleMs: number
  /** How often `verify` is asked. */
  readonly verifyEveryMs: number
  /** The default of a step's `timeout`. */
  readonly timeoutMs: number
}

export interface ObserveContext {
  readonly aws: Aws
  readonly nowMs: number
  /** `firebreak/<execution>/<step>`: stands in requests that have no absolute state, so that they can be found again. */
  readonly marker: string
}

export interface ApplyContext extends ObserveContext {
  readonly http: Http
  /** Reads a named secret (`ssm:...`, `env:...`). */
  secret(name: string): Promise<string>
  /** The first attempt is 1. */
  readonly attempt: number
  /** What an undo will go back to, where that is known: `before`, or that of an earlier change still outstanding. */
  readonly undoTo?: Json
}

/** What a plan may know beside the state. */
export interface Occasion {
  readonly incidentId: string
  readonly executionId: string
  readonly stepId: string
  readonly runbook: string
  readonly service: string
  readonly severity: Severity
  /** Why there is an incident, or why a person is called: one sentence. */
  readonly reason: string
  readonly onsetAtMs: number
  readonly nowMs: number
  readonly teams: { readonly [name: string]: Team }
  /** Of a page that nobody has answered: whom it goes to now. */
  readonly paging?: PagingRung
  /** The name of the alarm that fired, so that a deployment's own alarm guard cannot block the rollback. */
  readonly alarm?: string
}

/** One page of an escalation policy that is gone through. */
export interface PagingRung {
  /** From 1; after the last level of the policy, the team's own channels. */
  readonly level: number
  /** From 1: how often the levels have been gone through, this time included. */
  readonly round: number
  /** A schedule or a person of oncall.yaml; absent: the team's own channels. */
  readonly page?: string
  /** When the first page of it was sent. */
  readonly sinceMs: number
}

/** What follows a message until a person answers it. */
export interface Paging {
  readonly team: string
  readonly levels: readonly PageLevel[]
  readonly repeat: number
  readonly ackTimeoutMs?: number
  /** Whether the team's own channels are the end of it. */
  readonly fallback: boolean
}

export type Planned<S> =
  | {
      readonly is: 'change'
      readonly before: S
      readonly after: S
      /** `desired 6 -> 9`. */
      readonly summary: string
      /** What a person should know beside it. */
      readonly notes?: readonly string[]
      /** What capacity ceilings compare. */
      readonly capacity?: { readonly from: number; readonly to: number }
    }
  /** The state satisfies the parameters already. */
  | { readonly is: 'none'; readonly reason: string }
  /** It would make things worse: the step fails with this reason. */
  | { readonly is: 'refused'; readonly reason: string; readonly interlock?: string }
  /** A person must decide. `interlock` names the rule of `lib/interlocks.ts` that spoke. */
  | { readonly is: 'human'; readonly reason: string; readonly interlock?: string }

/** An intent: what is about to be changed, from what, to what. */
export interface Change<T extends Target = Target, S extends Json = Json> {
  readonly target: T
  readonly before: S
  readonly after: S
  readonly summary: string
}

/** What AWS, or a person's channel, answered. */
export interface Receipt {
  readonly requestId?: string
  /** The id of what goes on now: a deployment, a DNS change, a page. */
  readonly operationId?: string
  readonly detail?: string
}

export type Whereabouts =
  | { readonly at: 'before' }
  /** The effect is there; `receipt` where the observation tells it. */
  | { readonly at: 'after'; readonly receipt?: Receipt }
  /** Neither: somebody else changed it. */
  | { readonly at: 'elsewhere'; readonly reason: string }

export type UndoPlanned<S> =
  | {
      readonly is: 'change'
      readonly before: S
      readonly after: S
      readonly summary: string
      readonly last: boolean
      /** It takes away what AWS itself would still do, and moves nothing: also where the value is not ours any more. */
      readonly tidies?: true
    }
  | { readonly is: 'done'; readonly reason: string }
  /** The value is not the one that we set: it is left alone and a person is told (G7). */
  | { readonly is: 'foreign'; readonly reason: string }

/** An action whose type parameters are the list's business. Its functions take what its own schemas have parsed. */
// oxlint-disable-next-line no-explicit-any -- the one place where the parameters are erased; perform.ts parses before it calls
export type AnyAction = Action<any, any, any>
