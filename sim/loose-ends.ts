import { isEnded, isSettled, stateOf, type Execution } from '../lib/execution/state.ts'
import { verifyChain, type ChainRecord } from '../lib/ledger/chain.ts'

/** What an execution or undo has left open, each in words. `mayWait`: somebody is asked, and it may wait for that. */
export function looseEnds(stream: string, execution: Execution, mayWait = false): readonly string[] {
  const { status, pages } = execution
  const isOpen = !isEnded(execution) && status.is !== 'refused' && !mayWait
  const unsent = pages.filter(({ id }) => !isSettled(stateOf(execution, id)))
  return [
    ...(isOpen ? [`${stream} is still ${status.is}`] : []),
    ...unsent.map(({ id }) => `${stream}: its ${id} was never sent nor given up`),
    ...resultless(execution).map((what) => `${stream} has ended ${what}`),
  ]
}

/** Steps of an execution that has ended which have no result; where it went through to its end, also those without a verdict. */
function resultless({ status, steps }: Execution): readonly string[] {
  if (status.is !== 'finished' && status.is !== 'stopped') return []
  const isWhole = status.is === 'finished' && (status.outcome === 'succeeded' || status.outcome === 'failed')
  return [...steps].flatMap(([step, state]) => {
    // Whoever aborts leaves steps that have not begun; what has been tried has come to something.
    const isTried = state.is === 'open' || state.is === 'again'
    if (isTried || (isWhole && !isSettled(state))) return [`without a result of ${step}`]
    const isUnverified = isWhole && state.is === 'applied' && !state.message && state.verdict === undefined
    return isUnverified ? [`without a verdict on ${step}`] : []
  })
}

/** The incidents whose records do not hold, with where and why. */
export function brokenChains(
  streams: Iterable<{ readonly incidentId: string; readonly records: readonly ChainRecord[] }>,
): readonly string[] {
  return [...Map.groupBy(streams, ({ incidentId }) => incidentId)].flatMap(([incidentId, own]) => {
    const verdict = verifyChain(own.flatMap(({ records }) => records))
    return verdict.is === 'consistent' ? [] : [`${incidentId}: ${verdict.address}: ${verdict.reason}`]
  })
}
