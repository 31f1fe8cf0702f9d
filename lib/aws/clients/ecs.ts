import { DescribeServicesCommand, ECSClient, UpdateServiceCommand } from '@aws-sdk/client-ecs'
import type { ServiceClients } from '../service.ts'

export const service: ServiceClients<'ecs'> = {
  connect: (settings) => new ECSClient(settings),
  commands: {
    'ecs:DescribeServices': DescribeServicesCommand,
    'ecs:UpdateService': UpdateServiceCommand,
  },
}
