import { readFileSync } from 'node:fs'
import { MUTATING_CALLS, serviceOfCall, type CallName } from '../../lib/aws/aws.ts'
import { isOutage, rethrow, rethrowChange } from '../../lib/aws/failure.ts'
import { meaningOf } from '../../lib/aws/refusals.ts'
import { outcomeOf } from '../../lib/errors.ts'
import { awsError } from '../actions/conformance.ts'

const PACKAGES: { readonly [service: string]: string } = {
  'application-autoscaling': 'client-application-auto-scaling',
  codedeploy: 'client-codedeploy',
  ecs: 'client-ecs',
  route53: 'client-route-53',
  ses: 'client-sesv2',
  sns: 'client-sns',
}

/** The exceptions that the SDK says a command throws; the service's base class is what an unknown name becomes. */
function declaredBy(call: CallName): readonly string[] {
  const [service = '', verb = ''] = call.split(':')
  const path = `../../node_modules/@aws-sdk/${PACKAGES[service]}/dist-types/commands/${verb}Command.d.ts`
  const text = readFileSync(new URL(path, import.meta.url), 'utf8')
  const names = [...text.matchAll(/@throws \{@link (\w+)\}/g)].map((match) => match[1] ?? '')
  return names.filter(
    (name) => !/^(ECS|ApplicationAutoScaling|CodeDeploy|Route53|SESv2|SNS)ServiceException$/.test(name),
  )
}

function outcome(throwIt: () => never): string {
  try {
    return throwIt()
  } catch (error) {
    return outcomeOf(error).is
  }
}

test.each([...MUTATING_CALLS].map((call) => [call] as const))(
  'every exception that the SDK declares for %s stands in the table',
  (call) => {
    const declared = declaredBy(call)
    expect(declared.length).toBeGreaterThan(3)
    expect(declared.filter((name) => meaningOf(name, serviceOfCall(call)) === undefined)).toEqual([])
  },
)

const BY_NAME: readonly (readonly [CallName, string, number, string])[] = [
  ['ecs:UpdateService', 'ThrottlingException', 400, 'retryable'],
  ['ecs:UpdateService', 'ClusterNotFoundException', 400, 'terminal'],
  ['ecs:UpdateService', 'ServiceNotFoundException', 400, 'terminal'],
  ['ecs:UpdateService', 'ServiceNotActiveException', 400, 'terminal'],
  ['ecs:UpdateService', 'InvalidParameterException', 400, 'terminal'],
  ['ecs:UpdateService', 'PlatformTaskDefinitionIncompatibilityException', 400, 'terminal'],
  ['ecs:UpdateService', 'PlatformUnknownException', 400, 'terminal'],
  ['ecs:UpdateService', 'ClientException', 400, 'terminal'],
  ['ecs:UpdateService', 'AccessDeniedException', 400, 'terminal'],
  ['ecs:UpdateService', 'UnsupportedFeatureException', 400, 'terminal'],
  ['ecs:UpdateService', 'ServerException', 500, 'unknown'],
  ['application-autoscaling:RegisterScalableTarget', 'ConcurrentUpdateException', 400, 'retryable'],
  ['application-autoscaling:RegisterScalableTarget', 'ValidationException', 400, 'terminal'],
  ['application-autoscaling:RegisterScalableTarget', 'LimitExceededException', 400, 'terminal'],
  ['application-autoscaling:RegisterScalableTarget', 'InternalServiceException', 500, 'unknown'],
  ['route53:ChangeResourceRecordSets', 'Throttling', 400, 'retryable'],
  ['route53:ChangeResourceRecordSets', 'PriorRequestNotComplete', 400, 'retryable'],
  ['route53:ChangeResourceRecordSets', 'InvalidChangeBatch', 400, 'terminal'],
  ['route53:ChangeResourceRecordSets', 'NoSuchHostedZone', 404, 'terminal'],
  ['route53:ChangeResourceRecordSets', 'InvalidInput', 400, 'terminal'],
  ['codedeploy:CreateDeployment', 'DeploymentLimitExceededException', 400, 'retryable'],
  ['codedeploy:CreateDeployment', 'ThrottlingException', 400, 'retryable'],
  ['codedeploy:CreateDeployment', 'RevisionDoesNotExistException', 400, 'terminal'],
  ['codedeploy:CreateDeployment', 'InvalidRevisionException', 400, 'terminal'],
  ['codedeploy:CreateDeployment', 'DeploymentGroupDoesNotExistException', 400, 'terminal'],
  ['codedeploy:CreateDeployment', 'InvalidECSServiceException', 400, 'terminal'],
  ['codedeploy:CreateDeployment', 'AlarmsLimitExceededException', 400, 'terminal'],
  ['codedeploy:CreateDeployment', 'DescriptionTooLongException', 400, 'terminal'],
  ['codedeploy:StopDeployment', 'DeploymentDoesNotExistException', 400, 'terminal'],
  ['sns:Publish', 'KMSThrottlingException', 400, 'retryable'],
  ['sns:Publish', 'AuthorizationErrorException', 403, 'terminal'],
  ['ses:SendEmail', 'TooManyRequestsException', 429, 'retryable'],
  ['ses:SendEmail', 'SendingPausedException', 400, 'terminal'],
]

test.each(BY_NAME)('%s answered by %s (%d) is %s', (call, name, status, expected) => {
  expect(outcome(() => rethrowChange(awsError(name, status), 'change', call))).toBe(expected)
})

test.each([
  ['a name that nobody knows', 'BrandNewException', 400],
  ["another service's refusal", 'PriorRequestNotComplete', 400],
  ["AWS's own trouble with a status below 500", 'ServiceUnavailable', 429],
  ['a 5xx under the name of a refusal', 'InvalidParameterException', 500],
  ['a refusal that never came over the wire', 'AccessDeniedException', undefined],
  ['no answer', 'TimeoutError', undefined],
])('%s leaves the outcome of a change unknown (G3)', (_what, name, status) => {
  expect(outcome(() => rethrowChange(awsError(name, status), 'change', 'ecs:UpdateService'))).toBe('unknown')
})

test('a read that AWS refuses by any name is terminal: nothing was changed', () => {
  expect(outcome(() => rethrow(awsError('BrandNewException', 400), 'read'))).toBe('terminal')
  expect(outcome(() => rethrow(awsError('Throttling', 400), 'read'))).toBe('retryable')
  expect(outcome(() => rethrow(awsError('ServerException', 500), 'read'))).toBe('unknown')
})

test.each([
  ['no answer', 'TimeoutError', undefined, true],
  ['a 500', 'ServerException', 500, true],
  ['an unknown 503', 'BrandNewException', 503, true],
  ['an unknown 400', 'BrandNewException', 400, false],
  ['throttling, also with a 503', 'SlowDown', 503, false],
  ['a refusal', 'ClusterNotFoundException', 400, false],
] as const)('%s is an outage of the service: %s %s %s', (_what, name, status, expected) => {
  const failure = { name, message: '', ...(status === undefined ? {} : { status }) }
  expect(isOutage(failure, 'ecs')).toBe(expected)
})
