import type { Delivery } from './delivery.ts'
import { fromEventBridge } from './eventbridge.ts'
import { firstText, has, textAt, type Members } from './read.ts'
import type { Parsed } from './signal.ts'

interface Shape {
  readonly source: string
  readonly type: string | ((detail: Members) => string)
  /** The members that only this detail has, all of them. */
  readonly told: readonly string[]
  readonly time: readonly (readonly string[])[]
  readonly resource: readonly string[]
}

/** Details of AWS events that can be told by their members alone, the narrower ones first. */
const SHAPES: readonly Shape[] = [
  {
    source: 'aws.health',
    type: 'AWS Health Event',
    told: ['eventTypeCode', 'eventTypeCategory'],
    time: [['lastUpdatedTime'], ['startTime']],
    resource: ['eventArn'],
  },
  {
    source: 'aws.ecs',
    type: 'ECS Task State Change',
    told: ['taskArn', 'lastStatus'],
    time: [['updatedAt'], ['stoppedAt']],
    resource: ['taskArn'],
  },
  {
    source: 'aws.ecs',
    type: 'ECS Deployment State Change',
    told: ['deploymentId', 'eventName', 'eventType'],
    time: [['updatedAt']],
    resource: ['deploymentId'],
  },
  {
    source: 'aws.ecs',
    type: 'ECS Service Action',
    told: ['clusterArn', 'eventName', 'eventType'],
    time: [['createdAt']],
    resource: ['clusterArn'],
  },
  {
    source: 'aws.rds',
    type: (detail) =>
      textAt(detail, 'SourceType') === 'CLUSTER' ? 'RDS DB Cluster Event' : 'RDS DB Instance Event',
    told: ['SourceIdentifier', 'EventCategories'],
    time: [['Date']],
    resource: ['SourceArn'],
  },
  {
    source: 'aws.guardduty',
    type: 'GuardDuty Finding',
    told: ['schemaVersion', 'type', 'severity', 'service'],
    time: [['service', 'eventLastSeen'], ['updatedAt']],
    resource: ['arn'],
  },
  {
    source: 'aws.codedeploy',
    type: 'CodeDeploy Deployment State-change Notification',
    told: ['deploymentId', 'deploymentGroup', 'application', 'state'],
    time: [],
    resource: ['deploymentId'],
  },
  {
    source: 'aws.states',
    type: 'Step Functions Execution Status Change',
    told: ['executionArn', 'stateMachineArn', 'status'],
    time: [['stopDate'], ['startDate']],
    resource: ['executionArn'],
  },
  {
    source: 'lambda',
    type: (detail) =>
      `Lambda Function Invocation Result - ${textAt(detail, 'requestContext', 'condition') === 'Success' ? 'Success' : 'Failure'}`,
    told: ['requestContext', 'responseContext', 'timestamp'],
    time: [['timestamp']],
    resource: ['requestContext', 'functionArn'],
  },
]

/**
 * The detail of an AWS event without the event, as an input path of a rule, a Lambda destination or a person who copies it
 * leaves it. It is read as the event that it came from, and the ARN in it stands for account and region.
 */
export function fromBareDetail(payload: Members, delivery: Delivery): readonly Parsed[] | undefined {
  const shape = SHAPES.find(({ told }) => has(payload, ...told))
  const resource = shape && textAt(payload, ...shape.resource)
  if (!shape || resource === undefined) return undefined
  const time = firstText(payload, ...shape.time)
  return fromEventBridge(
    {
      'detail-type': typeof shape.type === 'string' ? shape.type : shape.type(payload),
      source: shape.source,
      ...(time !== undefined && { time }),
      resources: [resource],
      detail: payload,
    },
    delivery,
  )
}
