/*
 * What goes on after the record: telling people and other programs what happened, and answering what was asked in a chat. It
 * has a queue of its own, so that nobody who cannot be reached delays a mitigation.
 */

/** Something was put on record of an incident: whoever follows it is told how it stands. */
export interface TellMessage {
  readonly v: 1
  readonly is: 'tell'
  readonly incidentId: string
}

/** Somebody asked for something in Slack, and was told that it is being looked at. */
export interface AskedMessage {
  readonly v: 1
  readonly is: 'asked'
  /** The id of the member. */
  readonly user: string
  readonly channel: string
  /** By which a repeat of the same click or command is recognised. */
  readonly key: string
  /** Where the answer goes; absent after a form, which has none. */
  readonly responseUrl?: string
  readonly asked: SlackAsked
}

/** A command as it was typed, or what a button or a form says. */
export type SlackAsked =
  | { readonly is: 'command'; readonly text: string }
  | { readonly is: 'button'; readonly action: string; readonly value: string }
  | { readonly is: 'form'; readonly runbook: string; readonly reason: string; readonly mode?: string }

/** One entry is delivered to one hook. */
export interface HookMessage {
  readonly v: 1
  readonly is: 'hook'
  readonly hook: string
  readonly incidentId: string
  /** Of the entry. */
  readonly address: string
  /** The first is 1. */
  readonly attempt: number
  readonly notBeforeMs: number
}

export type OutboxMessage = TellMessage | AskedMessage | HookMessage

export interface Outbox {
  /** `delayMs` up to 15 minutes. */
  send(message: OutboxMessage, delayMs: number): Promise<void>
}

/** Nobody is told anything. */
export const silentOutbox: Outbox = { send: async () => {} }
