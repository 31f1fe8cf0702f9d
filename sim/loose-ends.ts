import { isEnded, isSettled, stateOf, type Execution } from '../lib/execution/state.ts'
import { verifyChain, type ChainRecord } from '../lib/ledger/chain.ts'

/** What an execution or undo has left open, each in words. `mayWait`: somebody is asked, and it may wait for that. */
export function looseEnds(stream: string, execution: Execution, mayWait = false): readonly string[] {
  const { status, pages } = execution
  const isOpen = !isEnded(execution) && status.is !== 'refused' && !mayWait
  const unsent = pages.filter(({ id }) => !isSettled(stateOf(execution, id)))
  const hasSucceeded = status.is === 'finished' && status.outcome === 'succeeded'
  const without = hasSucceeded ? [...execution.steps].filter(([, state]) => !isSettled(state)) : []
  return [
    ...(isOpen ? [`${stream} is still ${status.is}`] : []),
    ...unsent.map(({ id }) => `${stream}: its ${id} was never sent nor given up`),
    ...without.map(([step]) => `${stream} has succeeded without a result of ${step}`),
  ]
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
