import type { Caller } from '../../lib/access.ts'
import type { SlackSettings } from '../../lib/runbook/runbook.ts'

/** Whoever acts from Slack, by slack.yaml. */
export function chatter({ users }: SlackSettings, id: string): Caller | undefined {
  const user = users.find((one) => one.id === id)
  if (!user) return undefined
  const { name, role, services } = user
  return { name, role, via: 'slack', ...(services === undefined ? {} : { services }) }
}

export const STRANGER = 'You are not among the users of slack.yaml, and may only read the help.'
