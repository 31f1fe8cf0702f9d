import type { Calls } from '../lib/aws/aws.ts'
import type { Answer } from './calls.ts'
import { need, refuse } from './refusal.ts'
import type { Sim } from './world.ts'

/** What one alias points to. The simulated CodeDeploy shifts all at once, so no other version keeps a share. */
export function getAlias(
  { world }: Sim,
  input: Calls['lambda:GetAlias']['input'],
): Answer<'lambda:GetAlias'> {
  const { FunctionName: name = '', Name: alias = '' } = input
  const arn = `arn:aws:lambda:${world.region}:${world.account}:function:${name}:${alias}`
  const found = need(world.aliases[`${name}:${alias}`], () =>
    refuse('ResourceNotFoundException', `Cannot find alias arn: ${arn}`, 404),
  )
  return {
    AliasArn: arn,
    Name: alias,
    FunctionVersion: found.version,
    RevisionId: `revision-${found.version}`,
  }
}
