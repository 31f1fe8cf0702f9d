import * as z from 'zod'
import { applyRollback } from '../codedeploy/act.ts'
import { deploymentConfigs, locateRollback, planRollback, undoRollback } from '../codedeploy/decide.ts'
import { observeGroup } from '../codedeploy/observe.ts'
import { type DeploymentGroupTarget, type RollbackState, rollbackStateSchema } from '../codedeploy/state.ts'
import { lastPart } from '../ecs/service.ts'
import { verifyRollback } from '../codedeploy/verify.ts'
import type { Service } from '../runbook/runbook.ts'
import type { Action, Shorthand, Statement, TargetResult } from './action.ts'
import { lockKey } from '../lock-key.ts'

const TO = /^(?:last-success|d-[A-Z0-9]{9})$/

const params = z.strictObject({
  codedeploy: z
    .exactOptional(z.string().min(1).max(100))
    .describe("The service whose deployment group is rolled back. Default: the runbook's own service."),
  to: z
    .string()
    .regex(TO, { error: 'must be last-success, or a deployment id such as d-ABCDEF123' })
    .describe(
      '`last-success`: the last good revision that differs from the current one; or the id of a deployment.',
    ),
})

export type RollbackParams = z.infer<typeof params>

const shorthand: Shorthand<RollbackParams> = {
  grammar: 'codedeploy last-success | codedeploy <deployment id>',
  parse(text) {
    const words = [...text.matchAll(/\S+/g)].map((match) => ({
      text: match[0],
      start: match.index,
      end: match.index + match[0].length,
    }))
    const [kind, to, extra] = words
    if (kind?.text !== 'codedeploy') {
      return {
        is: 'problem',
        message: `expected "codedeploy", found ${kind ? `"${kind.text}"` : 'nothing'}`,
        start: kind?.start ?? text.length,
        end: kind?.end ?? text.length,
        suggestion: 'codedeploy last-success',
      }
    }
    if (!to || !TO.test(to.text)) {
      return {
        is: 'problem',
        message: `expected "last-success" or a deployment id such as d-ABCDEF123, found ${to ? `"${to.text}"` : 'nothing'}`,
        start: to?.start ?? text.length,
        end: to?.end ?? text.length,
        suggestion: 'codedeploy last-success',
      }
    }
    if (extra) {
      return {
        is: 'problem',
        message: `nothing may follow "${to.text}", found "${extra.text}"`,
        start: extra.start,
        end: text.trimEnd().length,
        suggestion: `codedeploy ${to.text}`,
      }
    }
    return { is: 'params', params: { to: to.text } }
  },
}

function target(asked: RollbackParams, service: Service): TargetResult<DeploymentGroupTarget> {
  if (asked.codedeploy !== undefined && asked.codedeploy !== service.name) {
    return {
      is: 'missing',
      path: 'codedeploy',
      message: `"${asked.codedeploy}" is not this runbook's service "${service.name}"; a runbook rolls back its own service only`,
    }
  }
  if (!service.codedeploy) {
    return {
      is: 'missing',
      path: 'codedeploy',
      message: `service "${service.name}" has no codedeploy: { application, group } in services.yaml`,
    }
  }
  const { application, group } = service.codedeploy
  // Anything else could widen an ARN.
  const odd = [application, group].find((name) => !/^[\w.+=,@-]{1,100}$/.test(name))
  if (odd !== undefined) {
    return {
      is: 'missing',
      path: odd === application ? 'codedeploy.application' : 'codedeploy.group',
      message: `"${odd.slice(0, 100)}" is not a CodeDeploy name (letters, digits and . _ + = , @ -, at most 100)`,
    }
  }
  return {
    is: 'target',
    target: {
      application,
      group,
      to: asked.to,
      ...deployedBy(service),
      ...(service.region === undefined ? {} : { region: service.region }),
      ...(service.account === undefined ? {} : { account: service.account }),
      locks: [lockKey('codedeploy', service, application, group)],
      label: `CodeDeploy group ${application}/${group}`,
    },
  }
}

/** What is looked at after a success. A name that could widen an ARN is left out: then CodeDeploy's word stands alone. */
function deployedBy(service: Service): Pick<DeploymentGroupTarget, 'ecs' | 'lambda'> {
  const isPlain = (name: string) => /^[\w-]{1,255}$/.test(name)
  const ecs = service.ecs && {
    cluster: lastPart(service.ecs.cluster),
    service: lastPart(service.ecs.service),
  }
  const { lambda } = service
  return {
    ...(ecs && isPlain(ecs.cluster) && isPlain(ecs.service) ? { ecs } : {}),
    ...(lambda && isPlain(lambda.function) && isPlain(lambda.alias) ? { lambda } : {}),
  }
}

/** Everything but StopDeployment can be confined to the group, the application and the three configurations (AWS.md 5.5). */
function permissions(on: DeploymentGroupTarget): readonly Statement[] {
  const { application, group, region, account, ecs, lambda } = on
  const place = `${region ?? '${Region}'}:${account ?? '${Account}'}`
  const arn = (resource: string) => `arn:\${Partition}:codedeploy:${place}:${resource}`
  return [
    {
      actions: [
        'codedeploy:GetDeploymentGroup',
        'codedeploy:ListDeployments',
        'codedeploy:BatchGetDeployments',
        'codedeploy:GetDeployment',
        'codedeploy:CreateDeployment',
        // CreateDeployment with overrideAlarmConfiguration asks for it.
        'codedeploy:UpdateDeploymentGroup',
      ],
      resources: [arn(`deploymentgroup:${application}/${group}`)],
    },
    {
      // CreateDeployment asks for both.
      actions: ['codedeploy:GetApplicationRevision', 'codedeploy:RegisterApplicationRevision'],
      resources: [arn(`application:${application}`)],
    },
    {
      actions: ['codedeploy:GetDeploymentConfig'],
      resources: deploymentConfigs.map((config) => arn(`deploymentconfig:${config}`)),
    },
    {
      actions: ['codedeploy:StopDeployment'],
      resources: ['*'],
      reason:
        'StopDeployment has no resource-level permissions; the group of a deployment is read before it is stopped',
    },
    ...(ecs
      ? [
          {
            actions: ['ecs:DescribeServices'],
            resources: [`arn:\${Partition}:ecs:${place}:service/${ecs.cluster}/${ecs.service}`],
          },
        ]
      : []),
    ...(lambda
      ? [
          {
            actions: ['lambda:GetAlias'],
            resources: [`arn:\${Partition}:lambda:${place}:function:${lambda.function}`],
          },
        ]
      : []),
  ]
}

/**
 * Returns a deployment group to its last good revision: stops a deployment that is under way and follows CodeDeploy's
 * rollback, waits for a rollback that is under way already, or deploys the last good revision again (AWS.md 5.1 to 5.5).
 */
export const rollbackCodedeploy: Action<RollbackParams, DeploymentGroupTarget, RollbackState> = {
  verb: 'rollback',
  kind: 'codedeploy',
  summary:
    'Returns a CodeDeploy deployment group to its last good revision, or stops the deployment that is under way.',
  effect: 'reversible',
  params,
  shorthand,
  state: rollbackStateSchema,
  observable: true,
  undoneByDefault: false,
  timing: { listLagMs: 15_000, staleMs: 15_000, verifyEveryMs: 10_000, timeoutMs: 30 * 60_000 },
  target,
  permissions,
  observe: observeGroup,
  plan: planRollback,
  apply: applyRollback,
  locate: (change, observed, { marker }) => locateRollback(change, observed, marker),
  verify: verifyRollback,
  undo: undoRollback,
}
