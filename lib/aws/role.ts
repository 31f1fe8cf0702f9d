import type { Settings } from './service.ts'

/** How the role's sessions are named in CloudTrail; the execution is told by the user agent. */
const SESSION_NAME = 'firebreak'

type Credentials = Exclude<NonNullable<Settings['credentials']>, (...args: never) => unknown>

/**
 * Credentials of a role in the target account. `settings` hold the credentials that assume it. The SDK's client keeps
 * what this returns and asks again shortly before it expires.
 */
export function roleCredentials(roleArn: string, settings: Settings): () => Promise<Credentials> {
  return async () => {
    const { AssumeRoleCommand, STSClient } = await import('@aws-sdk/client-sts')
    const answer = await new STSClient(settings).send(
      new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: SESSION_NAME }),
    )
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = answer.Credentials ?? {}
    if (!AccessKeyId || !SecretAccessKey) throw new Error(`STS returned no credentials for ${roleArn}`)
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      ...(SessionToken === undefined ? {} : { sessionToken: SessionToken }),
      ...(Expiration === undefined ? {} : { expiration: Expiration }),
    }
  }
}
