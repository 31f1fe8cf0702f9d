import { PublishCommand, SNSClient } from '@aws-sdk/client-sns'
import type { ServiceClients } from '../service.ts'

export const service: ServiceClients<'sns'> = {
  connect: (settings) => new SNSClient(settings),
  commands: {
    'sns:Publish': PublishCommand,
  },
}
