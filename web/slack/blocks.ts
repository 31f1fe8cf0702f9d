import { cut, escaped, oneLine } from '../../lib/channels/channel.ts'

/*
 * Block Kit, made so that no block and no message can be larger than Slack takes (SURFACES: sizes read in Slack's own types).
 * Texts of alarms and people are escaped: they mention nobody and link nowhere.
 */

export interface Block {
  readonly type: string
  readonly [name: string]: unknown
}

/** The whole message: Slack refuses about 13,200 characters, which it does not document. */
export const MAX_MESSAGE = 10_000
export const MAX_BLOCKS = 20
const MAX_HEADER = 150
const MAX_SECTION = 2_800
const MAX_FIELDS = 10
const MAX_FIELD = 500
const MAX_BUTTON = 75
const MAX_VALUE = 2_000
const MAX_CONTEXT = 1_000
const MAX_TASKS = 15
const MAX_TASK = 150
const MAX_DETAIL = 300
const MAX_OPTIONS = 100

/** Slack takes no empty text. */
function named(text: string, limit: number): string {
  return oneLine(text, limit) || '-'
}

const plain = (text: string, limit: number): object => ({
  type: 'plain_text',
  text: named(text, limit),
  emoji: false,
})
/** Already escaped where it came from outside. */
const mrkdwn = (text: string, limit: number): object => ({
  type: 'mrkdwn',
  text: cut(text, limit) || '-',
  verbatim: true,
})

/** Text from outside, within a section. */
export function safe(text: string, limit = MAX_FIELD): string {
  return escaped(oneLine(text, limit), limit)
}

/** A moment by each reader's own clock, with UTC where Slack cannot tell it. */
export function moment(atMs: number): string {
  const iso = new Date(atMs).toISOString()
  return `<!date^${Math.floor(atMs / 1_000)}^{date_short_pretty} {time_secs}|${iso.slice(0, 19)}Z>`
}

export function header(text: string): Block {
  return { type: 'header', text: plain(text, MAX_HEADER) }
}

export function section(text: string): Block {
  return { type: 'section', text: mrkdwn(text, MAX_SECTION) }
}

export function fields(texts: readonly string[]): Block {
  return { type: 'section', fields: texts.slice(0, MAX_FIELDS).map((text) => mrkdwn(text, MAX_FIELD)) }
}

export function context(text: string): Block {
  return { type: 'context', elements: [mrkdwn(text, MAX_CONTEXT)] }
}

export interface Button {
  readonly action: string
  readonly label: string
  readonly value?: string
  readonly url?: string
  readonly style?: 'primary' | 'danger'
  /** What is asked before it counts. */
  readonly confirm?: string
}

/** At most three: with more nobody finds the one that is needed. */
export function buttons(given: readonly Button[]): Block {
  const elements = given.slice(0, 3).map(({ action, label, value, url, style, confirm }) => ({
    type: 'button',
    action_id: action,
    text: plain(label, MAX_BUTTON),
    ...(value === undefined ? {} : { value: value.slice(0, MAX_VALUE) }),
    ...(url === undefined ? {} : { url }),
    ...(style === undefined ? {} : { style }),
    ...(confirm === undefined
      ? {}
      : {
          confirm: {
            title: plain('Are you sure?', 100),
            text: plain(confirm, 300),
            confirm: plain(label, 30),
            deny: plain('No', 30),
          },
        }),
  }))
  return { type: 'actions', elements }
}

export type TaskStatus = 'pending' | 'in_progress' | 'complete' | 'error'

export interface Task {
  readonly id: string
  readonly title: string
  readonly status: TaskStatus
  readonly detail?: string
}

const MARKS: { readonly [status in TaskStatus]: string } = {
  pending: '○',
  in_progress: '◐',
  complete: '●',
  error: '✗',
}

/** Steps as Slack draws them itself. */
export function plan(title: string, tasks: readonly Task[]): Block {
  return {
    type: 'plan',
    title: named(title, MAX_HEADER),
    tasks: tasks.slice(0, MAX_TASKS).map(({ id, title: name, status, detail }) => ({
      type: 'task_card',
      task_id: named(id, 100),
      title: named(name, MAX_TASK),
      status,
      ...(detail === undefined || detail === '' ? {} : { details: richText(oneLine(detail, MAX_DETAIL)) }),
    })),
  }
}

function richText(text: string): object {
  return { type: 'rich_text', elements: [{ type: 'rich_text_section', elements: [{ type: 'text', text }] }] }
}

/** The same for a workspace that does not know plans. */
export function planAsText(title: string, tasks: readonly Task[]): Block {
  const lines = tasks
    .slice(0, MAX_TASKS)
    .map(
      ({ title: name, status, detail }) =>
        `${MARKS[status]} ${safe(name, MAX_TASK)}${detail === undefined || detail === '' ? '' : `: ${safe(detail, 100)}`}`,
    )
  return section([`*${safe(title, MAX_HEADER)}*`, ...lines].join('\n'))
}

export interface Option {
  readonly label: string
  readonly value: string
}

export function select(action: string, label: string, options: readonly Option[]): object {
  return {
    type: 'static_select',
    action_id: action,
    placeholder: plain(label, 150),
    options: options
      .slice(0, MAX_OPTIONS)
      .map((option) => ({ text: plain(option.label, MAX_BUTTON), value: option.value.slice(0, 150) })),
  }
}

/** As many blocks as one message may have; of the rest it is said that there is more. */
export function fitted(blocks: readonly Block[], more: string): readonly Block[] {
  const size = (some: readonly Block[]) => JSON.stringify(some).length
  if (blocks.length <= MAX_BLOCKS && size(blocks) <= MAX_MESSAGE) return blocks
  const rest = context(more)
  const kept: Block[] = []
  for (const block of blocks) {
    if (kept.length + 1 >= MAX_BLOCKS || size([...kept, block, rest]) > MAX_MESSAGE) break
    kept.push(block)
  }
  return [...kept, rest]
}

export interface Modal {
  readonly callback: string
  readonly title: string
  readonly submit: string
  readonly metadata: string
  readonly blocks: readonly Block[]
}

export function modal({ callback, title, submit, metadata, blocks }: Modal): object {
  return {
    type: 'modal',
    callback_id: callback.slice(0, 255),
    title: plain(title, 24),
    submit: plain(submit, 24),
    close: plain('Cancel', 24),
    private_metadata: metadata.slice(0, 3_000),
    blocks: blocks.slice(0, 100),
  }
}

export function input(id: string, label: string, element: object, isOptional = false): Block {
  return { type: 'input', block_id: id, label: plain(label, 2_000), element, optional: isOptional }
}
