import type { ChainRecord } from '../lib/ledger/chain.ts'
import type { Account } from '../sim/account.ts'
import { entriesOf, INCIDENT, streamsOf } from './records.ts'
import { printable, type Paint } from './output.ts'

/** What happens in the simulated account and on the record, told once each. */
export interface Scenery {
  /** The account as it stands. */
  look(account: Account): void
  /** The record as it stands. */
  read(records: readonly ChainRecord[]): void
}

export function scenery(paint: Paint, note: (text: string) => void): Scenery {
  const told = new Set<string>()
  const once = (key: string, text: string) => {
    if (told.has(key)) return
    told.add(key)
    note(text)
  }
  let alarm = 'OK'
  let pages = 0
  return {
    look(account) {
      const { world } = account
      const state = world.alarms['api-5xx-spike']?.state.value ?? 'OK'
      if (state !== alarm) {
        alarm = state
        const reason = printable(world.alarms['api-5xx-spike']?.state.reason ?? '')
        note(paint(state === 'ALARM' ? 'red' : 'green', `alarm api-5xx-spike is ${state}: ${reason.slice(0, 110)}`))
      }
      if (world.services['prod/api-canary']?.taskDefinition.endsWith(':42')) once('canary', 'release 42 is on the canary: it answers half of its requests with 5xx')
      if (world.services['prod/api']?.taskDefinition.endsWith(':42')) once('fleet', 'release 42 is deployed to the fleet by CodeDeploy, and each request costs it more')
      for (const message of account.inbox.slice(pages)) {
        // `to` is a routing key or an address: nothing for a screen.
        note(paint('yellow', `page in the local inbox, by ${message.via}: ${printable(message.subject).slice(0, 110)}`))
      }
      pages = account.inbox.length
    },
    read(records) {
      for (const stream of [INCIDENT, ...streamsOf(records)]) {
        for (const entry of entriesOf(records, stream)) {
          if (entry.kind === 'worker.tookover') once(`take ${entry.address}`, paint('yellow', 'the lease of the dead worker is over: a new worker takes over, and looks before it acts'))
          if (entry.kind === 'step.applied' && entry.recovered !== undefined) once(`seen ${entry.address}`, paint('green', `${entry.step}: the change is there already; it is recorded, not repeated`))
          if (entry.kind === 'incident.mitigated') once('mitigated', paint('green', `mitigated: ${printable(entry.reason).slice(0, 110)}`))
          if (entry.kind === 'incident.resolved') once('resolved', paint('green', `resolved: ${printable(entry.reason)}`))
          if (entry.kind === 'undo.started') once('undo', 'the alarm has stayed clear: what was only meant for the emergency is put back slowly')
        }
      }
    },
  }
}
