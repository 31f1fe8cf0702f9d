import {
  BatchGetDeploymentsCommand,
  CodeDeployClient,
  CreateDeploymentCommand,
  GetApplicationRevisionCommand,
  GetDeploymentCommand,
  GetDeploymentGroupCommand,
  ListDeploymentsCommand,
  StopDeploymentCommand,
} from '@aws-sdk/client-codedeploy'
import type { ServiceClients } from '../service.ts'

export const service: ServiceClients<'codedeploy'> = {
  connect: (settings) => new CodeDeployClient(settings),
  commands: {
    'codedeploy:GetDeploymentGroup': GetDeploymentGroupCommand,
    'codedeploy:ListDeployments': ListDeploymentsCommand,
    'codedeploy:BatchGetDeployments': BatchGetDeploymentsCommand,
    'codedeploy:GetDeployment': GetDeploymentCommand,
    'codedeploy:GetApplicationRevision': GetApplicationRevisionCommand,
    'codedeploy:StopDeployment': StopDeploymentCommand,
    'codedeploy:CreateDeployment': CreateDeploymentCommand,
  },
}
