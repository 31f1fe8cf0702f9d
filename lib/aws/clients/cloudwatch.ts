import { CloudWatchClient, DescribeAlarmsCommand, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch'
import type { ServiceClients } from '../service.ts'

export const service: ServiceClients<'cloudwatch'> = {
  connect: (settings) => new CloudWatchClient(settings),
  commands: {
    'cloudwatch:DescribeAlarms': DescribeAlarmsCommand,
    'cloudwatch:GetMetricData': GetMetricDataCommand,
  },
}
