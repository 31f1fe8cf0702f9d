import { pathToFileURL } from 'node:url'
import { never } from '../lib/errors.ts'
import type { CatalogueFile, Compiled } from '../lib/runbook/catalogue.ts'
import { renderDiagnostic, type Diagnostic } from '../lib/runbook/diagnostics.ts'
import { FORMAT_VERSION } from './context.ts'
import { jsonText, printableLines } from './output.ts'

export const LINT_FORMATS = ['text', 'json', 'github', 'sarif', 'junit'] as const
export type LintFormat = (typeof LINT_FORMATS)[number]

/** Diagnostics as a program or a person reads them; the empty text where there is nothing to say. */
export function formatLint(format: LintFormat, compiled: Compiled, files: readonly CatalogueFile[]): string {
  const { diagnostics, sources } = compiled
  switch (format) {
    case 'text':
      return diagnostics.map((one) => printableLines(renderDiagnostic(one, sources[one.file]))).join('\n\n')
    case 'json':
      return json(diagnostics, files)
    case 'github':
      return diagnostics.map(annotation).join('\n')
    case 'sarif':
      return sarif(diagnostics)
    case 'junit':
      return junit(diagnostics, files)
    default:
      return never(format)
  }
}

function json(diagnostics: readonly Diagnostic[], files: readonly CatalogueFile[]): string {
  const errors = diagnostics.filter((one) => one.severity === 'error').length
  return jsonText({
    format_version: FORMAT_VERSION,
    valid: errors === 0,
    error_count: errors,
    warning_count: diagnostics.length - errors,
    files: files.map((file) => file.path),
    diagnostics,
  })
}

function told({ message, suggestion }: Diagnostic): string {
  return suggestion === undefined ? message : `${message}. ${suggestion}`
}

/** A workflow command of GitHub Actions; a line end or a colon in a value would end it early. */
function annotation(one: Diagnostic): string {
  const data = (text: string): string =>
    printableLines(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
  const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
  const places = [
    `file=${property(one.file)}`,
    `line=${one.line}`,
    `col=${one.column}`,
    ...(one.endLine === undefined ? [] : [`endLine=${one.endLine}`]),
    ...(one.endColumn === undefined || one.endLine !== one.line ? [] : [`endColumn=${one.endColumn}`]),
    `title=${property(one.code)}`,
  ]
  return `::${one.severity} ${places.join(',')}::${data(told(one))}`
}

function sarif(diagnostics: readonly Diagnostic[]): string {
  const codes = [...new Set(diagnostics.map((one) => one.code))].sort()
  return jsonText({
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'firebreak', rules: codes.map((id) => ({ id })) } },
        columnKind: 'utf16CodeUnits',
        results: diagnostics.map((one) => ({
          ruleId: one.code,
          ruleIndex: codes.indexOf(one.code),
          level: one.severity,
          message: { text: told(one) },
          locations: [
            { physicalLocation: { artifactLocation: { uri: uriOf(one.file) }, region: regionOf(one) } },
          ],
        })),
      },
    ],
  })
}

/** Relative paths stay relative, so that the reader's own root counts. */
function uriOf(file: string): string {
  return file.startsWith('/')
    ? pathToFileURL(file).href
    : file.split(/[/\\]/).map(encodeURIComponent).join('/')
}

function regionOf({ line, column, endLine, endColumn }: Diagnostic): { readonly [name: string]: number } {
  return {
    startLine: line,
    startColumn: column,
    ...(endLine === undefined ? {} : { endLine }),
    ...(endColumn === undefined ? {} : { endColumn }),
  }
}

/** One suite for each file, one case for each problem; a file without problems is one case that passes. */
function junit(diagnostics: readonly Diagnostic[], files: readonly CatalogueFile[]): string {
  const names = [...new Set([...files.map((file) => file.path), ...diagnostics.map((one) => one.file)])]
  const suites = names.map((name) => {
    const own = diagnostics.filter((one) => one.file === name)
    const errors = own.filter((one) => one.severity === 'error').length
    const cases = own.map((one) => `    ${caseOf(one)}`)
    const passed = `    <testcase classname=${attribute(name)} name="lint"/>`
    return [
      `  <testsuite name=${attribute(name)} tests="${Math.max(1, own.length)}" failures="${errors}">`,
      ...(own.length === 0 ? [passed] : cases),
      '  </testsuite>',
    ].join('\n')
  })
  const failures = diagnostics.filter((one) => one.severity === 'error').length
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="firebreak lint" failures="${failures}">\n${suites.join('\n')}\n</testsuites>`
}

function caseOf(one: Diagnostic): string {
  const place = `${one.file}:${one.line}:${one.column}`
  const head = `<testcase classname=${attribute(one.file)} name=${attribute(`${one.code} ${one.line}:${one.column}`)}>`
  const text = xml(`${place} ${one.code} ${told(one)}`)
  const body =
    one.severity === 'error'
      ? `<failure message=${attribute(told(one))}>${text}</failure>`
      : `<system-out>${text}</system-out>`
  return `${head}${body}</testcase>`
}

function attribute(text: string): string {
  return `"${xml(text).replaceAll('"', '&quot;').replaceAll('\n', '&#10;')}"`
}

/** XML 1.0 has no way at all to write most control characters, nor half of a surrogate pair. */
function xml(text: string): string {
  return text
    .toWellFormed()
    .replace(/(?![\n\t])\p{Cc}|[\ufffe\uffff]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
}
