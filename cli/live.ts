import { printable, painter } from './output.ts'
import { detail, treeLines, type TreeModel, type TreeStep } from './tree.ts'

/** Shows trees that change. Either in place, or as a line for each change. */
export interface Live {
  /** The trees as they stand now, by key. */
  show(models: ReadonlyMap<string, TreeModel>): void
  /** A line that stays, above the trees. */
  note(line: string): void
  /** Leaves the last state standing, and the cursor below it. */
  end(): void
}

export interface Screen {
  write(text: string): void
  readonly columns: number
  readonly rows: number
}

const HIDE_CURSOR = '\u001b[?25l'
const SHOW_CURSOR = '\u001b[?25h'

/** Redraws in place. Each `show` turns the spinner; whoever calls sets the pace. */
export function liveTree(screen: Screen, options: { readonly colour: boolean }): Live {
  let drawn = 0
  let frame = 0
  let last: readonly string[] = []
  let shownLast: ReadonlyMap<string, TreeModel> = new Map()
  const erase = (): string => (drawn === 0 ? '' : `\u001b[${drawn}A\u001b[0J`)
  const draw = (lines: readonly string[], before = ''): void => {
    // A line that scrolled out of the window cannot be redrawn.
    const shown = lines.length > screen.rows - 1 ? lines.slice(-(screen.rows - 1)) : lines
    screen.write(`${HIDE_CURSOR}${erase()}${before}${shown.map((line) => `${line}\n`).join('')}`)
    drawn = shown.length
    last = lines
  }
  return {
    show: (models) => {
      const lines = [...models.values()].flatMap((model) =>
        treeLines(model, { colour: options.colour, spinnerFrame: frame, columns: screen.columns - 1 }),
      )
      frame += 1
      shownLast = models
      draw(lines)
    },
    note: (line) => draw(last, `${line}\n`),
    end: () => {
      // What stays is not cut: nothing has to be erased any more, and the reason may be what was cut off.
      const whole = [...shownLast.values()].flatMap((model) =>
        treeLines(model, { colour: options.colour, spinnerFrame: frame }),
      )
      screen.write(`${erase()}${whole.map((line) => `${line}\n`).join('')}${SHOW_CURSOR}`)
      drawn = 0
      shownLast = new Map()
    },
  }
}

/** For what is no terminal: a line for each step whose state, attempt or text has changed, and nothing that moves. */
export function plainTree(
  write: (text: string) => void,
  options: { readonly colour: boolean; readonly stamp: () => string },
): Live {
  const paint = painter(options.colour)
  const seen = new Map<string, string>()
  const line = (text: string): void => write(`${paint('dim', options.stamp())} ${text}\n`)
  return {
    show: (models) => {
      for (const [key, model] of models) {
        if (seen.get(key) !== model.title) line(printable(model.title))
        seen.set(key, model.title)
        for (const step of model.steps) {
          const place = `${key}/${step.id}`
          const now = changeOf(step)
          if (step.state !== 'pending' && seen.get(place) !== now)
            line(`  ${paint('bold', printable(step.id))} ${step.state}${colon(step)}`)
          seen.set(place, now)
        }
      }
    },
    note: (text) => line(text),
    end: () => {},
  }
}

/** How long it has been running changes all the time and is no news. */
function changeOf({ state, text, attempt }: TreeStep): string {
  return JSON.stringify([state, text, attempt ?? 1])
}

function colon(step: TreeStep): string {
  const said = detail(step)
  return said === '' ? '' : `: ${said}`
}
