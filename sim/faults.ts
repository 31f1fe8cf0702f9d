import type { CallName } from '../lib/aws/aws.ts'
import { refuse } from './refusal.ts'
import type { Refusal, World } from './world.ts'

/** Each service has its own word for "too fast" (AWS.md 0.4). */
const THROTTLES: { readonly [service: string]: string } = {
  ecs: 'ThrottlingException',
  'application-autoscaling': 'ThrottlingException',
  route53: 'Throttling',
  codedeploy: 'ThrottlingException',
  cloudwatch: 'Throttling',
  sns: 'ThrottledException',
  ses: 'TooManyRequestsException',
  ssm: 'ThrottlingException',
}

/** The next `times` calls of this name are throttled in the service's own words; nothing changes by them. */
export function throttle(world: World, name: CallName, times: number): void {
  const error = THROTTLES[name.split(':')[0] ?? ''] ?? 'ThrottlingException'
  refuseNext(world, name, { name: error, message: 'Rate exceeded', status: 400, when: 'before', times })
}

/** The next calls of this name are answered by an error, before or after their effect. */
export function refuseNext(
  world: World,
  name: CallName,
  refusal: Pick<Refusal, 'name' | 'message'> & Partial<Refusal>,
): void {
  const whole: Refusal = {
    name: refusal.name,
    message: refusal.message,
    status: refusal.status ?? 400,
    when: refusal.when ?? 'before',
    times: refusal.times ?? 1,
  }
  world.faults.refusals[name] = [...(world.faults.refusals[name] ?? []), whole]
}

/** How far a list or describe call stays behind what has happened. */
export function lagBehind(
  world: World,
  name:
    | 'ecs:DescribeServices'
    | 'application-autoscaling:DescribeScalableTargets'
    | 'elasticloadbalancing:DescribeTargetHealth'
    | 'codedeploy:ListDeployments',
  ms: number,
): void {
  world.faults.lagMs[name] = ms
}

/** The next `times` HTTP requests to a host get this answer; status 0 is a network failure. */
export function failHttp(
  world: World,
  host: string,
  fault: { status: number; body?: string; times?: number },
): void {
  world.faults.http[host] = { status: fault.status, body: fault.body ?? '', times: fault.times ?? 1 }
}

/** Uses up one planned refusal of this call. */
export function takeRefusal(
  world: World,
  name: CallName,
): { when: Refusal['when']; error: Error } | undefined {
  const planned = world.faults.refusals[name]
  const next = planned?.[0]
  if (!planned || !next) return undefined
  next.times -= 1
  if (next.times <= 0) planned.shift()
  return { when: next.when, error: refuse(next.name, next.message, next.status) }
}
