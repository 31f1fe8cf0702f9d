import { listIncidents } from '../../lib/ledger/head.ts'
import type { ListedApproval } from '../../lib/listings.ts'
import { pausesOf, scopeText, type Control } from '../../lib/ledger/kill-switch.ts'
import type { App } from '../../lib/ports.ts'
import type { PlannedStep } from '../../lib/plan.ts'
import type { Timeline } from '../../lib/timeline.ts'
import { forecastText, offsetText, timeText } from '../../lib/timeline/words.ts'
import { whyAnswer, whyWords } from '../../lib/why-words.ts'
import { reaches, type Caller } from '../../lib/access.ts'
import type { Said } from './api.ts'
import { buttons, context, fitted, moment, safe, section, select, type Block } from './blocks.ts'
import { answerButtons } from './incident-message.ts'
import { VERBS } from './grammar.ts'

/** How the command is called in the workspace. */
export const COMMAND = '/firebreak'

const MORE = 'There is more than a message can show.'

/** Ten lines, the most needed first. */
export function helpText(verb?: string): string {
  const one = VERBS.find(({ name }) => name === verb)
  if (one) return `\`${COMMAND} ${one.usage}\`: ${one.says}.`
  const names = VERBS.slice(8).map(({ name }) => `\`${name}\``)
  return [
    `\`${COMMAND} list\` and \`${COMMAND} run\` are good to begin with.`,
    ...VERBS.slice(0, 8).map(({ usage, says }) => `\`${usage}\`: ${says}`),
    `Also ${names.join(', ')}; \`help <command>\` says more.`,
  ].join('\n')
}

const LISTED = 5

export async function listSaid(app: App, caller: Caller): Promise<Said> {
  const heads = await listIncidents(app.ports.storage, 50)
  const seen = heads.filter(({ summary }) => reaches(caller, summary?.service)).slice(0, LISTED)
  if (seen.length === 0) return { text: 'There is no incident.' }
  const blocks = seen.flatMap(({ incidentId, status, summary }): readonly Block[] => [
    section(
      `*${status}* [${summary?.severity ?? ''}] ${safe(summary?.service ?? '', 100)}: ${safe(summary?.title ?? '', 200)}\n${moment(summary?.openedAtMs ?? 0)} \`${incidentId}\``,
    ),
    buttons([
      ...(status === 'resolved' ? [] : [{ action: 'ack', label: 'Acknowledge', value: incidentId }]),
      { action: 'timeline', label: 'Timeline', value: incidentId },
    ]),
  ])
  return {
    text: seen.length === 1 ? 'One incident' : `${seen.length} incidents`,
    blocks: fitted(blocks, MORE),
  }
}

export function statusSaid(answer: unknown): Said {
  const { control, mode } = answer as { readonly control: Control; readonly mode: string }
  const paused = pausesOf(control).map(
    ({ scope, by, reason }) => `Paused: ${scopeText(scope)}, by ${safe(by, 100)}: ${safe(reason, 300)}`,
  )
  return {
    text: [`Mode of the policy: *${mode}*.`, ...(paused.length === 0 ? ['Nothing is paused.'] : paused)].join(
      '\n',
    ),
  }
}

export function planSaid(answer: unknown): Said {
  const { runbook, service, mode, steps } = answer as {
    readonly runbook: string
    readonly service: string
    readonly mode: { readonly mode: string; readonly reason?: string }
    readonly steps: readonly PlannedStep[]
  }
  const why = mode.reason === undefined ? '' : ` (${safe(mode.reason, 200)})`
  const lines = steps.map(({ forecast }) => `• ${safe(forecastText(forecast), 300)}`)
  return {
    text: `Plan of ${safe(runbook, 100)}`,
    blocks: fitted(
      [
        section(
          [
            `*Plan of ${safe(runbook, 100)} on ${safe(service, 100)}*, mode ${mode.mode}${why}`,
            ...lines,
          ].join('\n'),
        ),
        buttons([{ action: 'run', label: 'Run this plan', value: runbook, style: 'primary' }]),
        context('Nothing was changed. What is begun is looked at once more before it acts.'),
      ],
      MORE,
    ),
  }
}

