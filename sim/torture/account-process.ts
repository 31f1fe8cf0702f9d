import type { SavedAccount } from '../account.ts'
import { transition } from '../calm.ts'
import type { OutsideAct } from '../outside.ts'
import { answerParent } from './child.ts'
import { estateAccount } from './estate.ts'

/* The simulated AWS account in a process of its own. Its arguments are its first moment and how many services it has. */

/** What the parent asks. Each request carries the virtual time at which it is made. */
export type AccountRequest = { readonly atMs: number } & (
  | { readonly is: 'serve'; readonly text: string }
  | { readonly is: 'transition'; readonly alarm: string; readonly state: 'OK' | 'ALARM' }
  /** Somebody else changes something; answers whether it could be done. */
  | { readonly is: 'act'; readonly act: OutsideAct }
  | { readonly is: 'save' }
)
export type Saved = SavedAccount

const [startAtMs, services] = process.argv.slice(2).map(Number)
const account = estateAccount(startAtMs ?? 0, services ?? 1)

answerParent((request: AccountRequest) => {
  account.advanceTo(request.atMs)
  switch (request.is) {
    case 'serve':
      return account.serve(request.text)
    case 'transition':
      return transition(account, request.state, request.alarm)
    case 'act':
      try {
        account.act(request.act)
        return true
      } catch {
        return false
      }
    case 'save':
      return account.save()
  }
})
