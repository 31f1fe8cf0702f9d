import {
  ApplicationAutoScalingClient,
  DeleteScheduledActionCommand,
  DescribeScalableTargetsCommand,
  DescribeScheduledActionsCommand,
  PutScheduledActionCommand,
  RegisterScalableTargetCommand,
} from '@aws-sdk/client-application-auto-scaling'
import type { ServiceClients } from '../service.ts'

export const service: ServiceClients<'application-autoscaling'> = {
  connect: (settings) => new ApplicationAutoScalingClient(settings),
  commands: {
    'application-autoscaling:DescribeScalableTargets': DescribeScalableTargetsCommand,
    'application-autoscaling:DescribeScheduledActions': DescribeScheduledActionsCommand,
    'application-autoscaling:PutScheduledAction': PutScheduledActionCommand,
    'application-autoscaling:DeleteScheduledAction': DeleteScheduledActionCommand,
    'application-autoscaling:RegisterScalableTarget': RegisterScalableTargetCommand,
  },
}
