import {
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import type { ServiceClients } from '../service.ts'

export const service: ServiceClients<'elasticloadbalancing'> = {
  connect: (settings) => new ElasticLoadBalancingV2Client(settings),
  commands: {
    'elasticloadbalancing:DescribeTargetHealth': DescribeTargetHealthCommand,
  },
}
