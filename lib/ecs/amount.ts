/** ECS allows 5,000 tasks per service unless the quota was raised; anything above is a slip of the finger. */
export const MAX_TASKS = 5_000
/** Eleven times the capacity: more than that in one step is a slip of the finger. */
const MAX_PERCENT = 1_000

/** For messages and for the schema. */
export const AMOUNT_HELP = 'write a percentage such as 50% or a number of tasks such as +3'

/**
 * The normal text of what is to be added: `50%` or `+3`. Text and not a number, so that the parsed form can be written
 * out and parsed again to the same value.
 */
export function parseAmount(
  text: string,
): { readonly is: 'amount'; readonly amount: string } | { readonly is: 'problem'; readonly message: string } {
  const match = /^\+?(\d{1,4})(%?)$/.exec(text.trim())
  if (!match) return { is: 'problem', message: `"${text.slice(0, 40)}" is no amount: ${AMOUNT_HELP}` }
  const count = Number(match[1])
  const percent = match[2] === '%'
  const limit = percent ? MAX_PERCENT : MAX_TASKS
  if (count < 1 || count > limit) {
    return {
      is: 'problem',
      message: `an amount must lie between 1 and ${limit}${percent ? ' percent' : ' tasks'}`,
    }
  }
  return { is: 'amount', amount: percent ? `${count}%` : `+${count}` }
}

/** How many tasks an amount adds to `desired`. A part of a task is a whole one, so at least one is added. */
export function tasksAdded(amount: string, desired: number): number {
  const count = Number.parseInt(amount.replace('+', ''), 10)
  return amount.endsWith('%') ? Math.max(1, Math.ceil((desired * count) / 100)) : count
}
