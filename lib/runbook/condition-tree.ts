/** A node of a parsed condition, as far as we look at it. Offsets are 0-based in the expression. */
export interface ConditionNode {
  /** `id`, `.`, `[]`, `value`, `call`, `rcall` (a call on something), an operator ... */
  readonly op: string
  readonly args: unknown
  readonly start: number
  readonly end: number
}

const LOOPS = new Set(['all', 'exists', 'exists_one', 'map', 'filter'])

/** A name on the way to a field, with its place. */
export interface ReferenceStep {
  readonly name: string
  readonly start: number
  readonly end: number
}

/** A name with the fields selected from it: `service`, `canary`, `weight`. */
export interface Reference {
  readonly steps: readonly ReferenceStep[]
}

/** The path of the fact: everything but the field. */
export function factPath(steps: readonly ReferenceStep[]): string {
  return (steps.length === 1 ? steps : steps.slice(0, -1)).map((step) => step.name).join('.')
}

/** Every reference of an expression, longest first; the variables of `exists(x, ...)` and the like are none. */
export function references(node: ConditionNode, bound: readonly string[] = []): Reference[] {
  const chain = chainOf(node)
  if (chain) {
    const root = chain[0]
    return root === undefined || bound.includes(root.name) ? [] : [{ steps: chain }]
  }
  const variable = loopVariable(node)
  const inner = variable === undefined ? bound : [...bound, variable]
  return childrenOf(node).flatMap((child) => references(child, inner))
}

/** The steps of `a.b.c` or `a["b"].c`; `undefined` for anything else. */
export function chainOf(node: ConditionNode): ReferenceStep[] | undefined {
  if (node.op === 'id') return [{ name: String(node.args), start: node.start, end: node.end }]
  if (node.op === '.') {
    const [of, field] = node.args as [ConditionNode, string]
    const chain = chainOf(of)
    return chain && [...chain, { name: field, start: node.end - field.length, end: node.end }]
  }
  if (node.op === '[]') {
    const [of, key] = node.args as [ConditionNode, ConditionNode]
    const chain = key.op === 'value' && typeof key.args === 'string' ? chainOf(of) : undefined
    return chain && [...chain, { name: String(key.args), start: key.start, end: key.end }]
  }
  return undefined
}

/** The nodes directly below a node. */
export function childrenOf(node: ConditionNode): ConditionNode[] {
  const { args } = node
  return Array.isArray(args) ? (args.flat(3) as unknown[]).filter(isNode) : isNode(args) ? [args] : []
}

function isNode(value: unknown): value is ConditionNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'start' in value
}

export interface Call {
  readonly name: string
  readonly args: readonly ConditionNode[]
  /** What it is called on: `alarm.name` in `alarm.name.contains("x")`. */
  readonly on?: ConditionNode
}

/** The function that a node calls. */
export function called(node: ConditionNode): Call | undefined {
  const args = node.args as readonly unknown[]
  if (node.op === 'call') return { name: String(args[0]), args: args[1] as readonly ConditionNode[] }
  if (node.op === 'rcall')
    return { name: String(args[0]), on: args[1] as ConditionNode, args: args[2] as readonly ConditionNode[] }
  return undefined
}

/** Whether a call runs its last argument once for each element of a list. */
export function loops(call: Call): boolean {
  return call.on !== undefined && LOOPS.has(call.name)
}

function loopVariable(node: ConditionNode): string | undefined {
  const call = called(node)
  const first = call?.args[0]
  return call && loops(call) && first?.op === 'id' ? String(first.args) : undefined
}
