import type { ChainRecord } from '../lib/ledger/chain.ts'
import type { Account } from '../sim/account.ts'
import type { World } from '../sim/world.ts'
import { entriesOf, INCIDENT, streamsOf } from './records.ts'
import { printable, type Paint } from './output.ts'

/** What happens in the simulated account and on the record, told once each. */
export interface Scenery {
  /** The account as it stands. */
  look(account: Account): void
  /** The record as it stands. */
  read(records: readonly ChainRecord[], account: Account): void
}

const ALARM = 'api-5xx-spike'
const MINUTE_MS = 60_000

export function scenery(paint: Paint, note: (text: string) => void): Scenery {
  const told = new Set<string>()
  const once = (key: string, text: string) => {
    if (told.has(key)) return
    told.add(key)
    note(text)
  }
  let alarm = 'OK'
  let pages = 0
  let minute = 0
  return {
    look(account) {
      const { world } = account
      if (runs(world, 'prod/api-canary', 42))
        once('canary', 'release 42 is on the canary: it answers half of its requests with 5xx')
      if (runs(world, 'prod/api', 42))
        once('fleet', 'release 42 is deployed to the fleet by CodeDeploy, and each request costs it more')
      const state = world.alarms[ALARM]?.state.value ?? 'OK'
      const now = Math.floor(world.nowMs / MINUTE_MS)
      if (now !== minute && (alarm === 'ALARM' || told.has('canary')) && !told.has('resolved'))
        note(paint('dim', weather(world, (now - 1) * MINUTE_MS)))
      minute = now
      if (state !== alarm) {
        alarm = state
        const reason = printable(world.alarms[ALARM]?.state.reason ?? '')
        note(paint(state === 'ALARM' ? 'red' : 'green', `alarm ${ALARM} is ${state}: ${reason}`))
      }
      for (const message of account.inbox.slice(pages)) {
        // `to` is a routing key or an address: nothing for a screen.
        note(paint('yellow', `page in the local inbox, by ${message.via}: ${printable(message.subject)}`))
      }
      pages = account.inbox.length
    },
    read(records, account) {
      for (const stream of [INCIDENT, ...streamsOf(records)]) {
        for (const entry of entriesOf(records, stream)) {
          if (entry.kind === 'worker.tookover') {
            once(
              `take ${entry.address}`,
              paint(
                'yellow',
                'the lease of the dead worker is over: a new worker takes over, and looks before it acts',
              ),
            )
          }
          if (entry.kind === 'step.applied' && entry.recovered !== undefined) {
            const count = account.effects('route53:ChangeResourceRecordSets')
            once(
              `seen ${entry.address}`,
              paint(
                'green',
                `${entry.step}: the change is there already, so it is recorded and not repeated; the account has counted ${count} such call`,
              ),
            )
          }
          if (entry.kind === 'incident.mitigated')
            once('mitigated', paint('green', `mitigated: ${printable(entry.reason)}`))
          if (entry.kind === 'incident.resolved')
            once('resolved', paint('green', `resolved: ${printable(entry.reason)}`))
          if (entry.kind === 'undo.started')
            once(
              'undo',
              'the alarm has stayed clear: what was only meant for the emergency is put back slowly',
            )
          if (entry.kind === 'step.intended' && stream.endsWith('.undo'))
            once(entry.address, `put back: ${printable(entry.change.summary)}`)
        }
      }
    },
  }
}

function runs(world: World, service: string, revision: number): boolean {
  return world.services[service]?.taskDefinition.endsWith(`:${revision}`) ?? false
}

/** One line about how the service does: what its users feel, and what stands behind it. */
function weather(world: World, minuteAtMs: number): string {
  const site = Object.values(world.sites)[0]
  const sum = (name: string): number => {
    const series = Object.values(world.metrics).find(
      (one) =>
        one.name === name &&
        Object.keys(one.dimensions).length === Object.keys(site?.dimensions ?? {}).length,
    )
    return Math.round(series?.points.find((point) => point.atMs === minuteAtMs)?.sum ?? 0)
  }
  const tasks = world.services['prod/api']?.tasks.length ?? 0
  return `last minute: ${sum('RequestCount')} requests, ${sum('HTTPCode_Target_5XX_Count')} answered with 5xx; ${tasks} tasks`
}
