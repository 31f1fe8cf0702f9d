import { html } from 'hono/html'
import type { Stamped } from '../../lib/ledger/entry.ts'
import { isPagingStream } from '../../lib/ids.ts'
import { durationText, offsetText } from '../../lib/timeline/words.ts'
import type { Html } from './document.ts'
import { scaleOf, type Scale } from './scale.ts'

/** What a bar in a lane shows. */
type Kind = 'done' | 'failed' | 'doubt' | 'pass' | 'wait'

interface Bar {
  readonly fromMs: number
  /** Absent: it goes on. */
  readonly untilMs?: number
  readonly kind: Kind
  readonly what: string
}

interface Mark {
  readonly atMs: number
  readonly what: string
}

interface Lane {
  readonly stream: string
  readonly step: string
  readonly name: string
  readonly bars: readonly Bar[]
  /** Approvals: asked, and decided. */
  readonly marks: readonly Mark[]
}

const WIDTH = 960
const LABEL = 190
const ROW = 22
const TOP = 26
const MAX_LANES = 60

/** What every step did when, as a picture: attempts, waits, approvals, and the alarm behind them. The table below says the same. */
export function lanesOf(
  streams: ReadonlyMap<string, readonly Stamped[]>,
  zeroMs: number,
  nowMs: number,
): Html {
  const all = [...streams].flatMap(([stream, entries]) =>
    stream === 'incident' ? [] : lanesIn(stream, entries),
  )
  const lanes = all.slice(0, MAX_LANES)
  if (lanes.length === 0) return html`<p class="quiet">No step has begun.</p>`
  const own = streams.get('incident') ?? []
  const isOver = own.some(({ kind }) => kind === 'incident.resolved')
  const moments = [...streams.values()].flat().map(({ atMs }) => atMs)
  const endMs = isOver ? Math.max(...moments) : nowMs
  const scale = scaleOf([zeroMs, ...moments, endMs], LABEL, WIDTH - 10)
  const height = TOP + lanes.length * ROW + 24
  const drawn = lanes.map((lane, index) => laneOf(lane, TOP + index * ROW, scale, endMs))
  return html`<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="lanes-title lanes-text">
      <title id="lanes-title">What each step did when</title>
      <desc id="lanes-text">
        ${lanes.map(({ name, bars }) => `${name}: ${bars.map(({ what }) => what).join(', ')}`).join('. ')}
      </desc>
      <defs>
        <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <line class="hatch" x1="0" y1="0" x2="0" y2="6" stroke-width="3"></line>
        </pattern>
      </defs>
      ${bandsOf(own).map(
        ({ fromMs, untilMs = endMs }) =>
          html`<rect
            class="band"
            x="${at(scale, fromMs)}"
            y="${TOP - 4}"
            width="${widthOf(scale, fromMs, untilMs)}"
            height="${lanes.length * ROW + 4}"
            ><title>the alarm stands</title></rect
          >`,
      )}
      ${axisOf(scale, zeroMs, height)} ${drawn}
    </svg>
    <p class="quiet">
      <span class="good">■</span> done <span class="bad">■</span> failed
      <span class="attention">■</span> outcome not known, or tried again ▨ waiting ◆ approval; the ground is
      red while the alarm
      stands.${all.length > lanes.length ? ` ${all.length - lanes.length} more steps are in the table.` : ''}
    </p>`
}

function axisOf(scale: Scale, zeroMs: number, height: number): Html {
  const ticks = scale.ticks.map(
    (tick) =>
      html`<line
          class="axis"
          x1="${at(scale, tick)}"
          y1="${TOP - 6}"
          x2="${at(scale, tick)}"
          y2="${height - 20}"
        ></line>
        <text
          class="label"
          x="${at(scale, tick)}"
          y="14"
          text-anchor="${scale.x(tick) > WIDTH - 70 ? 'end' : 'start'}"
          >${offsetText(tick - zeroMs)}</text
        >`,
  )
  const cuts = scale.cuts.map(
    ({ x, ms }) =>
      html`<text class="label" x="${x.toFixed(1)}" y="${height - 6}" text-anchor="middle"
        >⋯ ${durationText(ms)}</text
      >`,
  )
  return html`${ticks}${cuts}`
}

function laneOf({ stream, step, name, bars, marks }: Lane, y: number, scale: Scale, endMs: number): Html {
  const drawn = bars.map(
    ({ fromMs, untilMs = endMs, kind, what }) =>
      html`<rect
        class="${kind}"
        x="${at(scale, fromMs)}"
        y="${y + 3}"
        width="${widthOf(scale, fromMs, untilMs)}"
        height="${ROW - 8}"
        rx="2"
        ><title>${step}: ${what}</title></rect
      >`,
  )
  const asked = marks.map(({ atMs, what }) => {
    const x = scale.x(atMs)
    const middle = y + ROW / 2 - 1
    const points = `${x - 6},${middle} ${x},${middle - 6} ${x + 6},${middle} ${x},${middle + 6}`
    return html`<polygon class="ask" points="${points}"><title>${step}: ${what}</title></polygon>`
  })
  const label = name.length > 26 ? `${name.slice(0, 25)}…` : name
  return html`<text x="0" y="${y + 15}"><title>${step} of ${stream}</title>${label}</text>${drawn}${asked}`
}

