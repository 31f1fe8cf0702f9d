import {
  ChangeResourceRecordSetsCommand,
  GetChangeCommand,
  GetHealthCheckStatusCommand,
  ListResourceRecordSetsCommand,
  Route53Client,
} from '@aws-sdk/client-route-53'
import type { ServiceClients } from '../service.ts'

export const service: ServiceClients<'route53'> = {
  connect: (settings) => new Route53Client(settings),
  commands: {
    'route53:ListResourceRecordSets': ListResourceRecordSetsCommand,
    'route53:GetHealthCheckStatus': GetHealthCheckStatusCommand,
    'route53:ChangeResourceRecordSets': ChangeResourceRecordSetsCommand,
    'route53:GetChange': GetChangeCommand,
  },
}
