import type { Change, Planned, UndoPlanned, Whereabouts } from '../actions/action.ts'
import { never } from '../errors.ts'
import { blockedBy, secondRollback } from '../interlocks.ts'
import { lambdaSpecFrom, type Revision, revisionLabel, sameRevision, taskDefinition } from './revision.ts'
import { asIntended, asObserved, descriptionOf, type DeploymentGroupTarget } from './state.ts'
import type { Intended, Observed, RollbackState } from './state.ts'

type Asked = { readonly to: string }

/** Fast, but never the whole fleet of servers at once (AWS.md 5.3). */
const CONFIG = {
  Server: 'CodeDeployDefault.HalfAtATime',
  Lambda: 'CodeDeployDefault.LambdaAllAtOnce',
  ECS: 'CodeDeployDefault.ECSAllAtOnce',
} as const

/** The configurations that a rollback deploys with; creating a deployment needs leave to read them. */
export const deploymentConfigs: readonly string[] = Object.values(CONFIG)

const DATA_NOTE = 'the older revision must be able to read what the newer one has written'

/** What to do about the group as observed (AWS.md 5.2 and 5.3). */
export function planRollback(
  asked: Asked,
  target: DeploymentGroupTarget,
  state: RollbackState,
): Planned<RollbackState> {
  if (state.is === 'intended') return { is: 'none', reason: 'the rollback is on its way' }
  const { own, active } = state
  if (own && !['Failed', 'Stopped'].includes(own.status)) {
    return { is: 'none', reason: `this step's rollback ${own.deploymentId} is ${own.status}` }
  }
  return active ? duringDeployment(asked, target, state, active) : redeploy(asked, target, state)
}

/** A deployment is under way: CodeDeploy allows no second one in the group, so the rollback begins with it. */
function duringDeployment(
  asked: Asked,
  target: DeploymentGroupTarget,
  state: Observed,
  active: NonNullable<Observed['active']>,
): Planned<RollbackState> {
  const id = active.deploymentId
  const named = state.wanted.is === 'found' && asked.to !== 'last-success' ? state.wanted : undefined
  if (asked.to !== 'last-success' && !named) return redeploy(asked, target, state)
  if (active.rollback) {
    const leadsThere = !named || (active.revision !== null && sameRevision(active.revision, named.revision))
    const blocked = blockedBy([secondRollback], { deploymentId: id, leadsThere, to: asked.to })
    if (blocked) return blocked
    return {
      is: 'change',
      before: state,
      after: {
        is: 'intended',
        platform: state.platform,
        revision: active.revision,
        call: { is: 'attach', deploymentId: id },
      },
      summary: `wait for the rollback ${id} (${active.creator}) that is under way`,
      notes: ['a rollback is never stopped: nothing is called, its end is waited for'],
    }
  }
  const { current } = state
  if (!current) {
    return {
      is: 'human',
      reason: `deployment ${id} is the first of ${target.application}/${target.group}: a stop has nothing to go back to`,
    }
  }
  if (active.revision && current.revision && sameRevision(active.revision, current.revision)) {
    return {
      is: 'human',
      reason: `deployment ${id} deploys the current revision again (${revisionLabel(current.revision)}): stopping it brings the same one back`,
    }
  }
  if (named && !(current.revision && sameRevision(current.revision, named.revision))) {
    return {
      is: 'human',
      reason: `stopping deployment ${id} goes back to ${current.deploymentId}, not to ${asked.to}`,
    }
  }
  return {
    is: 'change',
    before: state,
    after: {
      is: 'intended',
      platform: state.platform,
      revision: current.revision,
      call: { is: 'stop', deploymentId: id },
    },
    summary: `stop ${id} (${active.status}) -> back to ${nameOf(current)}`,
    notes: [
      'CodeDeploy itself starts the rollback; an alarm of the deployment group can still stop that',
      DATA_NOTE,
    ],
  }
}

/** Nothing is under way: the good revision is deployed again. */
function redeploy(asked: Asked, target: DeploymentGroupTarget, state: Observed): Planned<RollbackState> {
  const { wanted, current } = state
  if (wanted.is !== 'found') return wanted
  if (!current)
    return { is: 'refused', reason: `${target.application}/${target.group} has no successful deployment` }
  if (asked.to !== 'last-success' && current.revision && sameRevision(current.revision, wanted.revision)) {
    return {
      is: 'none',
      reason: `the revision of ${asked.to} is the current one (${revisionLabel(current.revision)})`,
    }
  }
  const deployable = revisionToDeploy(state.platform, current.revision, wanted.revision)
  if ('reason' in deployable) {
    return { is: 'human', reason: `${wanted.deploymentId} cannot be deployed again: ${deployable.reason}` }
  }
  const purpose = `rollback of ${current.deploymentId} to the revision of ${wanted.deploymentId}`
  return {
    is: 'change',
    before: state,
    after: {
      is: 'intended',
      platform: state.platform,
      revision: deployable.revision,
      call: { is: 'create', config: CONFIG[state.platform], purpose },
    },
    summary: `${nameOf(current)} -> ${nameOf(wanted)}`,
    notes: [
      ...(wanted.note === null ? [] : [wanted.note]),
      ...(state.platform === 'Server' ? ['at most half of the servers are taken at a time'] : []),
      "the deployment group's alarms and automatic rollback are off for this one deployment",
      DATA_NOTE,
    ],
  }
}

