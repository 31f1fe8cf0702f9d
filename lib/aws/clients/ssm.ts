import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import type { ServiceClients } from '../service.ts'

export const service: ServiceClients<'ssm'> = {
  connect: (settings) => new SSMClient(settings),
  commands: {
    'ssm:GetParameter': GetParameterCommand,
  },
}
