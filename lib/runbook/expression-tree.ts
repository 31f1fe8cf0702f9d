/** A node of a parsed expression, as far as we look at it. Offsets are 0-based in the expression. */
export interface ExpressionNode {
  /** `id`, `.`, `[]`, `value`, `call`, `rcall` (a call on something), an operator ... */
  readonly op: string
  readonly args: unknown
  readonly start: number
  readonly end: number
}

const LOOPS = new Set(['all', 'exists', 'exists_one', 'map', 'filter'])

/** One word of a name, with its place. */
export interface NameStep {
  readonly name: string
  readonly start: number
  readonly end: number
}

/** A fact's name with the fields selected from it: `service`, `canary`, `weight`. */
export interface Name {
  readonly steps: readonly NameStep[]
}

/** The path of the fact: everything but the field. */
export function factPath(steps: readonly NameStep[]): string {
  return (steps.length === 1 ? steps : steps.slice(0, -1)).map((step) => step.name).join('.')
}

/** Every name that an expression reads, longest first; the variables of `exists(x, ...)` and the like are none. */
export function namesIn(node: ExpressionNode, bound: readonly string[] = []): Name[] {
  const chain = chainOf(node)
  if (chain) {
    const root = chain[0]
    return root === undefined || bound.includes(root.name) ? [] : [{ steps: chain }]
  }
  const variable = loopVariable(node)
  const inner = variable === undefined ? bound : [...bound, variable]
  return childrenOf(node).flatMap((child) => namesIn(child, inner))
}

/** The steps of `a.b.c` or `a["b"].c`; `undefined` for anything else. */
export function chainOf(node: ExpressionNode): NameStep[] | undefined {
  if (node.op === 'id') return [{ name: String(node.args), start: node.start, end: node.end }]
  if (node.op === '.') {
    const [of, field] = node.args as [ExpressionNode, string]
    const chain = chainOf(of)
    return chain && [...chain, { name: field, start: node.end - field.length, end: node.end }]
  }
  if (node.op === '[]') {
    const [of, key] = node.args as [ExpressionNode, ExpressionNode]
    const chain = key.op === 'value' && typeof key.args === 'string' ? chainOf(of) : undefined
    return chain && [...chain, { name: String(key.args), start: key.start, end: key.end }]
  }
  return undefined
}

/** The nodes directly below a node. */
export function childrenOf(node: ExpressionNode): ExpressionNode[] {
  const { args } = node
  return Array.isArray(args) ? (args.flat(3) as unknown[]).filter(isNode) : isNode(args) ? [args] : []
}

function isNode(value: unknown): value is ExpressionNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'start' in value
}

export interface Call {
  readonly name: string
  readonly args: readonly ExpressionNode[]
  /** What it is called on: `alarm.name` in `alarm.name.contains("x")`. */
  readonly on?: ExpressionNode
}

/** The function that a node calls. */
export function called(node: ExpressionNode): Call | undefined {
  const args = node.args as readonly unknown[]
  if (node.op === 'call') return { name: String(args[0]), args: args[1] as readonly ExpressionNode[] }
  if (node.op === 'rcall')
    return {
      name: String(args[0]),
      on: args[1] as ExpressionNode,
      args: args[2] as readonly ExpressionNode[],
    }
  return undefined
}

/** Whether a call runs its last argument once for each element of a list. */
export function loops(call: Call): boolean {
  return call.on !== undefined && LOOPS.has(call.name)
}

function loopVariable(node: ExpressionNode): string | undefined {
  const call = called(node)
  const first = call?.args[0]
  return call && loops(call) && first?.op === 'id' ? String(first.args) : undefined
}
