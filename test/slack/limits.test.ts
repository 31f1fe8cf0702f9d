import * as fc from 'fast-check'
import type { Entry, Stamped } from '../../lib/ledger/entry.ts'
import { stampAll } from '../../lib/ledger/records.ts'
import type { ExecutionSummary, Level, StepSummary, Timeline } from '../../lib/timeline.ts'
import { incidentMessage, noticesOf, type Shown } from '../../web/slack/incident-message.ts'
import { header } from '../timeline/parts.ts'

/* Slack's limits, as they are read in its own types and as developers have found them: held against whatever an incident may be. */

interface Text {
  readonly type: string
  readonly text: string
}

interface AnyBlock {
  readonly type: string
  readonly text?: Text
  readonly fields?: readonly Text[]
  readonly title?: string
  readonly tasks?: readonly { readonly task_id: string; readonly title: string; readonly status: string }[]
  readonly elements?: readonly {
    readonly type: string
    readonly text: Text | string
    readonly value?: string
    readonly url?: string
    readonly action_id?: string
    readonly confirm?: {
      readonly title: Text
      readonly text: Text
      readonly confirm: Text
      readonly deny: Text
    }
  }[]
}

function problemsOf({
  text,
  blocks,
}: {
  readonly text: string
  readonly blocks: readonly unknown[]
}): readonly string[] {
  const problems: string[] = []
  const need = (holds: boolean, what: string) => {
    if (!holds) problems.push(what)
  }
  const within = (value: string, limit: number, what: string) =>
    need(
      value.length >= 1 && value.length <= limit,
      `${what} has ${value.length} characters, 1 to ${limit} are allowed`,
    )
  within(text, 4_000, 'the text')
  need(blocks.length <= 50, `${blocks.length} blocks`)
  need(JSON.stringify(blocks).length <= 13_200, `a message of ${JSON.stringify(blocks).length} characters`)
  for (const block of blocks as readonly AnyBlock[]) {
    switch (block.type) {
      case 'header':
        within(block.text?.text ?? '', 150, 'a header')
        break
      case 'section':
        if (block.text) within(block.text.text, 3_000, 'a section')
        need((block.fields ?? []).length <= 10, 'fields')
        for (const field of block.fields ?? []) within(field.text, 2_000, 'a field')
        break
      case 'plan':
        within(block.title ?? '', 3_000, 'the title of a plan')
        for (const task of block.tasks ?? []) {
          within(task.task_id, 255, 'the id of a task')
          within(task.title, 3_000, 'the title of a task')
          need(
            ['pending', 'in_progress', 'complete', 'error'].includes(task.status),
            `a status ${task.status}`,
          )
        }
        break
      case 'actions':
        need((block.elements ?? []).length >= 1 && (block.elements ?? []).length <= 3, 'buttons')
        for (const { text: label, value, url, action_id, confirm } of block.elements ?? []) {
          within((label as Text).text, 75, 'a button')
          within(action_id ?? '', 255, 'an action')
          if (value !== undefined) within(value, 2_000, 'a value')
          if (url !== undefined) within(url, 3_000, 'a link')
          if (!confirm) continue
          within(confirm.title.text, 100, 'a question')
          within(confirm.text.text, 300, 'the text of a question')
          within(confirm.confirm.text, 30, 'a yes')
          within(confirm.deny.text, 30, 'a no')
        }
        break
      case 'context':
        need((block.elements ?? []).length <= 10, 'context')
        for (const element of block.elements ?? []) within(element.text as string, 2_000, 'context')
        break
      default:
        problems.push(`a block ${block.type}`)
    }
  }
  return problems
}

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 5_000 }),
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc.constantFrom('', ' ', '<!channel>', '&'.repeat(4_000), '\u{1f525}'.repeat(2_000), '*_~`', '\n\n'),
)
const level = fc.constantFrom<Level>('info', 'good', 'bad', 'attention')
const step: fc.Arbitrary<StepSummary> = fc.record(
  {
    step: anyText,
    state: fc.constantFrom('not begun', 'under way', 'waiting', 'applied, verified', 'failed', 'skipped'),
    level,
    attempts: fc.nat(10),
    reason: anyText,
    target: anyText,
    change: anyText,
    recovered: anyText,
  },
  { requiredKeys: ['step', 'state', 'level', 'attempts'] },
)
const execution: fc.Arbitrary<ExecutionSummary> = fc.record(
  {
    executionId: fc.constantFrom(header.executionId, `${header.executionId}.undo`),
    runbook: anyText,
    mode: fc.constantFrom('shadow', 'approve', 'auto'),
    undo: fc.boolean(),
    paging: anyText,
    startedBy: anyText,
    outcome: fc.constantFrom('running', 'refused', 'stopped', 'succeeded', 'failed', 'aborted', 'skipped'),
    reason: anyText,
    level,
    startedAtMs: fc.nat(),
    steps: fc.array(step, { maxLength: 60 }),
    pages: fc.constant([]),
  },
  {
    requiredKeys: [
      'executionId',
      'runbook',
      'mode',
      'undo',
      'startedBy',
      'outcome',
      'reason',
      'level',
      'startedAtMs',
      'steps',
      'pages',
    ],
  },
)

