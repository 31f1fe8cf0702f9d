import * as z from 'zod'
import type { ChainRecord } from '../lib/ledger/chain.ts'
import { FORMAT_VERSION, type Context } from './context.ts'
import { endingOf, treeOf, type Ending } from './execution-tree.ts'
import { EXIT, Failure, Interrupted, type ExitCode } from './exit.ts'
import { liveTree, plainTree, type Live } from './live.ts'
import { jsonText, printable, takesColour, timeText } from './output.ts'
import { entriesOf, fetchBundle, INCIDENT, streamsOf } from './records.ts'
import type { Stack } from './stack.ts'

/** A stack in AWS pays for every look; a local one does not. */
const INTERVAL_MS = { local: 1_000, deployed: 3_000 } as const
/** The spinner turns between two looks. */
const FRAME_MS = 150
/** So many looks in a row may fail before we say that the stack is gone. */
const MAX_MISSES = 5

export interface FollowOptions {
  /** An incident with all its streams, or one execution. */
  readonly id: string
  readonly timeoutMs?: number
  readonly intervalMs?: number
}

/** What there was to see when it ended, or when the time was over. */
export interface Followed {
  readonly is: 'ended' | 'timeout'
  readonly endings: ReadonlyMap<string, Ending>
}

/** Looks at the records again and again, and shows them as a tree, as lines, or as JSON lines, until all has ended. */
export async function follow(context: Context, stack: Stack, options: FollowOptions): Promise<Followed> {
  const { terminal, settings } = context
  const live = settings.json ? jsonLines(context) : liveFor(context)
  const deadlineMs = options.timeoutMs === undefined ? Infinity : terminal.now() + options.timeoutMs
  const everyMs = options.intervalMs ?? INTERVAL_MS[stack.kind]
  const programs = new Map<string, readonly string[]>()
  let misses = 0
  let told = ''
  try {
    for (;;) {
      const seen = await look(stack, options.id).catch((error: unknown) => missed(error, ++misses, live))
      if (seen) {
        misses = 0
        const endings = new Map(
          seen.streams.map((stream) => [stream, endingOf(entriesOf(seen.records, stream))]),
        )
        await learnPrograms(stack, options.id, seen, programs)
        show(live, seen, programs, terminal.now())
        const asking = askText(endings)
        if (asking !== told && asking !== '') live.note(printable(asking))
        told = asking
        if (seen.ended) return { is: 'ended', endings }
        if (terminal.now() >= deadlineMs) return { is: 'timeout', endings }
      }
      await pass(context, live, seen, programs, Math.min(everyMs, Math.max(1, deadlineMs - terminal.now())))
    }
  } catch (error) {
    if (error instanceof Interrupted) context.say('The execution goes on; only the watching has ended.')
    throw error
  } finally {
    live.end()
  }
}

interface Seen {
  /** The latest record's time: the clock of a simulated account may be ahead of ours. */
  readonly latestMs: number
  readonly records: readonly ChainRecord[]
  readonly streams: readonly string[]
  readonly ended: boolean
}

async function look(stack: Stack, id: string): Promise<Seen> {
  const { bundle } = await fetchBundle(stack, id)
  const { records, incidentId } = bundle
  const all = streamsOf(records)
  const streams = id === incidentId ? all : all.filter((stream) => stream === id)
  if (id !== incidentId && streams.length === 0) {
    throw new Failure(EXIT.failed, 'not-found', `there is no execution ${id}`, {
      remedy: `\`firebreak show ${incidentId}\` shows those of its incident.`,
    })
  }
  const over = streams.every((stream) => endingOf(entriesOf(records, stream)).is === 'ended')
  const latestMs = Math.max(0, ...records.map((record) => record.atMs))
  return { latestMs, records, streams, ended: over && (id !== incidentId || isResolved(records)) }
}

/** A recurrence within keep-open opens it again. */
function isResolved(records: readonly ChainRecord[]): boolean {
  const last = entriesOf(records, INCIDENT).findLast(
    ({ kind }) => kind === 'incident.resolved' || kind === 'incident.recurred',
  )
  return last?.kind === 'incident.resolved'
}

/** One unanswered look is no news in an incident; what a repeat cannot mend is. */
function missed(error: unknown, misses: number, live: Live): undefined {
  if (!(error instanceof Failure) || error.exit !== EXIT.internal || misses >= MAX_MISSES) throw error
  live.note(printable(`no answer (${misses} of ${MAX_MISSES}): ${error.message}`))
  return undefined
}

