import type { Statement } from './actions/action.ts'
import type { Aws } from './aws/aws.ts'
import { awsFailure } from './aws/failure.ts'
import type { Clock } from './clock.ts'

/** A value older than this is read again where a clock is given, so that a rotated key is noticed. */
const MAX_AGE_MS = 300_000

/**
 * Reads named secrets: `ssm:/path` (decrypted) and `env:NAME`. Keep one reader per process: a value that was read once
 * is kept, and is served on when SSM fails, since the secret store may be down just when somebody must be paged. With a
 * clock, SSM is asked again after 5 minutes. Errors name the secret and never hold its value.
 */
export function secretReader(
  aws: Aws,
  env: { readonly [name: string]: string | undefined },
  clock?: Clock,
): (name: string) => Promise<string> {
  const kept = new Map<string, { readonly value: string; readonly readAtMs: number }>()
  return async (name) => {
    const source = sourceOf(name)
    if (source === undefined)
      throw new Error(
        'a secret must be named ssm:/path or env:NAME; what stands there is not repeated, it may be one',
      )
    if (source.is === 'env') {
      const value = usable(name, Object.hasOwn(env, source.name) ? env[source.name] : undefined)
      if (value instanceof Error) throw value
      return value
    }
    const known = kept.get(name)
    const nowMs = clock?.now() ?? 0
    if (known && nowMs - known.readAtMs < MAX_AGE_MS) return known.value
    const stored = await aws.call('ssm:GetParameter', { Name: source.name, WithDecryption: true }).then(
      (answer) => usable(name, answer.Parameter?.Value),
      // AWS's sentence is left out: nothing that came with a secret goes into a record.
      (error: unknown) => new Error(`cannot read the secret ${name}: ${awsFailure(error).name}`),
    )
    const value = stored instanceof Error ? known?.value : stored
    if (value === undefined) throw stored
    if (value === stored) kept.set(name, { value, readAtMs: nowMs })
    return value
  }
}

/** What reading these secrets needs. A parameter under a customer's own key needs `kms:Decrypt` on that key as well. */
export function secretPermissions(names: readonly string[]): readonly Statement[] {
  const resources = names
    .map(sourceOf)
    .flatMap((source) => (source?.is === 'ssm' ? [source.name.replace(/^\//, '')] : []))
    .map((path) => `arn:\${Partition}:ssm:\${Region}:\${Account}:parameter/${path}`)
  return resources.length === 0 ? [] : [{ actions: ['ssm:GetParameter'], resources }]
}

type Source = { readonly is: 'ssm' | 'env'; readonly name: string }

function sourceOf(name: string): Source | undefined {
  const found = /^(?:(ssm):([\w./-]{1,1011})|(env):([A-Za-z_]\w{0,255}))$/.exec(name)
  if (found?.[2] !== undefined) return { is: 'ssm', name: found[2] }
  if (found?.[4] !== undefined) return { is: 'env', name: found[4] }
  return undefined
}

/**
 * The value without the line end that files and consoles add. A control character inside would break
 * out of a header.
 */
function usable(name: string, value: string | undefined): string | Error {
  const text = value?.trim() ?? ''
  if (text === '') return new Error(`the secret ${name} is empty or missing`)
  // oxlint-disable-next-line no-control-regex -- control characters are what is refused
  return /[\u0000-\u001f\u007f]/.test(text) ? new Error(`the secret ${name} holds a control character`) : text
}
