import { derivedFor } from './derived.ts'
import { compiledRunbooks } from './runbooks.ts'

export interface GeneratedFile {
  /** From the repository's root. */
  readonly path: string
  readonly text: string
}

/** Every generated file as it should be now. */
export async function generatedFiles(): Promise<readonly GeneratedFile[]> {
  const catalogue = await compiledRunbooks()
  return [{ path: 'deploy/derived.json', text: pretty(derivedFor(catalogue)) }]
}

function pretty(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`
}
