/** Why an event carries no incident. */
export interface Quiet {
  readonly code: string
  readonly reason: string
}

export function informational(reason: string): Quiet {
  return { code: 'informational', reason }
}