const AT_MS = 1_773_022_447_412
const incident = fc.record(
  {
    incidentId: fc.constant('inc-4t0x9k2mzq7h'),
    title: anyText,
    service: anyText,
    severity: fc.constantFrom('sev1', 'sev2', 'sev3', 'sev4'),
    status: fc.constantFrom('open', 'mitigated', 'resolved'),
    reportedBy: anyText,
    reason: anyText,
    detectedAtMs: fc.constant(AT_MS),
    acknowledgedAtMs: fc.constant(AT_MS),
    acknowledgedBy: anyText,
    mitigatedAtMs: fc.constant(AT_MS),
    resolvedAtMs: fc.constant(AT_MS),
  },
  {
    requiredKeys: [
      'incidentId',
      'title',
      'service',
      'severity',
      'status',
      'reportedBy',
      'reason',
      'detectedAtMs',
    ],
  },
)

/** A stream that asks for approvals of steps with any names. */
const asking = fc
  .array(fc.tuple(anyText, anyText, fc.array(anyText, { maxLength: 30 })), { maxLength: 6 })
  .map((asked) => {
    const actor = { is: 'engine', worker: 'w' } as const
    const entries: Entry[] = [
      { kind: 'execution.started', actor, ...header },
      ...asked.map(([subject, by, steps], index): Entry => ({
        kind: 'approval.requested',
        actor,
        subject: `${index}${subject}`,
        round: 1,
        by,
        digest: '0123456789ab',
        steps: steps.map((summary) => ({
          step: summary,
          target: summary,
          summary,
          is: 'change',
          reversible: true,
        })),
        expiresAtMs: AT_MS + 60_000,
        onTimeout: 'skip',
        quorum: 2,
      })),
    ]
    return stampAll(entries, header.executionId, 0, AT_MS)
  })

test('whatever an incident may be, its message and what is said in its thread are within the limits of Slack', () => {
  fc.assert(
    fc.property(
      incident,
      fc.array(execution, { maxLength: 8 }),
      asking,
      fc.option(fc.constant('https://firebreak.example.com'), { nil: undefined }),
      fc.constantFrom('plan', 'text'),
      (told, executions, entries, url, plans) => {
        const timeline: Timeline = {
          incident: told,
          metrics: {},
          executions,
          rows: [],
          chain: { is: 'broken', address: 'x', reason: 'y' },
        }
        const streams = new Map<string, readonly Stamped[]>([[header.executionId, entries]])
        const shown: Shown = {
          timeline,
          incident: told,
          streams,
          nowMs: AT_MS,
          ...(url === undefined ? {} : { url }),
        }
        expect(problemsOf(incidentMessage(shown, plans))).toEqual([])
        for (const { text } of noticesOf(shown)) expect(text.length).toBeLessThanOrEqual(4_000)
      },
    ),
    { numRuns: 400 },
  )
}, 120_000)

test('the judge of sizes sees what is too large', () => {
  const section = { type: 'section', text: { type: 'mrkdwn', text: 'x'.repeat(3_001) } }
  expect(problemsOf({ text: 'x', blocks: [section] })).toEqual([
    'a section has 3001 characters, 1 to 3000 are allowed',
  ])
  expect(
    problemsOf({
      text: '',
      blocks: Array.from({ length: 51 }, () => ({ type: 'header', text: { text: 'x' } })),
    }),
  ).toHaveLength(2)
})
