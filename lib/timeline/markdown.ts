import type { ExecutionSummary, Timeline, TimelineIncident, TimelineRow } from '../timeline.ts'
import { titleOf } from './executions.ts'
import { whyLines } from './why-lines.ts'
import { durationText, offsetText, timeText } from './words.ts'

/**
 * The draft of a postmortem: what the ledger knows is filled in, what only people can know is asked for. It states no
 * cause, since none is on record. Everything that came from outside is escaped.
 */
export function timelineMarkdown(timeline: Timeline): string {
  const { incident } = timeline
  const sections = [
    heading(incident),
    [
      '## Summary',
      summary(timeline),
      people('in two or three sentences: what happened, who noticed, how it ended'),
    ],
    ['## Impact', people('who was affected, how, for how long, and how much of it')],
    ['## Detection', ...detection(timeline)],
    ['## What was done', ...doings(timeline.executions)],
    ['## Contributing causes', people('the ledger records what was done, not why it became necessary')],
    [
      '## Lessons',
      `- What went well: ${people('what helped')}`,
      `- What went badly: ${people('what hindered')}`,
      `- Where we were lucky: ${people('what could as well have gone wrong')}`,
    ],
    ['## Follow-up', '| what | who | until |', '|---|---|---|', `| ${people('one line each')} | | |`],
    ['## Timeline', 'Times are UTC; those with a sign count from detection.', ...table(timeline.rows)],
    ['## Record', ...proof(timeline)],
  ]
  return `${sections.map(paragraphs).join('\n\n')}\n`
}

/** Blocks are set apart by an empty line, except lines of one list or table. */
function paragraphs(lines: readonly string[]): string {
  return lines
    .map((line, index) => {
      const before = lines[index - 1]
      if (before === undefined) return line
      return `${isBlock(line) && line[0] === before[0] ? '\n' : '\n\n'}${line}`
    })
    .join('')
}

function isBlock(line: string): boolean {
  return line.startsWith('|') || line.startsWith('- ')
}

function people(what: string): string {
  return `_To be filled in by people: ${what}._`
}

function heading(incident: TimelineIncident | undefined): readonly string[] {
  if (!incident) return ['# Incident', 'Its first entry is not on record or cannot be read.']
  return [
    `# ${escaped(incident.title)}`,
    `- Incident: ${escaped(incident.incidentId)}`,
    `- Date: ${timeText(incident.detectedAtMs).slice(0, 10)}`,
    `- Service: ${escaped(incident.service)}`,
    `- Severity: ${incident.severity}`,
    `- Status: ${incident.status}`,
    `- Authors: ${people('names')}`,
  ]
}

function summary({ incident, metrics, executions }: Timeline): string {
  if (!incident) return 'Nothing can be said about the incident as a whole.'
  const times = [
    metrics.ttmMs === undefined
      ? 'No mitigation is on record'
      : `It was mitigated ${durationText(metrics.ttmMs)} after detection`,
    metrics.ttrMs === undefined
      ? 'it is not resolved'
      : `it was resolved ${durationText(metrics.ttrMs)} after detection`,
  ].join('; ')
  const started = executions.filter(
    (execution) => !execution.undo && execution.paging === undefined && execution.outcome !== 'refused',
  ).length
  return `${escaped(incident.title)} (${incident.severity}) hit service ${escaped(incident.service)} at ${timeText(incident.detectedAtMs)}. ${times}. Executions of runbooks: ${started}.`
}

function detection({ incident, metrics }: Timeline): readonly string[] {
  if (!incident) return ['Not on record.']
  const times: readonly (readonly [string, number | undefined, number | undefined, string])[] = [
    ['onset, as the source reports it', incident.onsetAtMs, undefined, ''],
    ['detected', incident.detectedAtMs, metrics.ttdMs, 'TTD, time to detect'],
    ['acknowledged by a person', incident.acknowledgedAtMs, metrics.ttaMs, 'TTA, time to acknowledge'],
    ['mitigated', incident.mitigatedAtMs, metrics.ttmMs, 'TTM, time to mitigate'],
    ['resolved', incident.resolvedAtMs, metrics.ttrMs, 'TTR, time to resolve'],
  ]
  return [
    `Reported by ${escaped(incident.reportedBy)}: ${escaped(incident.reason)}`,
    '| | at | after | metric |',
    '|---|---|---|---|',
    ...times.map(
      ([what, atMs, ms, metric]) =>
        `| ${what} | ${atMs === undefined ? 'not on record' : timeText(atMs)} | ${ms === undefined ? '' : durationText(ms)} | ${metric} |`,
    ),
  ]
}

