import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isoTime } from '../../lib/clock.ts'
import { checkPayload, renderCheck } from '../../lib/signal/check-folder.ts'
import { parseText } from '../../lib/signal/parse.ts'
import type { Parsed } from '../../lib/signal/signal.ts'

const own = join(import.meta.dirname, '../fixtures/events')
const receivedAtMs = Date.parse('2026-03-09T02:14:08Z')

/** What each part of each payload became: `<state> <key> <time of the state>`, or `ignored <code>`, `refused <code>`. */
const OUTCOMES: readonly (readonly [file: string, parts: readonly string[]])[] = [
  [
    'alertmanager-api--active-and-suppressed.json',
    ['alarm alertmanager/X/f1 2026-03-09T02:14:07.000Z', 'alarm alertmanager/Y/f2 2026-03-09T02:14:07.000Z'],
  ],
  [
    'alertmanager-v3--no-fingerprint.json',
    ['alarm alertmanager/HighErrorRate/7be690063b5d8ce4 2026-03-09T02:14:07.412Z'],
  ],
  [
    'alertmanager-v4--both-kinds.json',
    [
      'alarm alertmanager/HighErrorRate/51f0a4c2d7e9b3aa 2026-03-09T02:14:07.412Z',
      'ok alertmanager/HighErrorRate/aa 2026-03-09T02:40:00.000Z',
      'refused truncated',
    ],
  ],
  [
    'alertmanager-v4--parts-broken.json',
    [
      'alarm alertmanager/HighErrorRate/51f0a4c2d7e9b3aa 2026-03-09T02:14:07.412Z',
      'refused malformed',
      'refused missing-name',
    ],
  ],
  [
    'apigw-http--flag-missing-base64.json',
    ['alarm cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:14:07.412Z'],
  ],
  [
    'apigw-http--flag-wrong-plain.json',
    ['alarm cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:14:07.412Z'],
  ],
  [
    'apigw-http--gzip.json',
    ['alarm cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:14:07.412Z'],
  ],
  [
    'apigw-http--sqs-in-http-base64.json',
    ['alarm cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:14:07.412Z'],
  ],
  ['apigw-rest--empty-body.json', ['ignored empty-body']],
  ['arc-zonal--autoshift-completed.json', ['ignored informational']],
  ['autoscaling-ec2--launch-successful.json', ['ignored informational']],
  [
    'autoscaling-ec2--refresh-failed.json',
    [
      'occurred eventbridge/210987654321/eu-central-1/aws.autoscaling/EC2 Auto Scaling Instance Refresh Failed/-/web 2026-03-09T02:14:07.000Z',
    ],
  ],
  [
    'autoscaling-sns--launch-error.json',
    [
      'occurred sns/210987654321/eu-central-1/aws.autoscaling/autoscaling:EC2_INSTANCE_LAUNCH_ERROR/web 2026-03-09T02:14:07.412Z',
    ],
  ],
  [
    'azure-monitor--fired.json',
    [
      'alarm webhook/alertid//subscriptions/s/providers/Microsoft.AlertsManagement/alerts/a 2026-03-09T02:14:07.412Z',
    ],
  ],
  ['better-stack--resolved.json', ['ok webhook/name/shop homepage 2026-03-09T02:30:07.412Z']],
  [
    'cloudevents--alarm.json',
    ['alarm cloudwatch/123456789012/eu-west-1/checkout-5xx 2026-03-09T02:14:07.412Z'],
  ],
  ['cloudformation--update-complete.json', ['ignored informational']],
  [
    'cloudwatch-logs--event-line.json',
    ['alarm cloudwatch/123456789012/eu-west-1/checkout-5xx 2026-03-09T02:14:07.412Z'],
  ],
  [
    'codedeploy--deployment-failure.json',
    ['alarm codedeploy/210987654321/eu-central-1/api/api-blue-green 2026-03-09T02:14:07.000Z'],
  ],
  [
    'codedeploy--deployment-names-from-arn.json',
    ['alarm codedeploy/210987654321/eu-central-1/api/api-blue-green 2026-03-09T02:14:07.000Z'],
  ],
  ['codedeploy--deployment-odd-state.json', ['refused unknown-state']],
  ['codedeploy--deployment-ready.json', ['ignored deployment-ready']],
  ['codedeploy--deployment-start.json', ['ignored deployment-started']],
  ['codedeploy--deployment-stop.json', ['ignored deployment-stopped']],
  [
    'codedeploy--deployment-success.json',
    ['ok codedeploy/210987654321/eu-central-1/api/api-blue-green 2026-03-09T02:14:07.000Z'],
  ],
  [
    'codedeploy--instance-failure.json',
    [
      'occurred eventbridge/210987654321/eu-central-1/aws.codedeploy/CodeDeploy Instance State-change Notification/-/arn:aws:codedeploy:eu-central-1:210987654321:deploymentgroup:api/api-blue-green 2026-03-09T02:14:07.000Z',
    ],
  ],
  ['datadog-eventbridge--recovered.json', ['ok datadog/8/77/service:api 2026-03-09T02:14:07.000Z']],
  ['datadog-webhook--own-template.json', ['alarm webhook/alertid/123 2026-03-09T02:14:08.000Z']],
  ['datadog-webhook--triggered.json', ['alarm datadog/8/api errors 2026-03-09T02:14:07.412Z']],
  [
    'eb-alarm--anomaly-above.json',
    ['alarm cloudwatch/210987654321/eu-central-1/orders-anomaly 2026-03-09T02:14:07.412Z'],
  ],
  [
    'eb-alarm--bom.json',
    ['alarm cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:14:07.412Z'],
  ],
  [
    'eb-alarm--china.json',
    ['alarm cloudwatch/210987654321/cn-northwest-1/网关 5xx 2026-03-09T02:14:07.412Z'],
  ],
  [
    'eb-alarm--composite-suppression-only.json',
    ['alarm cloudwatch/210987654321/eu-central-1/api-any 2026-03-09T02:16:07.500Z'],
  ],
  [
    'eb-alarm--contributor.json',
    [
      'alarm cloudwatch/210987654321/eu-central-1/queue-age-by-queue#9f1c22aa07b3d4e5 2026-03-09T02:14:07.412Z',
    ],
  ],
  [
    'eb-alarm--control-characters.json',
    ['alarm cloudwatch/210987654321/eu-central-1/api[31m-5xx 2026-03-09T02:14:07.412Z'],
  ],
  ['eb-alarm--detail-only.json', ['alarm cloudwatch/-/-/api-5xx-spike 2026-03-09T02:14:07.412Z']],
  [
    'eb-alarm--epoch-times.json',
    ['ok cloudwatch/210987654321/eu-central-1/night-batch 2026-03-09T02:14:07.412Z'],
  ],
  [
    'eb-alarm--glued.json',
    [
      'alarm cloudwatch/123456789012/eu-west-1/checkout-5xx 2026-03-09T02:14:07.412Z',
      'alarm cloudwatch/123456789012/eu-west-1/checkout-5xx 2026-03-09T02:14:07.412Z',
    ],
  ],
  [
    'eb-alarm--gov-promql.json',
    ['alarm cloudwatch/210987654321/us-gov-west-1/latency: p99 (promql) 2026-03-09T02:14:07.000Z'],
  ],
  [
    'eb-alarm--hostile-keys.json',
    ['alarm cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:14:07.412Z'],
  ],
  [
    'eb-alarm--json-in-a-string.json',
    ['alarm cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:14:07.412Z'],
  ],
  [
    'eb-alarm--muted.json',
    ['alarm cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:14:07.412Z'],
  ],
  [
    'eb-alarm--no-name-but-arn.json',
    ['alarm cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:14:07.412Z'],
  ],
  ['eb-alarm--no-name.json', ['refused missing-name']],
  ['eb-alarm--no-state.json', ['refused missing-state']],
  ['eb-alarm--no-time.json', ['refused missing-time']],
  [
    'eb-alarm--one-a-line-first-broken.json',
    [
      'alarm cloudwatch/123456789012/eu-west-1/checkout-5xx 2026-03-09T02:14:07.412Z',
      'ok cloudwatch/123456789012/eu-west-1/checkout-5xx 2026-03-09T02:30:00.000Z',
      'refused not-json',
    ],
  ],
  [
    'eb-alarm--one-a-line.json',
    [
      'alarm cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:14:07.412Z',
      'ok cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:31:07.409Z',
      'refused not-json',
    ],
  ],
  [
    'eb-alarm--optional-parts-broken.json',
    ['alarm cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:14:07.412Z'],
  ],
  [
    'eb-alarm--spike-ok.json',
    ['ok cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:31:07.409Z'],
  ],
  [
    'eb-alarm--spike.json',
    ['alarm cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:14:07.412Z'],
  ],
  [
    'eb-alarm--time-far-ahead.json',
    ['alarm cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:14:07.000Z'],
  ],
  [
    'eb-alarm--time-from-envelope.json',
    ['alarm cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:14:07.000Z'],
  ],
  ['eb-alarm--unknown-state.json', ['refused unknown-state']],
  ['eb-alarm-config-change--delete.json', ['ignored configuration-change']],
  ['eb-custom--no-detail-type-no-time.json', ['refused missing-time']],
  [
    'eb-custom--payment-outage.json',
    [
      'occurred eventbridge/210987654321/eu-central-1/com.example.payments/payments.outage/-/- 2026-03-09T02:14:07.000Z',
    ],
  ],
  [
    'eb-put-events--entry.json',
    ['alarm cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:14:07.412Z'],
  ],
  ['eb-scheduled--minute.json', ['ignored scheduled']],
  [
    'ecr--scan-critical.json',
    ['occurred eventbridge/123456789012/eu-west-1/aws.ecr/ECR Image Scan/-/- 2026-03-09T02:14:07.000Z'],
  ],
  ['ecs-deployment--completed.json', ['ignored informational']],
  [
    'ecs-deployment--failed.json',
    [
      'occurred eventbridge/210987654321/eu-central-1/aws.ecs/ECS Deployment State Change/SERVICE_DEPLOYMENT_FAILED/arn:aws:ecs:eu-central-1:210987654321:service/prod/api 2026-03-09T02:14:07.000Z',
    ],
  ],
  [
    'ecs-deployment--rolling-back.json',
    [
      'occurred eventbridge/210987654321/eu-central-1/aws.ecs/ECS Deployment State Change/SERVICE_DEPLOYMENT_IN_PROGRESS/arn:aws:ecs:eu-central-1:210987654321:service/prod/api 2026-03-09T02:14:07.000Z',
    ],
  ],
  [
    'ecs-service-action--impaired.json',
    [
      'occurred eventbridge/210987654321/eu-central-1/aws.ecs/ECS Service Action/SERVICE_TASK_START_IMPAIRED/arn:aws:ecs:eu-central-1:210987654321:service/prod/api 2026-03-09T02:14:07.000Z',
    ],
  ],
  ['ecs-task--job-done.json', ['ignored informational']],
  [
    'ecs-task--oom-while-scaling.json',
    [
      'occurred eventbridge/123456789012/eu-west-1/aws.ecs/ECS Task State Change/-/service:shop 2026-03-09T02:14:07.000Z',
    ],
  ],
  [
    'ecs-task--out-of-memory.json',
    [
      'occurred eventbridge/210987654321/eu-central-1/aws.ecs/ECS Task State Change/-/arn:aws:ecs:eu-central-1:210987654321:service/prod/api 2026-03-09T02:14:07.000Z',
    ],
  ],
  ['ecs-task--stopped-by-scheduler.json', ['ignored informational']],
  [
    'ecs-task--stopped-unhealthy.json',
    [
      'occurred eventbridge/210987654321/eu-central-1/aws.ecs/ECS Task State Change/-/arn:aws:ecs:eu-central-1:210987654321:service/prod/api 2026-03-09T02:14:07.000Z',
    ],
  ],
  ['empty--batch.json', ['ignored empty-batch']],
  ['empty--list.json', ['ignored empty-batch']],
  ['empty--nothing.json', ['refused empty']],
  ['empty--object.json', ['refused unknown-source']],
  ['empty--spaces.txt', ['refused empty']],
  [
    'firehose-http--alarm.json',
    ['alarm cloudwatch/123456789012/eu-west-1/checkout-5xx 2026-03-09T02:14:07.412Z'],
  ],
  ['gcp-monitoring--pubsub-open.json', ['alarm webhook/incidentid/0.lxfiw61fsv7p 2026-03-09T02:14:07.000Z']],
  ['grafana--firing.json', ['alarm grafana/7/HighErrorRate/51f0a4c2d7e9b3aa 2026-03-09T02:14:07.412Z']],
  ['grafana-legacy--alerting.json', ['alarm grafana/2/44 2026-03-09T02:14:08.000Z']],
  ['grafana-legacy--paused.json', ['ignored no-change']],
  ['grafana-legacy--upper-case.json', ['alarm grafana/1/1 2026-03-09T02:14:08.000Z']],
  [
    'guardduty--detail-only.json',
    [
      'occurred eventbridge/123456789012/eu-west-1/aws.guardduty/GuardDuty Finding/CryptoCurrency:EC2/BitcoinTool.B!DNS/arn:aws:guardduty:eu-west-1:123456789012:detector/d/finding/g 2026-03-09T02:14:07.000Z',
    ],
  ],
  [
    'guardduty--no-source.json',
    [
      'occurred eventbridge/210987654321/eu-central-1/-/GuardDuty Finding/Backdoor:EC2/C&CActivity.B/f1 2026-03-09T02:10:00.000Z',
    ],
  ],
  ['health--issue-closed.json', ['ignored informational']],
  [
    'health--issue-open.json',
    [
      'occurred eventbridge/210987654321/eu-central-1/aws.health/AWS Health Event/AWS_RDS_OPERATIONAL_ISSUE/arn:aws:health:eu-central-1::event/RDS/X/X_1 2026-03-09T02:14:07.000Z',
    ],
  ],
  [
    'kinesis--spike.json',
    ['alarm cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:14:07.412Z'],
  ],
  [
    'lambda-alarm-action--contributor.json',
    [
      'alarm cloudwatch/210987654321/eu-central-1/queue-age-by-queue#9f1c22aa07b3d4e5 2026-03-09T02:14:07.412Z',
    ],
  ],
  [
    'lambda-alarm-action--spike.json',
    ['alarm cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:14:07.412Z'],
  ],
  [
    'lambda-destination--failed-other.json',
    [
      'occurred eventbridge/123456789012/eu-west-1/lambda/Lambda Function Invocation Result - Failure/-/arn:aws:lambda:eu-west-1:123456789012:function:orders:$LATEST 2026-03-09T02:14:07.412Z',
    ],
  ],
  [
    'lambda-destination--failed-spike.json',
    ['alarm cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:14:07.412Z'],
  ],
  ['malformed--cut.json', ['refused not-json']],
  ['malformed--null.json', ['refused unknown-source']],
  ['malformed--number.json', ['refused unknown-source']],
  [
    'malformed--records-of-nonsense.json',
    [
      'refused unknown-source',
      'refused unknown-source',
      'refused not-json',
      'ignored empty-batch',
      'refused unknown-source',
      'refused unknown-source',
      'refused unknown-source',
      'refused unknown-source',
    ],
  ],
  ['malformed--text.txt', ['refused not-json']],
  ['malformed--xml.txt', ['refused not-json']],
  ['nagios--problem.json', ['alarm webhook/name/HTTP/web01 2026-03-09T02:14:07.000Z']],
  ['new-relic--open.json', ['alarm new-relic/3/900 2026-03-09T02:14:07.412Z']],
  ['new-relic-eventbridge--activated.json', ['alarm new-relic/-/n 2026-03-09T02:14:07.412Z']],
  ['opsgenie--create.json', ['alarm opsgenie/api-errors 2026-03-09T02:14:07.412Z']],
  ['pagerduty-events--trigger.json', ['alarm webhook/dedupkey/checkout/5xx 2026-03-09T02:14:07.412Z']],
  ['pagerduty-v1--trigger.json', ['alarm pagerduty/PIJ90N7 2026-03-09T02:14:07.000Z']],
  ['pagerduty-v2--trigger.json', ['alarm pagerduty/PX 2026-03-09T02:14:07.000Z']],
  ['pagerduty-v3--acknowledged.json', ['ignored no-change']],
  ['pagerduty-v3--our-own-page.json', ['ignored own-page']],
  ['pagerduty-v3--resolved.json', ['ok pagerduty/Q3Z 2026-03-09T02:14:07.412Z']],
  ['pagerduty-v3--triggered.json', ['alarm pagerduty/Q3Z 2026-03-09T02:14:07.412Z']],
  [
    'pipes--array-of-events.json',
    [
      'alarm cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:14:07.412Z',
      'ok cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:31:07.409Z',
    ],
  ],
  [
    'pipes--array-of-sqs.json',
    [
      'alarm cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:14:07.412Z',
      'ok cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:31:07.409Z',
    ],
  ],
  [
    'prometheus--posted-alerts.json',
    ['alarm alertmanager/HighErrorRate/51f0a4c2d7e9b3aa 2026-03-09T02:14:07.412Z'],
  ],
  [
    'prometheus-api--firing-and-pending.json',
    ['alarm alertmanager/X/106674fb2c5907dd 2026-03-09T02:14:07.412Z', 'ignored no-change'],
  ],
  ['rds-instance--backup.json', ['ignored informational']],
  [
    'rds-instance--incompatible-network.json',
    [
      'occurred eventbridge/123456789012/eu-west-1/aws.rds/RDS DB Instance Event/RDS-EVENT-0036/arn:aws:rds:eu-west-1:123456789012:db:orders 2026-03-09T02:14:07.000Z',
    ],
  ],
  [
    'rds-instance--low-storage.json',
    [
      'occurred eventbridge/210987654321/eu-central-1/aws.rds/RDS DB Instance Event/RDS-EVENT-0089/arn:aws:rds:eu-central-1:210987654321:db:orders 2026-03-09T02:14:07.000Z',
    ],
  ],
  [
    'rds-instance--notification-full.json',
    [
      'occurred eventbridge/210987654321/eu-central-1/aws.rds/RDS DB Instance Event/RDS-EVENT-0000/- 2026-03-09T02:14:07.000Z',
    ],
  ],
  [
    'rds-sns--failover.json',
    ['occurred sns/210987654321/eu-central-1/aws.rds/RDS-EVENT-0013/orders 2026-03-09T02:14:07.412Z'],
  ],
  [
    'rds-sns--started-failover.json',
    ['occurred sns/123456789012/eu-west-1/aws.rds/RDS-EVENT-0071/orders 2026-03-09T02:14:07.412Z'],
  ],
  [
    'relay--wrapped-in-payload.json',
    ['alarm cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:14:07.412Z'],
  ],
  ['s3--object-created.json', ['ignored storage-notification']],
  ['securityhub--passed.json', ['ignored informational']],
  ['sentry--metric-critical.json', ['alarm sentry/12 2026-03-09T02:14:07.412Z']],
  ['sentry-plugin--error.json', ['alarm sentry/27379932 2026-03-09T02:14:07.412Z']],
  ['slack--block-actions.txt', ['ignored slack']],
  ['slack--event-callback.json', ['ignored slack']],
  ['slack--slash-command.txt', ['ignored slack']],
  ['slack--url-verification.json', ['ignored handshake']],
  ['sns-http--beanstalk-ok.json', ['refused not-json']],
  [
    'sns-http--beanstalk-severe.json',
    [
      'occurred sns/123456789012/eu-west-1/ops/AWS Elastic Beanstalk Notification - Environment health has transitioned from Ok to Severe. 100.0 % ... 2026-03-09T02:14:08.100Z',
    ],
  ],
  [
    'sns-http--codedeploy-instance-failed.json',
    [
      'occurred sns/123456789012/eu-west-1/aws.codedeploy/CodeDeploy instance/arn:aws:ec2:eu-west-1:123456789012:instance/i-0496 2026-03-09T02:14:07.000Z',
    ],
  ],
  [
    'sns-http--codedeploy-trigger.json',
    ['alarm codedeploy/210987654321/eu-central-1/api/api-blue-green 2026-03-09T02:14:07.000Z'],
  ],
  [
    'sns-http--contributor.json',
    [
      'alarm cloudwatch/210987654321/eu-central-1/queue-age-by-queue#9f1c22aa07b3d4e5 2026-03-09T02:14:07.412Z',
    ],
  ],
  [
    'sns-http--elasticache-failover.json',
    [
      'occurred sns/123456789012/eu-west-1/aws.elasticache/ElastiCache:FailoverComplete/sessions-001 2026-03-09T02:14:08.100Z',
    ],
  ],
  [
    'sns-http--health-detail-only.json',
    [
      'occurred eventbridge/-/eu-west-1/aws.health/AWS Health Event/AWS_ELB_OPERATIONAL_ISSUE/arn:aws:health:eu-west-1::event/ELB/AWS_ELB_OPERATIONAL_ISSUE/1 2026-03-09T02:14:07.000Z',
    ],
  ],
  [
    'sns-http--message-cut.json',
    ['alarm cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:14:07.461Z'],
  ],
  [
    'sns-http--no-arn-renamed-region.json',
    ['alarm cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:14:07.412Z'],
  ],
  ['sns-http--plain-text.json', ['refused not-json']],
  [
    'sns-http--spike.json',
    ['alarm cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:14:07.412Z'],
  ],
  ['sns-http--unsubscribe.json', ['ignored handshake']],
  [
    'sns-lambda--spike.json',
    ['alarm cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:14:07.412Z'],
  ],
  ['splunk--saved-search.json', ['occurred webhook/name/Checkout 5xx burst/web01 2026-03-09T02:14:07.000Z']],
  [
    'sqs-batch--mixture.json',
    [
      'alarm cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:14:07.412Z',
      'refused not-json',
      'ok cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:31:07.409Z',
      'refused unknown-source',
      'alarm cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:14:07.412Z',
      'refused empty',
    ],
  ],
  [
    'sqs-eventbridge--spike.json',
    ['alarm cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:14:07.412Z'],
  ],
  [
    'sqs-sns--spike.json',
    ['alarm cloudwatch/210987654321/eu-central-1/api-5xx-spike 2026-03-09T02:14:07.412Z'],
  ],
  ['transformed--flat.json', ['alarm webhook/name/checkout-5xx 2026-03-09T02:14:07.000Z']],
  [
    'transformed--renamed-with-arn.json',
    ['alarm cloudwatch/123456789012/eu-west-1/checkout-5xx 2026-03-09T02:14:07.000Z'],
  ],
  ['uptime-kuma--down.json', ['alarm webhook/monitorid/3 2026-03-09T02:14:07.412Z']],
  ['uptimerobot--down.txt', ['alarm webhook/monitorid/777 2026-03-09T02:14:07.000Z']],
  ['webhook--acknowledged.json', ['ignored no-change']],
  [
    'webhook--list-of-alerts.json',
    ['alarm webhook/name/a 2026-03-09T02:14:07.000Z', 'ok webhook/name/b 2026-03-09T02:14:07.000Z'],
  ],
  ['webhook--log-line.json', ['refused unknown-source']],
  ['webhook--order-failed.json', ['refused unknown-source']],
]