/** What CreateDeployment is given so that `wanted` comes back, starting from what is there now. */
function revisionToDeploy(
  platform: Observed['platform'],
  live: Revision | null,
  wanted: Revision,
): { readonly revision: Revision } | { readonly reason: string } {
  if (wanted.is !== 'appspec') return { revision: wanted }
  switch (platform) {
    case 'Server':
      return { revision: wanted }
    case 'ECS': {
      const family = taskDefinition(wanted)
      return family !== undefined && !/:\d+$/.test(family)
        ? {
            reason: `its AppSpec names the task definition "${family}" without a revision, which would take the latest`,
          }
        : { revision: wanted }
    }
    case 'Lambda': {
      if (live?.is !== 'appspec') return { reason: 'the AppSpec of the current deployment is not known' }
      const built = lambdaSpecFrom(live, wanted)
      return 'reason' in built ? built : { revision: built.spec }
    }
    default:
      return never(platform)
  }
}

function nameOf(deployed: { readonly deploymentId: string; readonly revision: Revision | null }): string {
  return deployed.revision === null
    ? deployed.deploymentId
    : `${revisionLabel(deployed.revision)} of ${deployed.deploymentId}`
}

/** After an unknown outcome: did the call reach CodeDeploy? */
export function locateRollback(
  change: Change<DeploymentGroupTarget, RollbackState>,
  state: RollbackState,
  marker: string,
): Whereabouts {
  const [before, after, observed] = [asObserved(change.before), asIntended(change.after), asObserved(state)]
  const { call } = after
  switch (call.is) {
    case 'attach':
      return { at: 'after', receipt: { operationId: call.deploymentId } }
    case 'stop':
      return locateStop(call.deploymentId, before, after, observed)
    case 'create':
      return locateCreate(before, after, observed, descriptionOf(marker, call.purpose))
    default:
      return never(call)
  }
}

function locateStop(id: string, before: Observed, after: Intended, observed: Observed): Whereabouts {
  if (observed.active?.deploymentId === id) return { at: 'before' }
  const ended = observed.ended.find((deployment) => deployment.deploymentId === id)
  if (!ended) {
    return {
      at: 'elsewhere',
      reason: `deployment ${id} is neither active nor among the deployments that ended last`,
    }
  }
  if (ended.status === 'Succeeded' || (ended.status === 'Failed' && ended.rollbackId === null)) {
    return {
      at: 'elsewhere',
      reason: `deployment ${id} ended by itself (${ended.status}) and is not being rolled back`,
    }
  }
  const live = observed.current?.revision
  if (!live || !after.revision || sameRevision(live, after.revision)) {
    return { at: 'after', receipt: { operationId: id } }
  }
  // What had been stopped was deployed again: an undo, or a person.
  const stopped = before.active?.revision
  if (stopped && sameRevision(live, stopped)) return { at: 'before' }
  return {
    at: 'elsewhere',
    reason: `deployment ${observed.current?.deploymentId} has changed the revision since`,
  }
}

function locateCreate(
  before: Observed,
  after: Intended,
  observed: Observed,
  description: string,
): Whereabouts {
  const { own, active, current } = observed
  if (own?.description === description) {
    return { at: 'after', receipt: { operationId: own.deploymentId } }
  }
  if (active) {
    return {
      at: 'elsewhere',
      reason: `deployment ${active.deploymentId} (${active.creator}) was started in the meantime`,
    }
  }
  const live = current?.revision
  if (current?.deploymentId === before.current?.deploymentId) return { at: 'before' }
  if (live && before.current?.revision && sameRevision(live, before.current.revision)) return { at: 'before' }
  if (current && live && after.revision && sameRevision(live, after.revision)) {
    return { at: 'after', receipt: { operationId: current.deploymentId } }
  }
  return {
    at: 'elsewhere',
    reason: `deployment ${current?.deploymentId ?? '(none)'} has changed the revision in the meantime`,
  }
}

/** Deploys again what the rollback took away: what was current, or what was being deployed. */
export function undoRollback(
  change: Change<DeploymentGroupTarget, RollbackState>,
  lastSet: RollbackState,
  state: RollbackState,
): UndoPlanned<RollbackState> {
  const [before, set, observed] = [asObserved(change.before), asIntended(lastSet), asObserved(state)]
  if (asIntended(change.after).call.is === 'attach') {
    return { is: 'done', reason: 'the rollback was not ours, so there is nothing to put back' }
  }
  const taken = before.active ?? before.current
  if (!taken?.revision) return { is: 'foreign', reason: 'the revision that was replaced is not known' }
  if (observed.active) {
    return { is: 'foreign', reason: `deployment ${observed.active.deploymentId} is under way in this group` }
  }
  const live = observed.current?.revision
  if (live && sameRevision(live, taken.revision)) {
    return { is: 'done', reason: `${revisionLabel(taken.revision)} is deployed already` }
  }
  if (!live || !set.revision || !sameRevision(live, set.revision)) {
    return {
      is: 'foreign',
      reason: `${observed.current ? nameOf(observed.current) : 'nothing'} is deployed, not what the rollback had set`,
    }
  }
  const deployable = revisionToDeploy(observed.platform, live, taken.revision)
  if ('reason' in deployable) return { is: 'foreign', reason: `cannot deploy it again: ${deployable.reason}` }
  return {
    is: 'change',
    before: observed,
    after: {
      is: 'intended',
      platform: observed.platform,
      revision: deployable.revision,
      call: {
        is: 'create',
        config: CONFIG[observed.platform],
        purpose: `undo: the revision of ${taken.deploymentId} again`,
      },
    },
    summary: `${revisionLabel(live)} -> ${nameOf(taken)}`,
    last: true,
  }
}
