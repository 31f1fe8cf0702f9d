import type { FieldType } from '../probes/probe.ts'
import { called, chainOf, childrenOf, loops } from './expression-tree.ts'
import type { ExpressionNode, Name } from './expression-tree.ts'
import { didYouMean, quoted } from './diagnostics.ts'

/** What an expression may name: the fields of each fact by its dotted path, `deployment` or `service.canary`. */
export interface Declared {
  readonly [path: string]: { readonly [field: string]: FieldType }
}

/** One mistake in an expression; 0-based offsets in its text. */
export interface ExpressionProblem {
  readonly code:
    | 'EXPRESSION_SYNTAX'
    | 'EXPRESSION_TYPE'
    | 'EXPRESSION_UNKNOWN_NAME'
    | 'EXPRESSION_UNKNOWN_FIELD'
    | 'EXPRESSION_FORBIDDEN'
    | 'EXPRESSION_TOO_LONG'
  readonly message: string
  readonly start: number
  readonly end: number
  readonly suggestion?: string
}

const CEL_TYPE: { readonly [type in FieldType]: string } = {
  string: 'string',
  int: 'int',
  double: 'double',
  bool: 'bool',
  duration: 'google.protobuf.Duration',
}

/** What is declared, as a tree of names; the leaves are CEL's names of types. */
export interface Tree {
  [name: string]: Tree | string
}

export function tree(declared: Declared): { [name: string]: Tree } {
  const root: Tree = emptyTree()
  for (const [path, fields] of Object.entries(declared)) {
    const node = descend(root, path)
    for (const [field, type] of Object.entries(fields)) node[field] = CEL_TYPE[type]
  }
  return root as { [name: string]: Tree }
}

function emptyTree(): Tree {
  return Object.create(null) as Tree
}

function descend(root: Tree, path: string): Tree {
  let node = root
  for (const name of path.split('.')) {
    const inner = node[name]
    node = typeof inner === 'object' ? inner : (node[name] = emptyTree())
  }
  return node
}

/** What is refused whatever its types are; see `checkExpression` for the reasons. */
export function refused(node: ExpressionNode, inLoop: boolean): ExpressionProblem[] {
  const { start, end } = node
  const forbidden = (message: string, suggestion?: string): ExpressionProblem => ({
    code: 'EXPRESSION_FORBIDDEN',
    message,
    start,
    end,
    ...(suggestion === undefined ? {} : { suggestion }),
  })
  const found: ExpressionProblem[] = []
  const call = called(node)
  const loop = call !== undefined && loops(call)
  if (call?.name === 'matches') {
    found.push(
      forbidden(
        'matches is refused: a hostile text can make a pattern run for minutes',
        'Use contains, startsWith or endsWith.',
      ),
    )
  } else if (call?.name === 'dyn') {
    found.push(forbidden('dyn is refused: it hides mistakes from the type check'))
  } else if (call?.name === 'bind' && call.on?.op === 'id' && String(call.on.args) === 'cel') {
    return [forbidden('cel.bind is refused: an expression is short enough without variables')]
  } else if (loop && inLoop) {
    found.push(forbidden(`${call.name} inside another loop is refused: nested loops take too long`))
  } else if (node.op === '[]' && !chainOf(node) && chainOf((node.args as [ExpressionNode])[0])) {
    found.push(
      forbidden(
        'a computed key is refused: it cannot be checked',
        'Write the name: service.canary or service["canary"].',
      ),
    )
  }
  return [...found, ...childrenOf(node).flatMap((child) => refused(child, inLoop || loop))]
}

/** Why a name means nothing that is declared; empty where it does. */
export function undeclared({ steps }: Name, declared: Declared): ExpressionProblem[] {
  let node: Tree | string = tree(declared)
  let path = ''
  for (const { name, start, end } of steps) {
    const inner: Tree | string | undefined = typeof node === 'string' ? undefined : node[name]
    if (inner === undefined) {
      const known = typeof node === 'string' ? [] : Object.keys(node)
      const suggestion =
        didYouMean(name, known) ?? (known.length > 0 ? `Known here: ${known.join(', ')}.` : undefined)
      return [
        {
          code: path === '' ? 'EXPRESSION_UNKNOWN_NAME' : 'EXPRESSION_UNKNOWN_FIELD',
          message: path === '' ? `nothing is called ${quoted(name)}` : `${path} has no field ${quoted(name)}`,
          start,
          end,
          ...(suggestion === undefined ? {} : { suggestion }),
        },
      ]
    }
    node = inner
    path = path === '' ? name : `${path}.${name}`
  }
  if (typeof node === 'string') return []
  return [
    {
      code: 'EXPRESSION_TYPE',
      message: `${path} is not a value: name one of its fields`,
      start: steps[0]?.start ?? 0,
      end: steps.at(-1)?.end ?? 0,
      suggestion: `Known here: ${Object.keys(node)
        .map((field) => `${path}.${field}`)
        .join(', ')}.`,
    },
  ]
}
