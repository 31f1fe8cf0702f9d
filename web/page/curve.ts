import { html } from 'hono/html'
import { describeMetric, readMetric, type Curve } from '../../lib/probes/curve.ts'
import { awsOf, type App } from '../../lib/ports.ts'
import type { Stamped } from '../../lib/ledger/entry.ts'
import { offsetText } from '../../lib/timeline/words.ts'
import type { Html } from './document.ts'

const WIDTH = 960
const HEIGHT = 180
const LEFT = 60
const BOTTOM = 150
const TOP = 12

/** So much of the time before and after is shown. */
const AROUND_MS = 15 * 60_000
/** CloudWatch keeps minutes for 15 days; what is older is not drawn. */
const KEPT_MS = 15 * 86_400_000

/** The curve of the alarm's own metric, as CloudWatch has it now; `undefined` where there is none or it cannot be read. */
export async function curveOf(
  app: App,
  {
    title,
    service,
    fromMs,
    untilMs,
  }: { readonly title: string; readonly service: string; readonly fromMs: number; readonly untilMs: number },
): Promise<Curve | undefined> {
  const { ports, catalogue } = app
  const known = catalogue.services[service]
  if (!known || ports.clock.now() - fromMs > KEPT_MS) return undefined
  try {
    const aws = awsOf(ports, known, undefined)
    const metric = await describeMetric(aws, title)
    return (
      metric &&
      (await readMetric(aws, metric, fromMs - AROUND_MS, Math.min(untilMs + AROUND_MS, ports.clock.now())))
    )
  } catch (error) {
    ports.log.warn('the curve of an alarm could not be read', { alarm: title, error })
    return undefined
  }
}

/** The curve, its threshold, and when what was changed. */
export function drawCurve(curve: Curve, entries: readonly Stamped[], zeroMs: number): Html {
  const { points, threshold, name } = curve
  const [first] = points
  const last = points.at(-1)
  if (!first || !last || last.atMs <= first.atMs)
    return html`<p class="quiet">${name} has no data for this time.</p>`
  const top = Math.max(...points.map(({ value }) => value), threshold ?? 0) * 1.1 || 1
  const x = (atMs: number) =>
    (LEFT + ((atMs - first.atMs) / (last.atMs - first.atMs)) * (WIDTH - LEFT - 10)).toFixed(1)
  const y = (value: number) => (BOTTOM - (Math.max(0, value) / top) * (BOTTOM - TOP)).toFixed(1)
  const applied = entries.filter((entry) => entry.kind === 'step.applied' && entry.message !== true)
  const marks = applied.filter(({ atMs }) => atMs >= first.atMs && atMs <= last.atMs)
  const path = points.map(({ atMs, value }) => `${x(atMs)},${y(value)}`).join(' ')
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="curve-title">
    <title id="curve-title">
      ${name}: from ${first.value} to ${last.value}, at most ${Math.max(...points.map(({ value }) => value))}
    </title>
    <line class="axis" x1="${LEFT}" y1="${BOTTOM}" x2="${WIDTH - 10}" y2="${BOTTOM}"></line>
    <text class="label" x="0" y="${TOP + 8}">${top.toPrecision(3)}</text>
    <text class="label" x="0" y="${BOTTOM}">0</text>
    ${threshold === undefined ? '' : html`<line class="threshold" x1="${LEFT}" y1="${y(threshold)}" x2="${WIDTH - 10}" y2="${y(threshold)}"><title>threshold ${threshold}</title></line>`}
    ${marks.map((mark, index) => markAt(mark, x(mark.atMs), index === 0 ? undefined : x(marks[index - 1]?.atMs ?? 0)))}
    <polyline class="curve" points="${path}"></polyline>
    <text class="label" x="${LEFT}" y="${BOTTOM + 14}">${offsetText(first.atMs - zeroMs)}</text>
    <text class="label" x="${WIDTH - 10}" y="${BOTTOM + 14}" text-anchor="end">
      ${offsetText(last.atMs - zeroMs)}
    </text>
  </svg>`
}

/** When a change was applied; of several close together only the first bears its name in the picture. */
function markAt(entry: Stamped, x: string, before: string | undefined): Html {
  const name = 'step' in entry ? entry.step : ''
  const hasRoom = before === undefined || Number(x) - Number(before) > 90
  return html`<line class="mark" x1="${x}" y1="${TOP}" x2="${x}" y2="${BOTTOM}"><title>${name}</title></line
    >${
      hasRoom ? html`<text class="label" x="${x}" y="${HEIGHT - 2}" text-anchor="middle">${name}</text>` : ''
    }`
}
