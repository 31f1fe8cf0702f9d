import type { Json } from '../json.ts'
import { alertMembers, type AlertMembers } from './alert-members.ts'
import { isGrave, NUMBERED, toldBy, toldByNumber, type Told } from './alert-words.ts'
import { alarmEvent } from './cloudwatch.ts'
import type { Delivery } from './delivery.ts'
import { eventOf, ignored, signalOf } from './outcome.ts'
import { arnOf } from './regions.ts'
import { cleanName, type Members } from './read.ts'
import type { Parsed } from './signal.ts'
import { arrivalOf, stateTimeOf, timeOf } from './time.ts'

const words = (text: string): readonly string[] => text.trim().split(/\s+/)

/** A member of such a name makes a payload an alert's; `issue`, `trigger` and `check` alone would take CI for trouble. */
const ALERT =
  /alert|alarm|incident|outage|problem|heartbeat|^(check|monitor|sensor)$|(monitor|sensor|check|trigger|rule)(id|name)$|monitor(friendlyname|condition)|trigger(url|status|type)|checkrate|entityid|conditionname|policyname|dedupkey|notificationtype|(service|host)state|deploymentid|deploymentstatusstate|newstate|searchname/
/** Log lines have a severity as well, so that it makes an alert only together with a state. */
const GRADED = /severity/

/** Some say only in their kind of event what it is about: `incident.created`. */
const KIND = words('type eventtype event')
const OF_ALERT = /^(incident|alert|alarm)([._ ]|$)/

const STATE = words(`notificationtype messagetype newstatevalue newstate alertstate alarmstate alertstatus
  currentstate currentstatus monitorcondition alerttransition transition incidentstate incidentstatus
  incidentstatuscategory incidentstatusname problemstate problemstatus eventstatus triggerstatus servicestate hoststate
  monitorstatus checkstatus deploymentstatusstate alertgroupstate alerttypefriendlyname alerttype triggertype actiongroup newhealth eventaction
  state status action eventtype event type`)

const NAME =
  words(`alertname alarmname alertrule rulename alerttitle problemtitle incidentname incidenttitle monitorname
  monitorfriendlyname checkname policyname conditionname entitydisplayname entityid triggername eventname
  servicedescription servicedesc searchname detector alertgrouptitle alert alarm incident title payloadsummary name summary subject
  shortdescription environment eventtypename metricname check monitor sensor message msg text dedupkey hostname host`)

/** What stays the same from a problem's beginning to its end. A bare `id` is not among them: it may be the delivery's. */
const ID =
  words(`dedupkey alertcyclekey aggregkey fingerprint incidentid incidentkey problemid alertgroupid entityid
  monitorid triggerid checkid alertid alarmid ruleid watchid alertconfigid
  issueid`)

const REASON =
  words(`newstatereason reason statemessage description longdescription alertdetails checkerrormessage
  serviceoutput problemdetailstext cause details message msg summary payloadsummary`)

/** When the state that is told began, whichever it is. */
const CHANGED =
  words(`statechangedtimestamp statechangetime statestarttime statechangedutctime alertdatetime eventtime
  timestamp executiontime longdatetime updatedat lastupdated time date`)
const BEGAN = words(`startedat fireddatetime triggeredat firedat openedat activeat startsat occurredat start`)
/** An end must not be dated by its problem's beginning: it would never count as the newer of the two. */
const ENDED = words('resolvedat resolveddatetime recoveredat endedat closedat endsat end')
const CREATED = words('createdat created starttime')

/**
 * An alert of a sender that no parser knows. It plainly is one where it has a member whose name speaks of alerts, a name,
 * and a state: a word that everybody uses for trouble or for its end, an end that has not come, or a grave severity. All
 * three are asked for, so that an API's `{"status":"error"}` and a ticket's `{"state":"open"}` stay what they are.
 */