const shownStreams = z.object({
  streams: z.array(z.object({ stream: z.string(), steps: z.array(z.string()).exactOptional() })),
})

/**
 * The steps that are still to come, asked for once for each new stream, again where no answer came. The tree grows by itself
 * where they are not told.
 */
async function learnPrograms(
  stack: Stack,
  id: string,
  seen: Seen,
  programs: Map<string, readonly string[]>,
): Promise<void> {
  const fresh = seen.streams.filter((stream) => !programs.has(stream))
  if (fresh.length === 0) return
  const result = await stack.command({ verb: 'show', id }).catch((error: unknown) => {
    if (error instanceof Failure) return undefined
    throw error
  })
  if (!result) return
  for (const stream of fresh) programs.set(stream, [])
  const parsed = shownStreams.safeParse(result.is === 'answer' ? result.answer : undefined)
  for (const { stream, steps } of parsed.data?.streams ?? []) if (steps) programs.set(stream, steps)
}

function show(live: Live, seen: Seen, programs: ReadonlyMap<string, readonly string[]>, nowMs: number): void {
  live.show(
    new Map(
      seen.streams.map((stream) => [
        stream,
        treeOf(entriesOf(seen.records, stream), Math.max(nowMs, seen.latestMs), programs.get(stream)),
      ]),
    ),
  )
}

/** Waits until the next look. In place, the spinner and the running times go on meanwhile. */
async function pass(
  context: Context,
  live: Live,
  seen: Seen | undefined,
  programs: ReadonlyMap<string, readonly string[]>,
  ms: number,
): Promise<void> {
  const { terminal, settings } = context
  if (!seen || settings.json || !movable(context)) {
    await terminal.sleep(ms)
    return
  }
  const untilMs = terminal.now() + ms
  while (terminal.now() < untilMs) {
    await terminal.sleep(Math.min(FRAME_MS, untilMs - terminal.now()))
    show(live, seen, programs, terminal.now())
  }
}

function movable({ terminal }: Context): boolean {
  return terminal.outIsTty && terminal.env['TERM'] !== 'dumb'
}

/** The tree in place on a terminal, lines elsewhere. */
export function liveFor(context: Context): Live {
  const { terminal, settings } = context
  const colour = takesColour(terminal.outIsTty, terminal.env, settings.color)
  if (!movable(context)) {
    return plainTree((text) => terminal.out(text), {
      colour,
      stamp: () => timeText(terminal.now()).slice(11),
    })
  }
  const screen = {
    write: (text: string) => terminal.out(text),
    get columns() {
      return terminal.columns
    },
    get rows() {
      return terminal.rows
    },
  }
  return liveTree(screen, { colour })
}

/** One JSON object a line, for each change of a step. */
function jsonLines({ terminal, say }: Context): Live {
  const seen = new Map<string, string>()
  const put = (value: { readonly [name: string]: unknown }): void =>
    terminal.out(`${jsonText({ format_version: FORMAT_VERSION, at: terminal.now(), ...value }, 0)}\n`)
  return {
    show: (models) => {
      for (const [stream, model] of models) {
        if (seen.get(stream) !== model.title) put({ stream, title: model.title })
        seen.set(stream, model.title)
        for (const { durationMs: _running, ...step } of model.steps) {
          const now = JSON.stringify(step)
          const key = `${stream}/${step.id}`
          if (seen.get(key) !== now) put({ stream, step })
          seen.set(key, now)
        }
      }
    },
    note: (line) => say(line),
    end: () => {},
  }
}

function askText(endings: ReadonlyMap<string, Ending>): string {
  for (const [stream, ending] of endings) {
    if (ending.is !== 'asking') continue
    const step = ending.subject === 'plan' ? '' : ` --step ${ending.subject}`
    return `To decide: firebreak approve ${stream}${step} --digest ${ending.digest}   (or deny)`
  }
  return ''
}

/** The exit code of what was followed; the worst of several. */
export function exitFor({ is, endings }: Followed): ExitCode {
  if (is === 'timeout') return EXIT.denied
  const outcomes = [...endings.values()].map((ending) => (ending.is === 'ended' ? ending.outcome : 'running'))
  if (outcomes.some((outcome) => outcome === 'failed' || outcome === 'aborted' || outcome === 'stopped'))
    return EXIT.failed
  return outcomes.some((outcome) => outcome === 'denied' || outcome === 'refused') ? EXIT.denied : EXIT.ok
}
