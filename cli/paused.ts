import * as z from 'zod'
import { printable, timeText } from './output.ts'

const pause = z.looseObject({ by: z.string(), reason: z.string(), sinceMs: z.number() })
const paused = pause.extend({
  scope: z.looseObject({ is: z.string(), name: z.string().exactOptional() }),
})

export type Paused = z.output<typeof paused>

/** What a stack's status says about the kill switch. */
export const pausedSchema = z.looseObject({
  control: z.discriminatedUnion('is', [
    z.looseObject({ is: z.literal('running') }),
    pause.extend({ is: z.literal('paused') }),
  ]),
  /** Absent in answers of older stacks, which can only pause everything. */
  paused: z.array(paused).exactOptional(),
})

export function pausesIn(status: z.output<typeof pausedSchema>): readonly Paused[] {
  if (status.paused) return status.paused
  const { control } = status
  return control.is === 'running' ? [] : [{ ...control, scope: { is: 'all' } }]
}

/** One line a pause: what, by whom, since when and why. */
export function pauseText({ scope, by, reason, sinceMs }: Paused): string {
  const what = scope.is === 'all' ? 'PAUSED' : `PAUSED ${printable(scope.is)} ${printable(scope.name ?? '')}`
  return `${what} by ${printable(by)} since ${timeText(sinceMs)}: ${printable(reason)}`
}
