/** One file as the architecture test sees it. Line numbers count from 1. */
export interface Source {
  /** From the repository's root, with slashes: `lib/json.ts`. */
  readonly path: string
  /** Comments are blanked, the rest stands where it stood. */
  readonly code: string
  /** Comments and the contents of strings are blanked. Expressions within templates stay. */
  readonly bare: string
  readonly imports: readonly Import[]
  readonly literals: readonly Literal[]
  readonly lines: number
}

export interface Import {
  readonly specifier: string
  /** The clause between `import` and `from`; empty for `import()`. */
  readonly names: string
  /** `import type`: nothing is loaded. */
  readonly typeOnly: boolean
  /** `import()`: loaded when it is reached, so it can close no cycle of loading. */
  readonly dynamic: boolean
  readonly line: number
}

export interface Literal {
  readonly text: string
  readonly line: number
}

/** Reads what the rules need. It tells comments, strings, templates and regular expressions apart, and no more. */
export function parseSource(path: string, text: string): Source {
  const { code, bare, literals } = scan(text)
  return {
    path,
    code,
    bare,
    imports: importsOf(code, bare),
    literals,
    lines: text.trimEnd().split('\n').length,
  }
}

/** The line of an offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1
  for (let i = text.indexOf('\n'); i >= 0 && i < offset; i = text.indexOf('\n', i + 1)) line++
  return line
}

function importsOf(code: string, bare: string): readonly Import[] {
  const found: Import[] = []
  // Searched in `bare`, so that an import within a string is none; the specifier is read from `code`.
  const statement =
    /^[ \t]*(import|export)\b(?!\s*\()(\s+type\b(?!\s*(?:,|from\b)))?([^'"`;=]*?\bfrom)?\s*(['"])/gm
  for (const match of bare.matchAll(statement)) {
    if (match[1] === 'export' && match[3] === undefined) continue
    const start = match.index + match[0].length
    const specifier = code.slice(start, code.indexOf(match[4] ?? "'", start))
    const names = (match[3] ?? '').replace(/from$/, '')
    const line = lineAt(code, match.index)
    found.push({ specifier, names, typeOnly: match[2] !== undefined, dynamic: false, line })
  }
  for (const match of bare.matchAll(/(\btypeof\s+)?\b(?:import|require)\s*\(\s*(['"`])/g)) {
    const start = match.index + match[0].length
    const specifier = code.slice(start, code.indexOf(match[2] ?? "'", start))
    const line = lineAt(code, match.index)
    found.push({ specifier, names: '', typeOnly: match[1] !== undefined, dynamic: true, line })
  }
  return found.sort((a, b) => a.line - b.line)
}

/** After these a slash divides; after anything else it opens a regular expression. */
const ENDS_OPERAND = /(?:[\w$)\]}]|\+\+|--)$/
const KEYWORD_BEFORE_REGEXP = /(?:^|[^.\w$])(?:return|typeof|case|in|of|void|delete|do|else|await|yield)$/

function scan(text: string) {
  const code = text.split('')
  const bare = text.split('')
  const literals: Literal[] = []
  const blank = (target: string[], from: number, to: number): void => {
    for (let i = from; i < to; i++) if (target[i] !== '\n') target[i] = ' '
  }

  /** Where the string that opens at `from` closes. */
  const endOfString = (from: number): number => {
    let i = from + 1
    while (i < text.length && text[i] !== text[from] && text[i] !== '\n') i += text[i] === '\\' ? 2 : 1
    return i
  }

  /** Where the regular expression that opens at `from` closes. */
  const endOfRegExp = (from: number): number => {
    let inClass = false
    let i = from + 1
    for (; i < text.length && text[i] !== '\n'; i++) {
      if (text[i] === '\\') i++
      else if (text[i] === '[') inClass = true
      else if (text[i] === ']') inClass = false
      else if (text[i] === '/' && !inClass) break
    }
    return i
  }

  /** Reads template text from `from` and returns where it closes; expressions in it are code. */
  const readTemplate = (from: number): number => {
    let i = from
    let start = from
    while (i < text.length && text[i] !== '`') {
      if (text[i] === '\\') i += 2
      else if (text.startsWith('${', i)) {
        blank(bare, start, i)
        i = readCode(i + 2, '}') + 1
        start = i
      } else i++
    }
    blank(bare, start, i)
    literals.push({ text: text.slice(from, i), line: lineAt(text, from) })
    return i
  }

  /** Reads code from `from` until the closing brace, or the end. */
  const readCode = (from: number, until?: '}'): number => {
    let depth = 0
    let i = from
    while (i < text.length) {
      const char = text[i]
      if (text.startsWith('//', i) || text.startsWith('/*', i)) {
        const close = text[i + 1] === '/' ? text.indexOf('\n', i) : text.indexOf('*/', i) + 2
        const end = close < i + 2 && close !== i ? text.length : close
        blank(code, i, end)
        blank(bare, i, end)
        i = end
      } else if (char === "'" || char === '"') {
        const end = endOfString(i)
        literals.push({ text: text.slice(i + 1, end), line: lineAt(text, i) })
        blank(bare, i + 1, end)
        i = end + 1
      } else if (char === '`') {
        i = readTemplate(i + 1) + 1
      } else if (char === '/' && opensRegExp(code.slice(Math.max(0, i - 200), i).join(''))) {
        const end = endOfRegExp(i)
        blank(bare, i + 1, end)
        i = end + 1
      } else {
        if (char === '{') depth++
        if (char === '}' && depth-- === 0 && until) return i
        i++
      }
    }
    return i
  }

  readCode(0)
  return { code: code.join(''), bare: bare.join(''), literals }
}

function opensRegExp(before: string): boolean {
  const trimmed = before.trimEnd()
  return !ENDS_OPERAND.test(trimmed) || KEYWORD_BEFORE_REGEXP.test(trimmed)
}
