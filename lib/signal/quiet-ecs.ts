import type { Json } from '../json.ts'
import { informational, type Quiet } from './quiet.ts'
import { at, listAt, textAt, type Members } from './read.ts'

const TROUBLE = /fail|error|unhealthy|OutOfMemory|circuit breaker/i

export function ecsInfo(_event: Members, detail: Json | undefined): Quiet | undefined {
  if (textAt(detail, 'eventType') !== 'INFO') return undefined
  return informational(`${textAt(detail, 'eventName') ?? 'an event'} of type INFO is no incident`)
}

/** A rollback by the circuit breaker is told as progress (INFO) of the deployment that rolls back (AWS.md 1.10). */
export function ecsDeployment(event: Members, detail: Json | undefined): Quiet | undefined {
  const name = textAt(detail, 'eventName')
  if (name === 'SERVICE_DEPLOYMENT_COMPLETED') return ecsInfo(event, detail)
  if (name !== 'SERVICE_DEPLOYMENT_IN_PROGRESS') return undefined
  return /rolling back|circuit breaker/i.test(textAt(detail, 'reason') ?? '')
    ? undefined
    : ecsInfo(event, detail)
}

export function ecsTask(_event: Members, detail: Json | undefined): Quiet | undefined {
  const status = textAt(detail, 'lastStatus') ?? ''
  const code = textAt(detail, 'stopCode')
  if (status === '') return undefined
  if (code === undefined && !['STOPPED', 'DEPROVISIONING', 'STOPPING'].includes(status))
    return informational(`a task is ${status}; tasks come and go, and that is no incident`)
  const containers = listAt(detail, 'containers') ?? []
  const why = [textAt(detail, 'stoppedReason'), ...containers.map((one) => textAt(one, 'reason'))]
  if (why.some((one) => one !== undefined && TROUBLE.test(one))) return undefined
  if (code === 'UserInitiated' || code === 'ServiceSchedulerInitiated')
    return informational(`a task was stopped on purpose (${code})`)
  // A job that has done its work ends this way; a service's container never should.
  const done = containers.length > 0 && containers.every((one) => at(one, 'exitCode') === 0)
  const ofService = textAt(detail, 'group')?.startsWith('service:') !== false
  return code === 'EssentialContainerExited' && done && !ofService
    ? informational('a task that belongs to no service has ended, all its containers with exit code 0')
    : undefined
}

/** The agent's reports of what runs where; a lost agent is worth a look. */
export function ecsInstance(_event: Members, detail: Json | undefined): Quiet | undefined {
  return at(detail, 'agentConnected') === true
    ? informational('a container instance reports what runs on it')
    : undefined
}