function told(parsed: Parsed): string {
  if (parsed.is !== 'signal') return `${parsed.is} ${parsed.code}`
  return `${parsed.signal.state} ${parsed.signal.key} ${isoTime(parsed.signal.stateAtMs)}`
}

test.each(OUTCOMES)('%s becomes what the table says', (file, parts) => {
  const text = readFileSync(join(own, file), 'utf8')
  expect(parseText(text, { fileName: file, receivedAtMs }).map(told)).toEqual(parts)
})

test('every payload file has its line in the table', () => {
  expect(OUTCOMES.map(([file]) => file)).toEqual(readdirSync(own).toSorted())
})

/** Families whose files all carry an incident or its end, by their names' beginning. */
const CARRY_A_STATE =
  /^(eb-alarm(?=--)|lambda-alarm-action|sns-lambda-alarm|sns-http--notification|sqs-eventbridge|alertmanager|grafana-alerting)-/
/** Our own broken ones, which the table above holds. */
const BROKEN = /--no-|--unknown-|--one-a-line|--both-kinds|--parts-broken/

test('a folder of payloads becomes signals, ignored and refused, and no alarm in it is lost', () => {
  const folder = process.env['FIREBREAK_EVENTS'] ?? own
  const files = readdirSync(folder).filter((file) => /\.(json|txt)$/.test(file))
  const results = files.map((file) =>
    checkPayload(file, readFileSync(join(folder, file), 'utf8'), Date.now()),
  )
  for (const { file, outcome } of results) {
    expect(outcome.length).toBeGreaterThan(0)
    const lost = CARRY_A_STATE.test(file) && !BROKEN.test(file) && outcome.some((one) => one.is !== 'signal')
    expect({ file, lost }).toEqual({ file, lost: false })
  }
  expect(renderCheck(results).split('\n').at(-1)).toContain(`${files.length} files:`)
})
