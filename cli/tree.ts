import { never } from '../lib/errors.ts'
import { durationText } from '../lib/timeline/words.ts'
import { painter, printable, type Format } from './output.ts'
import { fitting, widthOf } from './width.ts'

export type TreeState = 'pending' | 'running' | 'waiting' | 'done' | 'failed' | 'skipped' | 'recovered'

export interface TreeStep {
  readonly id: string
  readonly state: TreeState
  /** One line; what is on the way, or what came of it. */
  readonly text: string
  /** Shown from the second on. */
  readonly attempt?: number
  readonly durationMs?: number
}

/** One execution as it stands. */
export interface TreeModel {
  readonly title: string
  readonly steps: readonly TreeStep[]
}

export interface TreeOptions {
  readonly colour: boolean
  /** Counted up by whoever draws; a running step's icon turns with it. */
  readonly spinnerFrame: number
  /** Lines are cut to this width, so that one line on the screen is one line. */
  readonly columns?: number
}

const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']

/** The tree as lines. Pure. Texts may come from a ledger: they are made printable here. */
export function treeLines(model: TreeModel, options: TreeOptions): string[] {
  const paint = painter(options.colour)
  const columns = options.columns ?? Infinity
  const ids = model.steps.map((step) => printable(step.id))
  const wide = Math.min(24, Math.max(0, ...ids.map(widthOf)))
  const lines = model.steps.map((step, index) => {
    const branch = index === model.steps.length - 1 ? '└─' : '├─'
    const icon = iconOf(step.state, options.spinnerFrame)
    const id = fitting(ids[index] ?? '', wide)
    const pad = ' '.repeat(wide - widthOf(id))
    // What was painted cannot be cut any more, so the text is cut first.
    const said = fitting(detail(step), Math.max(0, columns - wide - 7))
    const quiet = step.state === 'pending' || step.state === 'skipped'
    return `${paint('dim', branch)} ${paint(colourOf(step.state), icon)} ${paint(quiet ? 'dim' : 'bold', id)}${pad}  ${quiet ? paint('dim', said) : said}`.trimEnd()
  })
  return [paint('bold', fitting(printable(model.title), columns)), ...lines]
}

/** The whole text of a step behind its name. */
export function detail(step: TreeStep): string {
  const attempt = step.attempt !== undefined && step.attempt > 1 ? `attempt ${step.attempt}` : ''
  const time = step.durationMs === undefined ? '' : durationText(step.durationMs)
  const aside = [attempt, time].filter((text) => text !== '').join(', ')
  return `${printable(step.text)}${aside === '' ? '' : ` (${aside})`}`.trim()
}

function iconOf(state: TreeState, frame: number): string {
  switch (state) {
    case 'pending':
      return '○'
    case 'running':
      return SPINNER[frame % SPINNER.length] ?? '●'
    case 'waiting':
      return '◷'
    case 'done':
      return '✔'
    case 'failed':
      return '✖'
    case 'skipped':
      return '–'
    case 'recovered':
      return '↻'
    default:
      return never(state)
  }
}

function colourOf(state: TreeState): Format {
  switch (state) {
    case 'pending':
    case 'skipped':
      return 'dim'
    case 'running':
      return 'cyan'
    case 'waiting':
      return 'yellow'
    case 'done':
    case 'recovered':
      return 'green'
    case 'failed':
      return 'red'
    default:
      return never(state)
  }
}