export function approvalsSaid(answer: unknown): Said {
  const { approvals } = answer as { readonly approvals: readonly ListedApproval[] }
  if (approvals.length === 0) return { text: 'Nothing waits for a decision.' }
  const blocks = approvals.flatMap(
    ({ executionId, subject, by, digest, expiresAtMs, quorum, approvedBy, steps }): readonly Block[] => [
      section(
        [
          `*${safe(by, 100)} is asked: ${subject === 'plan' ? 'the whole plan' : safe(subject, 100)}* of \`${executionId}\`, until ${moment(expiresAtMs)}${quorum > 1 ? `, ${approvedBy.length} of ${quorum} people so far` : ''}`,
          ...steps.slice(0, 10).map((step) => `• ${safe(forecastText(step), 200)}`),
        ].join('\n'),
      ),
      buttons(answerButtons({ stream: executionId, subject, digest })),
    ],
  )
  return { text: `${approvals.length} to decide`, blocks: fitted(blocks, MORE) }
}

/** More lines than these nobody reads in a chat. */
const WHY_LINES = 25

export function whySaid(answer: unknown): Said {
  const words = whyWords(whyAnswer.parse(answer), timeText)
  const lines = words.slice(0, WHY_LINES).map(({ text, verdict }) => {
    const mark = verdict === undefined ? '' : verdict === 'passed' ? '✔ ' : '✖ '
    return `${mark}${safe(text.trimStart(), 300)}`
  })
  const left = words.length - lines.length
  return {
    text: [...lines, ...(left > 0 ? [`${left} more lines: \`firebreak why\` tells them.`] : [])].join('\n'),
  }
}

/** Nobody needs to know a name by heart. */
export function pickerSaid(app: App, caller: Caller): Said {
  const known = app.catalogue.runbooks.filter(({ service }) => reaches(caller, service))
  if (known.length === 0) return { text: 'There is no runbook that you may start.' }
  const options = known.map(({ runbook, service }) => ({ label: `${runbook} (${service})`, value: runbook }))
  return {
    text: 'Which runbook?',
    blocks: [
      section('Which runbook?'),
      { type: 'actions', elements: [select('pick', 'A runbook', options)] },
      ...(known.length > 100 ? [context('The first hundred; `run <name>` takes any.')] : []),
    ],
  }
}

const LAST = 10

export function timelineSaid({ incident, rows }: Timeline, url: string | undefined): Said {
  const last = rows.slice(-LAST)
  const lines = last.map(
    ({ sinceMs, text, who }) => `\`${offsetText(sinceMs)}\` ${safe(text, 250)} _${safe(who, 60)}_`,
  )
  const all =
    incident && url !== undefined
      ? [context(`<${url}/incidents/${incident.incidentId}|The whole timeline>`)]
      : []
  const left = rows.length - last.length
  return {
    text: `Timeline of ${safe(incident?.title ?? '', 200)}`,
    blocks: fitted(
      [
        section(
          `*${safe(incident?.title ?? '', 200)}*${left > 0 ? `, ${left} earlier entries left out` : ''}`,
        ),
        ...lines.map(section),
        ...all,
      ],
      MORE,
    ),
  }
}

export function exportSaid(incidentId: string, url: string | undefined): Said {
  if (url === undefined)
    return {
      text: `\`firebreak timeline ${incidentId} --format md\` and \`firebreak export ${incidentId}\` write it; with \`url\` in slack.yaml the links would stand here.`,
    }
  const formats = ['md', 'csv', 'json', 'ndjson', 'cloudevents']
  return {
    text: formats
      .map((format) => `<${url}/incidents/${incidentId}/timeline.${format}|${format}>`)
      .join(' · '),
  }
}
