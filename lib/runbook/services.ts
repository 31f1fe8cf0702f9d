import * as z from 'zod'
import { ACCOUNT_HELP, accountNumber, duration, glob, issue, name, severity, text } from './fields.ts'
import { MAX_DIMENSIONS, MAX_ENTRIES } from './limits.ts'

const account = z
  .union([accountNumber, z.int().min(100_000_000_000).max(999_999_999_999)], { error: ACCOUNT_HELP })
  .transform(String)

/** Types that Route 53 can weight: all but those of the zone itself. */
const RECORD_TYPES = [
  'A',
  'AAAA',
  'CNAME',
  'CAA',
  'DS',
  'HTTPS',
  'MX',
  'NAPTR',
  'PTR',
  'SPF',
  'SRV',
  'SSHFP',
  'SVCB',
  'TLSA',
  'TXT',
] as const

const weightedRecord = z
  .strictObject({
    zone: z
      .string()
      .regex(/^(?:\/hostedzone\/)?Z[A-Z0-9]{1,32}$/, {
        error: 'must be the id of a hosted zone, such as Z0123456789ABCDEFGHIJ',
      })
      .describe('The id of the hosted zone.'),
    name: text.describe('The DNS name, with or without the final dot.'),
    type: z.enum(RECORD_TYPES).prefault('A').transform(String).describe('The type of the record. Default A.'),
    set: z
      .string()
      .min(1)
      .max(128)
      .describe('The SetIdentifier that tells this record from the others of its group.'),
  })
  .describe('One weighted record of Route 53.')

const PERIODS_S = [1, 5, 10, 20, 30]

const metric = z
  .strictObject({
    namespace: text.describe('The namespace of the metric, such as AWS/ApplicationELB.'),
    name: text.describe('The name of the metric, such as HTTPCode_Target_5XX_Count.'),
    dimensions: z
      .record(z.string().min(1).max(255), z.string().min(1).max(1024))
      .refine((dimensions) => Object.keys(dimensions).length <= MAX_DIMENSIONS, {
        error: `a metric has at most ${MAX_DIMENSIONS} dimensions`,
      })
      .prefault({})
      .describe('The dimensions, all of them: CloudWatch finds nothing with a part of them. Default: none.'),
    stat: z
      .string()
      .regex(
        /^(?:Average|Sum|Minimum|Maximum|SampleCount|IQM|(?:p|tm|wm|tc|ts)\d{1,2}(?:\.\d{1,10})?|p100)$/,
        {
          error:
            'must be a statistic of CloudWatch: Average, Sum, Minimum, Maximum, SampleCount or a percentile such as p99',
        },
      )
      .describe('The statistic: Average, Sum, Minimum, Maximum, SampleCount, or a percentile such as p99.'),
    period: duration({ minMs: 1_000, maxMs: 86_400_000 })
      .prefault('1m')
      .describe('The period of one data point: 1s, 5s, 10s, 20s, 30s or whole minutes. Default 1m.'),
  })
  .transform(({ period, ...rest }, context) => {
    if (period % 60_000 !== 0 && !PERIODS_S.includes(period / 1_000)) {
      context.addIssue(
        issue('OUT_OF_RANGE', 'must be 1s, 5s, 10s, 20s, 30s or whole minutes', { path: ['period'] }),
      )
    }
    return { ...rest, periodMs: period }
  })
  .describe('One metric of CloudWatch that checks can name.')

/** One entry of services.yaml without its name. */
export const serviceForm = z
  .strictObject({
    alarms: z
      .array(glob)
      .max(100)
      .prefault([])
      .describe(
        'Globs on the names of the alarms that are about this service. Default: none; then only long-form runbooks reach it.',
      ),
    account: z.exactOptional(account).describe("The AWS account, 12 digits. Default: Firebreak's own."),
    region: z
      .exactOptional(
        z.string().regex(/^[a-z]{2}(?:-[a-z]+)+-\d$/, { error: 'must be a region, such as eu-west-1' }),
      )
      .describe("The AWS region. Default: Firebreak's own."),
    role_arn: z
      .exactOptional(
        z.string().regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/, {
          error: 'must be the ARN of an IAM role',
        }),
      )
      .describe("The role to assume in the service's account. Default: none."),
    severity: severity.prefault('sev2').describe('How bad it is when nothing says otherwise. Default sev2.'),
    ecs: z
      .exactOptional(
        z.strictObject({
          cluster: text.describe('The name or ARN of the ECS cluster.'),
          service: text.describe('The name of the ECS service.'),
        }),
      )
      .describe('The ECS service that runs it.'),
    codedeploy: z
      .exactOptional(
        z.strictObject({
          application: z.string().min(1).max(100).describe('The CodeDeploy application.'),
          group: z.string().min(1).max(100).describe('The deployment group.'),
        }),
      )
      .describe('The CodeDeploy deployment group that deploys it.'),
    lambda: z
      .exactOptional(
        z.strictObject({
          function: z
            .string()
            .regex(/^[\w-]{1,64}$/, { error: 'must be the name of a function: letters, digits, - and _' })
            .describe('The name of the Lambda function.'),
          alias: z
            .string()
            .regex(/^(?!\d+$)[\w-]{1,128}$/, { error: 'must be the name of an alias, such as live' })
            .describe('The alias that CodeDeploy shifts.'),
        }),
      )
      .describe('The Lambda alias that runs it: looked at after a rollback.'),
    records: z
      .record(name, weightedRecord)
      .prefault({})
      .describe('Weighted DNS records by the short names that steps use. Default: none.'),
    metrics: z
      .record(name, metric)
      .prefault({})
      .describe('Metrics by the short names that checks use. Default: none.'),
  })
  .transform(({ role_arn, ...rest }, context) => {
    for (const record of Object.keys(rest.records)) {
      // Conditions read `service.name` and `service.<record>.weight`.
      if (record === 'name' || record === 'ecs') {
        context.addIssue(
          issue('BAD_FORMAT', `a record cannot be called "${record}": conditions read service.${record}`, {
            path: ['records', record],
            onKey: true,
          }),
        )
      }
    }
    return { ...rest, ...(role_arn === undefined ? {} : { roleArn: role_arn }) }
  })
  .describe('What the short words of runbooks mean on AWS for one service.')

/** All of services.yaml. */
export const servicesForm = z
  .record(name, serviceForm)
  .refine((services) => Object.keys(services).length <= MAX_ENTRIES, {
    error: `at most ${MAX_ENTRIES} services`,
  })
  .describe('services.yaml: what short words mean on AWS, by service.')
