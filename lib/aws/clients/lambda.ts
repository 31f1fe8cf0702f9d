import { GetAliasCommand, LambdaClient } from '@aws-sdk/client-lambda'
import type { ServiceClients } from '../service.ts'

export const service: ServiceClients<'lambda'> = {
  connect: (settings) => new LambdaClient(settings),
  commands: {
    'lambda:GetAlias': GetAliasCommand,
  },
}