export function fromPlainAlert(payload: Members, delivery: Delivery): readonly Parsed[] | undefined {
  const members = alertMembers(payload)
  const names = [...members.names]
  const isAlert =
    names.some((name) => ALERT.test(name) || GRADED.test(name)) ||
    members.find(KIND, (value) => (typeof value === 'string' && OF_ALERT.test(value) ? true : undefined))
  if (!isAlert) return undefined
  const arn = members.find(['alarmarn'], textOf)?.value
  const alarm = arnOf(arn)?.service === 'cloudwatch' ? arnOf(arn) : undefined
  const name = cleanName(
    alarm?.resource.replace(/^alarm:/, '') ?? untagged(members.find(NAME, textOf)?.value),
  )
  const state = stateOf(members) ?? (names.some((one) => ALERT.test(one)) ? gravityOf(members) : undefined)
  if (name === undefined || state === undefined) return undefined
  const id = members.find(ID, idOf)
  if (id !== undefined && /^inc-[0-9a-z]{12}\b/.test(id.value))
    return [ignored('own-page', `an alert reports the page that we sent (${id.value.slice(0, 60)})`)]
  if (state === 'none')
    return [ignored('no-change', `the alert "${name}" is neither raised nor cleared by this`)]
  const times = (state === 'ok' ? [...ENDED, ...CHANGED] : [...BEGAN, ...CHANGED, ...CREATED]).map(
    (one) => members.find([one], dateOf)?.value,
  )
  const stateAtMs = stateTimeOf(delivery, ...times) ?? arrivalOf(delivery)
  if (stateAtMs === undefined) return undefined
  const reason = members.find(REASON, textOf)?.value
  if (alarm) {
    const { account, region } = alarm
    const detail = { alarmName: name, state: { value: WORD[state], reason: reason ?? '' } }
    return [
      signalOf({
        source: 'cloudwatch',
        via: 'webhook',
        key: [account, region, name],
        name,
        account,
        region,
        state,
        stateAtMs,
        reason,
        event: alarmEvent(account, region, undefined, arn, detail),
      }),
    ]
  }
  const instance = members.find(
    id ? ['alertinstanceid'] : ['alertinstanceid', 'hostname', 'host'],
    textOf,
  )?.value
  return [
    signalOf({
      source: 'webhook',
      via: 'webhook',
      key: [...(id ? [id.name, id.value] : ['name', name]), ...(instance === undefined ? [] : [instance])],
      name,
      state,
      stateAtMs,
      reason,
      event: eventOf('webhook', 'alert', payload),
    }),
  ]
}

const WORD = {
  alarm: 'ALARM',
  ok: 'OK',
  'insufficient-data': 'INSUFFICIENT_DATA',
  occurred: 'ALARM',
} as const

function stateOf(members: AlertMembers): Told | undefined {
  const number = members.find(NUMBERED, (value, name) =>
    typeof value === 'number' || typeof value === 'string'
      ? toldByNumber(name, String(value).trim())
      : undefined,
  )
  const word = members.find(STATE, (value) => (typeof value === 'string' ? toldBy(value) : undefined))
  if (word ?? number) return word?.value ?? number?.value
  const began = members.find(BEGAN, dateOf)
  const ended = members.find(ENDED, (value) => (value === null ? ('open' as const) : dateOf(value)))
  if (began && ended) return ended.value === 'open' ? 'alarm' : 'ok'
  return undefined
}

/** An alert without a state is told because it was raised. */
function gravityOf(members: AlertMembers): 'occurred' | undefined {
  // Splunk calls only when a saved search has found what it looks for, and says so in no word.
  if (members.names.has('searchname') && members.names.has('sid')) return 'occurred'
  const grave = members.find(words('severity alertseverity eventseverity priority'), (value) =>
    typeof value === 'string' && isGrave(value) ? true : undefined,
  )
  return grave ? 'occurred' : undefined
}

function textOf(value: Json): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value : undefined
}

function idOf(value: Json): string | undefined {
  return typeof value === 'number' ? String(value) : textOf(value)
}

/** A `time` or `start` may also be a duration: what lies before September 2001 is no date of an alert. */
function dateOf(value: Json): number | undefined {
  const atMs = timeOf(value)
  return atMs !== undefined && atMs >= 1_000_000_000_000 ? atMs : undefined
}

/** `[P1] [Triggered] api errors` and `[Recovered] api errors` are about one thing. */
function untagged(title: string | undefined): string | undefined {
  const bare = title?.replace(/^(\[[^\]]{1,40}\]\s{0,4}){1,5}/, '')
  return bare?.trim() === '' ? title : bare
}