function doings(executions: readonly ExecutionSummary[]): readonly string[] {
  if (executions.length === 0) return ['No execution is on record.']
  return executions.flatMap((execution) => [
    `### ${escaped(titleOf(execution))}: ${execution.outcome}`,
    ...(execution.reason === '' ? [] : [escaped(execution.reason)]),
    `Execution ${escaped(execution.executionId)}, started by ${escaped(execution.startedBy)} at ${timeText(execution.startedAtMs)}${execution.endedAtMs === undefined ? '' : `, ended at ${timeText(execution.endedAtMs)}`}.`,
    ...(execution.steps.length === 0
      ? []
      : [
          '| step | change | state | attempts | reason |',
          '|---|---|---|---|---|',
          ...execution.steps.map((step) =>
            row([
              step.step,
              step.target === undefined ? '' : `${step.target}: ${step.change ?? ''}`,
              step.state,
              step.attempts === 0 ? '' : String(step.attempts),
              [step.reason, step.recovered].filter((text) => text !== undefined).join('; '),
            ]),
          ),
        ]),
    ...execution.pages.map(
      (page) => `- ${escaped(page.to)} was called (${escaped(page.state)}): ${escaped(page.reason)}`,
    ),
  ])
}

function table(rows: readonly TimelineRow[]): readonly string[] {
  if (rows.length === 0) return ['Nothing is on record.']
  return [
    '| at | since detection | who | what | why | entry |',
    '|---|---|---|---|---|---|',
    ...rows.map((one) =>
      row([
        timeText(one.atMs),
        offsetText(one.sinceMs),
        one.who,
        one.text,
        [...whyLines(one.why), ...requestOf(one)].join('; '),
        one.address,
      ]),
    ),
  ]
}

function requestOf(one: TimelineRow): readonly string[] {
  return [
    ...(one.requestId === undefined ? [] : [`AWS request ${one.requestId}`]),
    ...(one.operationId === undefined ? [] : [`AWS operation ${one.operationId}`]),
  ]
}

function row(cells: readonly string[]): string {
  return `| ${cells.map(inline).join(' | ')} |`
}

function proof({ chain }: Timeline): readonly string[] {
  if (chain.is === 'broken') {
    return [
      `**The record is broken at ${escaped(chain.address)}: ${escaped(chain.reason)}.** What is told above cannot be relied on from there.`,
    ]
  }
  if (chain.records === 0) return ['Nothing is on record.']
  return [
    `${chain.records} records in ${chain.streams} streams are consistent. That none is missing at the end is proved only by head hashes that were exported earlier:`,
    '| stream | head hash |',
    '|---|---|',
    ...Object.entries(chain.heads).map(([stream, hash]) => row([stream, hash])),
  ]
}

/** What can open markup inside a line, of CommonMark, of GitHub's tables, strikethrough and formulas, and of HTML. */
const INLINE = /[\\`*_[\]<&|~$]/g

/** Text inside a line, whatever it holds. Addresses are kept from becoming links by themselves. */
function inline(text: string): string {
  return text
    .replace(INLINE, '\\$&')
    .replace(/:(?=\/\/)/g, '\\:')
    .replace(/\b(www)\./gi, '$1\\.')
}

/** Text that may stand first in a line, where some characters would begin a heading, a list, a quotation. */
export function escaped(text: string): string {
  return inline(text).replace(/^([#+\-=!>]|\d+(?=[.)]))/, (start) =>
    /\d/.test(start) ? `${start}\\` : `\\${start}`,
  )
}
