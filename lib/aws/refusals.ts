/**
 * What an error name means for the one question that matters: may the call have changed something, and may it be made
 * again? A name that stands in neither list leaves the outcome of a change unknown.
 */
export type Meaning =
  /** Too many calls: AWS changed nothing and takes it later. */
  | 'throttled'
  /** Something else is under way on the same resource: AWS changed nothing and takes it later. */
  | 'busy'
  /** AWS changed nothing, and the same call is refused again. */
  | 'refused'
  /** AWS's own trouble: whether anything was changed is not known. */
  | 'outage'

type Names = { readonly [M in Meaning]?: readonly string[] }

/** Every service's: throttling goes by many names (AWS.md 0.4), and so does the front door (sign, parse, authorize). */
const EVERYWHERE: Names = {
  throttled: [
    'ProvisionedThroughputExceededException',
    'RequestLimitExceeded',
    'RequestThrottled',
    'RequestThrottledException',
    'SlowDown',
    'ThrottledException',
    'Throttling',
    'ThrottlingException',
    'TooManyRequestsException',
  ],
  refused: [
    'AccessDenied',
    'AccessDeniedException',
    'AuthFailure',
    'ExpiredToken',
    'ExpiredTokenException',
    'IncompleteSignature',
    'InvalidAction',
    'InvalidClientTokenId',
    'InvalidParameterCombination',
    'InvalidParameterValue',
    'InvalidSignatureException',
    'MalformedQueryString',
    'MissingAuthenticationToken',
    'MissingAuthenticationTokenException',
    'MissingParameter',
    'NotAuthorized',
    'OptInRequired',
    'RequestExpired',
    'SerializationException',
    'SignatureDoesNotMatch',
    'UnauthorizedOperation',
    'UnknownOperationException',
    'UnrecognizedClientException',
    'ValidationError',
    'ValidationException',
  ],
  outage: [
    'InternalError',
    'InternalFailure',
    'InternalServerError',
    'InternalServerException',
    'ServiceUnavailable',
    'ServiceUnavailableException',
  ],
}

/** By the service that the calls in use go to (AWS.md 1.7, 1.8, 3.2, 5.2, 5.3, 14, 16.2, 16.3). */
const OF_SERVICE: { readonly [service: string]: Names } = {
  ecs: {
    refused: [
      'ClientException',
      'ClusterNotFoundException',
      'InvalidParameterException',
      'NamespaceNotFoundException',
      'PlatformTaskDefinitionIncompatibilityException',
      'PlatformUnknownException',
      'ServiceNotActiveException',
      'ServiceNotFoundException',
      'UnsupportedFeatureException',
    ],
    outage: ['ServerException'],
  },
  'application-autoscaling': {
    busy: ['ConcurrentUpdateException'],
    refused: ['InvalidNextTokenException', 'LimitExceededException', 'ObjectNotFoundException'],
    outage: ['InternalServiceException'],
  },
  elasticloadbalancing: {
    refused: [
      'InvalidTargetException',
      'TargetGroupNotFoundException',
      'TargetGroupNotFound',
      'InvalidTarget',
    ],
    outage: ['HealthUnavailableException', 'HealthUnavailable'],
  },
  route53: {
    busy: ['PriorRequestNotComplete'],
    refused: ['InvalidChangeBatch', 'InvalidInput', 'NoSuchChange', 'NoSuchHealthCheck', 'NoSuchHostedZone'],
  },
  codedeploy: {
    // One active deployment a group, or too many in the account (AWS.md 5.3).
    busy: ['DeploymentLimitExceededException'],
    refused: [
      'AlarmsLimitExceededException',
      'ApplicationDoesNotExistException',
      'ApplicationNameRequiredException',
      'BatchLimitExceededException',
      'DeploymentAlreadyCompletedException',
      'DeploymentConfigDoesNotExistException',
      'DeploymentDoesNotExistException',
      'DeploymentGroupDoesNotExistException',
      'DeploymentGroupNameRequiredException',
      'DeploymentIdRequiredException',
      'DescriptionTooLongException',
      'InvalidAlarmConfigException',
      'InvalidApplicationNameException',
      'InvalidAutoRollbackConfigException',
      'InvalidAutoScalingGroupException',
      'InvalidComputePlatformException',
      'InvalidDeploymentConfigNameException',
      'InvalidDeploymentGroupNameException',
      'InvalidDeploymentIdException',
      'InvalidDeploymentStatusException',
      'InvalidECSServiceException',
      'InvalidExternalIdException',
      'InvalidFileExistsBehaviorException',
      'InvalidGitHubAccountTokenException',
      'InvalidIgnoreApplicationStopFailuresValueException',
      'InvalidInputException',
      'InvalidLoadBalancerInfoException',
      'InvalidNextTokenException',
      'InvalidRevisionException',
      'InvalidRoleException',
      'InvalidTargetInstancesException',
      'InvalidTimeRangeException',
      'InvalidTrafficRoutingConfigurationException',
      'InvalidUpdateOutdatedInstancesOnlyValueException',
      'RevisionDoesNotExistException',
      'RevisionRequiredException',
      'UnsupportedActionForDeploymentTypeException',
    ],
  },
  lambda: {
    refused: ['InvalidParameterValueException', 'ResourceNotFoundException'],
    outage: ['ServiceException'],
  },
  cloudwatch: { refused: ['InvalidNextToken'] },
  sns: {
    // An encrypted topic whose key service is busy.
    throttled: ['KMSThrottling', 'KMSThrottlingException'],
    refused: [
      'AuthorizationError',
      'AuthorizationErrorException',
      'EndpointDisabledException',
      'InvalidParameter',
      'InvalidParameterException',
      'InvalidParameterValueException',
      'InvalidSecurityException',
      'KMSAccessDeniedException',
      'KMSDisabledException',
      'KMSInvalidStateException',
      'KMSNotFoundException',
      'KMSOptInRequired',
      'NotFound',
      'NotFoundException',
      'PlatformApplicationDisabledException',
    ],
    outage: ['InternalErrorException'],
  },
  ses: {
    refused: [
      'AccountSuspendedException',
      'BadRequestException',
      'LimitExceededException',
      'MailFromDomainNotVerifiedException',
      'MessageRejected',
      'NotFoundException',
      'SendingPausedException',
    ],
  },
  ssm: { refused: ['InvalidKeyId', 'ParameterNotFound', 'ParameterVersionNotFound'] },
}

function byName(...tables: readonly Names[]): ReadonlyMap<string, Meaning> {
  return new Map(
    tables.flatMap((table) =>
      (Object.keys(table) as Meaning[]).flatMap((meaning) =>
        (table[meaning] ?? []).map((name) => [name, meaning] as const),
      ),
    ),
  )
}

const everywhere = byName(EVERYWHERE)
const ofService = new Map(
  Object.entries(OF_SERVICE).map(([service, names]) => [service, byName(EVERYWHERE, names)]),
)

/** What the name means from that service; without one, what it means everywhere. `undefined`: the name is not known. */
export function meaningOf(name: string, service?: string): Meaning | undefined {
  return (service === undefined ? undefined : ofService.get(service)?.get(name)) ?? everywhere.get(name)
}
