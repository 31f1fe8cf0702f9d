import type { EntryOf } from '../ledger/entry.ts'
import { because, type Told } from './telling.ts'
import { durationText } from './words.ts'

type PagingStarted = EntryOf<'paging.started'>

/** Whom it goes through until somebody answers. */
export function tellPaging({ team, levels, repeat, fallback, reason, origin }: PagingStarted): Told {
  const order = levels.map(({ page, forMs }) => `${page} for ${durationText(forMs)}`)
  const again = repeat === 0 ? '' : `, ${repeat === 1 ? 'once' : `${repeat} times`} more`
  return {
    level: 'info',
    text: `${team} is paged until somebody acknowledges: ${order.join(', then ')}${again}${fallback ? '; at last the channels of the team' : ''}.`,
    ...because({ reason, notes: [`first by ${origin.step} of ${origin.stream}`] }),
  }
}

/** How it ended. */
export function tellAnswer(
  { outcome }: EntryOf<'execution.finished'>,
  { team }: PagingStarted,
): Pick<Told, 'text' | 'level'> {
  switch (outcome) {
    case 'succeeded':
      return { level: 'good', text: `${team} is not paged any more.` }
    case 'failed':
      return { level: 'bad', text: `Nobody of ${team} has answered.` }
    case 'aborted':
      return { level: 'attention', text: `${team} is not paged any more: it was aborted.` }
    case 'skipped':
      return { level: 'info', text: `${team} is not paged a second time.` }
  }
}
