import type { AlarmState } from './world.ts'

type Token = { readonly text: string; readonly name?: string }

/**
 * Evaluates a composite alarm's rule: `ALARM(x)`, `OK(x)`, `INSUFFICIENT_DATA(x)`, `TRUE`, `FALSE`, joined by AND, OR, NOT
 * and parentheses. Names stand bare, quoted, or as ARNs. Throws on a rule that AWS would refuse.
 */
export function evaluateRule(
  rule: string,
  stateOf: (name: string) => AlarmState | undefined,
): { readonly value: boolean; readonly children: readonly string[] } {
  const tokens = tokensOf(rule)
  const children: string[] = []
  let at = 0
  const peek = () => tokens[at]?.text
  const take = () => tokens[at++]

  const either = (): boolean => {
    let value = both()
    while (peek() === 'OR') {
      take()
      const right = both()
      value = value || right
    }
    return value
  }
  const both = (): boolean => {
    let value = single()
    while (peek() === 'AND') {
      take()
      const right = single()
      value = value && right
    }
    return value
  }
  const single = (): boolean => {
    const token = take()
    if (token?.text === 'NOT') return !single()
    if (token?.text === 'TRUE') return true
    if (token?.text === 'FALSE') return false
    if (token?.text === '(') {
      const value = either()
      if (take()?.text !== ')') throw new Error(`the rule lacks a closing parenthesis: ${rule}`)
      return value
    }
    if (token?.name === undefined)
      throw new Error(`the rule cannot be read at ${token?.text ?? 'its end'}: ${rule}`)
    children.push(token.name)
    return stateOf(token.name) === token.text
  }
  const value = either()
  if (at < tokens.length) throw new Error(`the rule cannot be read at ${peek()}: ${rule}`)
  return { value, children }
}

function tokensOf(rule: string): Token[] {
  const pattern =
    /\s*(?:(ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"([^"]+)"|([^)\s]+))\s*\)|(AND|OR|NOT|TRUE|FALSE|\(|\)))/y
  const tokens: Token[] = []
  while (pattern.lastIndex < rule.trimEnd().length) {
    const at = pattern.lastIndex
    const match = pattern.exec(rule)
    if (!match) throw new Error(`the rule cannot be read at ${rule.slice(at, at + 20)}: ${rule}`)
    const named = (match[2] ?? match[3])?.split(':alarm:').pop()
    tokens.push(named === undefined ? { text: match[4] ?? '' } : { text: match[1] ?? '', name: named })
  }
  return tokens
}
