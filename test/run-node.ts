import { spawn } from 'node:child_process'

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** A program as a process of its own. The test runner's flags are not for it. */
export async function runNode(
  args: readonly string[],
  { cwd, env = {} }: { readonly cwd?: string; readonly env?: { readonly [name: string]: string } } = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      ...(cwd === undefined ? {} : { cwd }),
      env: { ...process.env, NODE_OPTIONS: '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let out = ''
    let err = ''
    child.stdout.on('data', (part: Buffer) => (out += part.toString()))
    child.stderr.on('data', (part: Buffer) => (err += part.toString()))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, out, err }))
  })
}
