import { html } from 'hono/html'
import type { Timeline } from '../../lib/timeline.ts'
import { documentText } from './document.ts'
import { executionOf, headOf, proofOf, rowsOf } from './incident-parts.ts'

/** A timeline as one file that can be kept, mailed and printed: nothing in it is loaded from anywhere. */
export function timelineHtml(timeline: Timeline): string {
  const { incident, executions, rows } = timeline
  const endMs = Math.max(0, ...rows.map(({ atMs }) => atMs))
  return documentText({
    title: incident?.title ?? 'Timeline',
    body: html`${incident ? headOf(incident, timeline) : html`<h1>Timeline</h1>`}
      <h2>Executions</h2>
      ${executions.map((one) => executionOf(one, endMs, false))}
      <h2>Record</h2>
      ${rowsOf(rows)} ${proofOf(timeline)}`,
  })
}
