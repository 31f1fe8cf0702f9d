import { attemptsOf, type Attempt } from './attempts.ts'
import { heldBy, isTouched, standingOf, type Standing, type Touched } from './standing.ts'
import { isUndo, type Told } from './told.ts'

/** Holds what stands at the end against the records, wherever nobody else has set it (CORE.md 2, checks 1 and 9). */
export function watchValues(
  { streams, touched }: { readonly streams: ReadonlyMap<string, Told>; readonly touched: Touched },
  standing: Standing,
  wrong: (what: string) => void,
): void {
  const all = [...streams.values()].filter((told) => told.stream !== 'incident')
  const undone = new Set(all.filter(isUndo).flatMap(undoneBy))
  const attempts = all.flatMap(attemptsOf).toSorted((a, b) => a.putAtMs - b.putAtMs)
  for (const [label, ofTarget] of Map.groupBy(attempts, ({ entry }) => entry.change.target.label)) {
    const [first] = ofTarget
    for (const [index, attempt] of ofTarget.entries()) inherits(attempt, ofTarget.slice(0, index), wrong)
    for (const told of all) if (isUndo(told)) givesWay(told, ofTarget, streams, wrong)
    if (!first || isTouched(touched, heldBy(standingOf(first.entry.change.before)))) continue
    // A runbook without expires_in does not know of the switch of one with it (ADR 25).
    const ofSwitch = ofTarget.filter(({ entry }) => standingOf(entry.change.after).expires !== undefined)
    if (ofSwitch.length > 0 && ofSwitch.length < ofTarget.length) continue
    asRecorded(label, ofTarget, standing, wrong)
    const changes = ofTarget.filter(({ told, entry }) => !isUndo(told) && entry.attempt === 1)
    if (changes.every(({ told, entry }) => undone.has(`${told.stream}.undo/${entry.step}`)))
      putBack(label, first, standing, wrong)
  }
}

/** The last change on record is what stands, or what AWS itself has put back since. */
function asRecorded(
  label: string,
  attempts: readonly Attempt[],
  standing: Standing,
  wrong: (what: string) => void,
): void {
  const last = attempts.findLast(({ came }) => came === 'applied')
  const later = last ? attempts.slice(attempts.indexOf(last) + 1) : attempts
  const [first] = attempts
  if (!first || later.some(({ came }) => came === 'unknown')) return
  const { change, undoTo = change.before } = (last ?? first).entry
  const goal = heldBy(standingOf(last ? change.after : change.before))
  const hasExpired = goal.expires === true && standing.expires === false
  const possible = [goal, ...(hasExpired ? [heldBy(standingOf(undoTo))] : [])]
  for (const what of Object.keys(goal) as (keyof Standing)[]) {
    // An attempt that came to nothing may have left the switch behind, or taken it away (ADR 25).
    if (what === 'expires' && (hasExpired || later.length > 0)) continue
    const is = standing[what]
    if (!possible.some((one) => one[what] === is))
      wrong(`${what} of ${label} is ${is}, and ${possible[0]?.[what]} is on record as set last (check 1)`)
  }
}

/** Where everything that was changed was put back, what stood before the first change stands again. */
function putBack(label: string, { entry }: Attempt, standing: Standing, wrong: (what: string) => void): void {
  const before = heldBy(standingOf(entry.change.before))
  // Whatever an attempt had left behind before: AWS has nothing more to put back then.
  const goal = before.expires === undefined ? before : { ...before, expires: false }
  for (const [what, was] of Object.entries(goal)) {
    const is = standing[what as keyof Standing]
    if (was !== is)
      wrong(`${what} of ${label} was left at ${is}, and everything was put back to ${was} (check 9)`)
  }
}

/** Who is to go back to what stood before an earlier change of ours has found that change standing. */
function inherits(
  { told, entry, putAtMs }: Attempt,
  earlier: readonly Attempt[],
  wrong: (what: string) => void,
): void {
  if (isUndo(told) || entry.attempt > 1 || entry.undoTo === undefined) return
  const { desired, floor, weight } = standingOf(entry.change.before)
  const found: Partial<Standing> = { desired, floor, weight }
  const applied = earlier.filter(({ came }) => came === 'applied')
  // What was put on record only later may have been there already, or have come to be there since.
  const known = applied.findLastIndex(({ cameAtMs }) => cameAtMs < putAtMs)
  const isSame = applied.slice(Math.max(known, 0)).some((set) => {
    const { expires: _switch, ...left } = heldBy(standingOf(set.entry.change.after))
    return Object.entries(left).every(([what, value]) => found[what as keyof Standing] === value)
  })
  if (!isSame)
    wrong(
      `${told.stream}: ${entry.step} is to go back to what stood before an earlier change, and did not find that one standing (check 9)`,
    )
}

/** An undo that leaves it to another execution's to put both back: all that was changed since was built on what it had set. */
function givesWay(
  undo: Told,
  attempts: readonly Attempt[],
  streams: ReadonlyMap<string, Told>,
  wrong: (what: string) => void,
): void {
  for (const { entry, putAtMs } of undo.entries) {
    if (entry.kind !== 'step.skipped' || entry.code !== 'superseded') continue
    const own = attempts.findIndex(
      ({ told, entry: intent, came }) =>
        `${told.stream}.undo` === undo.stream && intent.step === entry.step && came === 'applied',
    )
    const since = attempts
      .slice(own + 1)
      .filter(({ putAtMs: atMs, came }) => atMs < putAtMs && came === 'applied')
    // What a foreign value had broken is known for as long as the change that was built on it is to be put back.
    const breach = since.find(({ told, entry: intent }) => {
      const back = streams.get(`${told.incidentId}/${told.stream}.undo`)
      return intent.heritage?.replaces && !(back && isBack(back, intent.step, putAtMs))
    })
    if (own >= 0 && breach)
      wrong(
        `${undo.stream}: ${entry.step} is left to another, and ${breach.told.stream} was built on a foreign value (check 9)`,
      )
  }
}

/** Whether an undo was done with a step by then: it has put it back, or left it alone. */
function isBack(undo: Told, step: string, byMs: number): boolean {
  return undo.entries.some(
    ({ entry, putAtMs }) =>
      putAtMs < byMs &&
      ((entry.kind === 'step.intended' && entry.step === step && entry.last !== false) ||
        (entry.kind === 'step.skipped' && entry.step === step)),
  )
}

/** What an undo has put back to the end, or found put back. */
function undoneBy(told: Told): readonly string[] {
  return told.entries.flatMap(({ entry, seq }) => {
    if (entry.kind === 'step.skipped' && (entry.code === 'undone' || entry.code === 'superseded'))
      return [`${told.stream}/${entry.step}`]
    if (entry.kind !== 'step.applied') return []
    const intent = told.entries.findLast(
      ({ entry: other, seq: otherSeq }) =>
        other.kind === 'step.intended' && other.step === entry.step && otherSeq < seq,
    )?.entry
    return intent?.kind === 'step.intended' && intent.last !== false ? [`${told.stream}/${entry.step}`] : []
  })
}