function at(scale: Scale, ms: number): string {
  return scale.x(ms).toFixed(1)
}

function widthOf(scale: Scale, fromMs: number, untilMs: number): string {
  return Math.max(3, scale.x(untilMs) - scale.x(fromMs)).toFixed(1)
}

/** When the alarm stood. */
function bandsOf(own: readonly Stamped[]): readonly { readonly fromMs: number; readonly untilMs?: number }[] {
  const bands: { fromMs: number; untilMs?: number }[] = []
  for (const entry of own) {
    const last = bands.at(-1)
    const isOpen = last !== undefined && last.untilMs === undefined
    if (
      (entry.kind === 'incident.opened' && entry.onsetAtMs !== undefined) ||
      entry.kind === 'incident.recurred'
    ) {
      if (!isOpen) bands.push({ fromMs: entry.atMs })
    } else if ((entry.kind === 'incident.cleared' || entry.kind === 'incident.resolved') && isOpen)
      last.untilMs = entry.atMs
  }
  return bands
}

function lanesIn(stream: string, entries: readonly Stamped[]): readonly Lane[] {
  const steps = new Set(
    entries.flatMap((entry) => ('step' in entry && entry.step !== undefined ? [entry.step] : [])),
  )
  const subjects = entries.flatMap((entry) => ('subject' in entry ? [entry.subject] : []))
  for (const subject of subjects) steps.add(subject)
  return [...steps].flatMap((step) => {
    const name = nameOf(stream, step)
    const lane = { stream, step, name, bars: barsOf(step, entries), marks: marksOf(step, entries) }
    return lane.bars.length + lane.marks.length === 0 ? [] : [lane]
  })
}

/** Steps of an undo and of a paging have names that others have as well. */
function nameOf(stream: string, step: string): string {
  if (stream.endsWith('.undo')) return `undo ${step}`
  return isPagingStream(stream) ? `page ${step}` : step
}

function barsOf(step: string, entries: readonly Stamped[]): readonly Bar[] {
  const bars: Bar[] = []
  let open:
    | { readonly fromMs: number; readonly is: 'attempt' | 'wait' | 'check'; readonly what: string }
    | undefined
  const close = (untilMs: number, kind: Kind, what: string) => {
    if (open) bars.push({ fromMs: open.fromMs, untilMs, kind, what: `${open.what}, ${what}` })
    else bars.push({ fromMs: untilMs, untilMs, kind, what })
    open = undefined
  }
  for (const entry of entries) {
    if (!('step' in entry) || entry.step !== step) continue
    switch (entry.kind) {
      case 'step.intended':
        if (open?.is === 'attempt') close(entry.atMs, 'doubt', 'without a result')
        else if (open) close(entry.atMs, 'wait', 'over')
        open = { fromMs: entry.atMs, is: 'attempt', what: `attempt ${entry.attempt}` }
        break
      case 'step.applied':
        close(entry.atMs, 'done', entry.recovered ?? 'applied')
        break
      case 'step.retried':
      case 'step.unsettled':
        close(entry.atMs, 'doubt', entry.reason)
        break
      case 'step.failed':
        close(entry.atMs, 'failed', entry.reason)
        break
      case 'step.skipped':
        close(entry.atMs, 'pass', entry.reason)
        break
      case 'step.waiting':
        if (open) close(entry.atMs, 'wait', 'over')
        open = { fromMs: entry.atMs, is: 'wait', what: entry.reason }
        break
      case 'step.waited':
        close(entry.atMs, 'wait', 'over')
        break
      case 'step.checking':
        open = { fromMs: entry.atMs, is: 'check', what: 'measured' }
        break
      case 'step.checked':
        close(entry.atMs, entry.verdict.verdict === 'passed' ? 'done' : 'failed', entry.verdict.verdict)
        break
      case 'step.verified':
        // Until it is known that it has landed.
        bars.push({
          fromMs: bars.at(-1)?.untilMs ?? entry.atMs,
          untilMs: entry.atMs,
          kind: 'wait',
          what: 'looked at',
        })
        close(
          entry.atMs,
          entry.verdict.verdict === 'passed' ? 'done' : 'doubt',
          `verify ${entry.verdict.verdict}`,
        )
        break
      default:
    }
  }
  if (open)
    bars.push({
      fromMs: open.fromMs,
      kind: open.is === 'attempt' ? 'doubt' : 'wait',
      what: `${open.what}, under way`,
    })
  return bars
}

function marksOf(subject: string, entries: readonly Stamped[]): readonly Mark[] {
  return entries.flatMap((entry): readonly Mark[] => {
    if (!('subject' in entry) || entry.subject !== subject) return []
    switch (entry.kind) {
      case 'approval.requested':
        return [{ atMs: entry.atMs, what: `asked of ${entry.by}` }]
      case 'step.approved':
        return [{ atMs: entry.atMs, what: 'approved' }]
      case 'step.denied':
        return [{ atMs: entry.atMs, what: 'denied' }]
      case 'approval.expired':
        return [{ atMs: entry.atMs, what: 'nobody has decided' }]
      default:
        return []
    }
  })
}
