/** One verb of the command line: its file is loaded only when it is used, so that help is quick. */
export interface Verb {
  readonly name: string
  /** One line for the list of verbs. */
  readonly summary: string
  /** Exports `register(program)`. */
  readonly file: string
  readonly group: 'Try it' | 'Runbooks' | 'Incidents' | 'Decisions' | 'The record'
}

/** In the order in which help lists them. */
export const verbs: readonly Verb[] = [
  {
    name: 'demo',
    group: 'Try it',
    file: './demo.ts',
    summary: 'play an incident on this machine, from alarm to timeline',
  },
  { name: 'dev', group: 'Try it', file: './dev.ts', summary: 'keep a local stack running to play with' },
  {
    name: 'lint',
    group: 'Runbooks',
    file: './lint.ts',
    summary: 'check the runbooks and the files beside them',
  },
  {
    name: 'plan',
    group: 'Runbooks',
    file: './plan.ts',
    summary: 'show what a runbook would change now; changes nothing',
  },
  { name: 'run', group: 'Runbooks', file: './run.ts', summary: 'start a runbook by hand' },
  {
    name: 'schema',
    group: 'Runbooks',
    file: './schema.ts',
    summary: 'print the JSON Schema of runbooks, for editors',
  },
  {
    name: 'oncall',
    group: 'Runbooks',
    file: './oncall.ts',
    summary: 'say who is on call, now or at any time',
  },
  {
    name: 'token',
    group: 'Runbooks',
    file: './token.ts',
    summary: 'make a bearer token for the API',
  },
  {
    name: 'slack',
    group: 'Runbooks',
    file: './slack.ts',
    summary: 'print the manifest of the Slack application',
  },
  {
    name: 'replay',
    group: 'Runbooks',
    file: './replay.ts',
    summary: 'run a saved event through the real code, or check a folder of them',
  },
  { name: 'list', group: 'Incidents', file: './list.ts', summary: 'list incidents, newest first' },
  {
    name: 'show',
    group: 'Incidents',
    file: './show.ts',
    summary: 'show one incident or execution as it stands',
  },
  {
    name: 'watch',
    group: 'Incidents',
    file: './watch.ts',
    summary: 'follow an incident or execution until it ends',
  },
  {
    name: 'timeline',
    group: 'Incidents',
    file: './timeline.ts',
    summary: 'tell what happened, as text, JSON or Markdown',
  },
  {
    name: 'why',
    group: 'Incidents',
    file: './why.ts',
    summary: 'say why a signal or an execution did, or did not, act',
  },
  {
    name: 'status',
    group: 'Incidents',
    file: './status.ts',
    summary: 'say whether the stack acts, asks, or is paused',
  },
  {
    name: 'approvals',
    group: 'Decisions',
    file: './approvals.ts',
    summary: 'list what waits for a decision',
  },
  { name: 'approve', group: 'Decisions', file: './approve.ts', summary: 'permit what an execution asks for' },
  { name: 'deny', group: 'Decisions', file: './deny.ts', summary: 'refuse what an execution asks for' },
  {
    name: 'abort',
    group: 'Decisions',
    file: './abort.ts',
    summary: 'stop an execution: no further step begins',
  },
  { name: 'ack', group: 'Decisions', file: './ack.ts', summary: 'take ownership of an incident' },
  { name: 'note', group: 'Decisions', file: './note.ts', summary: 'add a sentence to the timeline' },
  { name: 'mitigate', group: 'Decisions', file: './mitigate.ts', summary: 'say that the impact is reduced' },
  { name: 'resolve', group: 'Decisions', file: './resolve.ts', summary: 'close an incident' },
  {
    name: 'pause-all',
    group: 'Decisions',
    file: './pause-all.ts',
    summary: 'the kill switch: nothing is changed until resume-all',
  },
  { name: 'resume-all', group: 'Decisions', file: './resume-all.ts', summary: 'let the stack act again' },
  {
    name: 'pause',
    group: 'Decisions',
    file: './pause.ts',
    summary: 'the kill switch for one account, service or runbook',
  },
  {
    name: 'resume',
    group: 'Decisions',
    file: './resume.ts',
    summary: 'let a paused account, service or runbook act again',
  },
  {
    name: 'export',
    group: 'The record',
    file: './export.ts',
    summary: "write an incident's records to a file",
  },
  {
    name: 'hooks',
    group: 'The record',
    file: './hooks.ts',
    summary: 'say what could not be delivered to hooks, and send it again',
  },
  { name: 'verify', group: 'The record', file: './verify.ts', summary: 'prove that records are unaltered' },
]
