import { Document, isMap, isScalar, isSeq, visit } from 'yaml'
import type { ScalarTag } from 'yaml'
import type { Json } from '../json.ts'
import { never } from '../errors.ts'
import { writeDuration } from './fields.ts'
import { RETRY_BUDGET } from './limits.ts'
import { writeReference } from './references.ts'
import type { Approve, MaxHold, Runbook, Step, StepNode } from './runbook.ts'
import { ambiguity, withPointAndSign } from './yaml-versions.ts'

/** Tells editors where the schema lies; the first line of every expanded runbook. */
export const modeline = '# yaml-language-server: $schema=./schema.json'

/** The long form of a runbook with every default written out; compiled again it gives an equal value. */
export function expandRunbook(runbook: Runbook): string {
  const document = new Document(longForm(runbook), {
    version: '1.2',
    aliasDuplicateObjects: false,
    customTags: (tags) => [exponent, ...tags],
  })
  visit(document, {
    // Small mappings and lists stay on one line, as people write them.
    Collection: (_key, node, path) => {
      if (
        path.length > 2 &&
        (isMap(node) || isSeq(node)) &&
        node.items.length > 0 &&
        isShort(node.toJSON() as Json)
      )
        node.flow = true
    },
    Scalar: (_key, node) => {
      if (isScalar(node) && typeof node.value === 'string' && ambiguity(node.value) !== undefined)
        node.type = 'QUOTE_DOUBLE'
    },
  })
  return `${modeline}\n${document.toString({ lineWidth: 0, flowCollectionPadding: true })}`
}

/** Numbers so large or small that JavaScript writes them with an exponent. */
const exponent: ScalarTag = {
  identify: (value) => typeof value === 'number' && String(value).includes('e'),
  tag: 'tag:yaml.org,2002:float',
  default: true,
  // The writer prefers tags that have a test among those that fit a value.
  test: /^[-+]?\d+(?:\.\d+)?e[-+]\d+$/,
  resolve: (source) => Number(source),
  stringify: ({ value }) => withPointAndSign(String(value)),
}

const SHORT = 90

function isShort(value: Json): boolean {
  return JSON.stringify(value).length <= SHORT
}

interface Mapping {
  readonly [key: string]: Json
}

function longForm(runbook: Runbook): Mapping {
  const { onResolved } = runbook
  return {
    runbook: runbook.runbook,
    summary: runbook.summary,
    service: runbook.service,
    severity: runbook.severity,
    mode: runbook.mode,
    ...(runbook.approve ? { approve: approveFormOf(runbook.approve) } : {}),
    triggers: runbook.triggers.map((trigger) =>
      trigger.is === 'alarm' ? { alarm: trigger.glob } : { pattern: trigger.pattern },
    ),
    hold_down: writeDuration(runbook.holdDownMs),
    cooldown: writeDuration(runbook.cooldownMs),
    keep_open: writeDuration(runbook.keepOpenMs),
    flapping: { changes: runbook.flapping.changes, within: writeDuration(runbook.flapping.withinMs) },
    retry_budget: runbook.retryBudget ?? RETRY_BUDGET,
    steps: runbook.steps.map(nodeForm),
    on_resolved: onResolved
      ? {
          undo: onResolved.undo,
          after: writeDuration(onResolved.afterMs),
          step: `${onResolved.stepPercent}%`,
          every: writeDuration(onResolved.everyMs),
          ...maxHoldForm(onResolved.maxHold),
        }
      : { undo: [] },
  }
}

function maxHoldForm(maxHold: MaxHold | undefined): Mapping {
  if (maxHold === undefined) return {}
  const held = writeDuration(maxHold.forMs)
  // oxlint-disable-next-line no-thenable -- a key of the language with a word in it, not a function
  return { max_hold: maxHold.atEnd === 'page' ? held : { for: held, then: maxHold.atEnd } }
}

function approveFormOf({ by, timeoutMs, onTimeout, quorum = 1, notSelf }: Approve): Mapping {
  return {
    by,
    timeout: writeDuration(timeoutMs),
    on_timeout: onTimeout,
    quorum,
    not_self: notSelf ?? false,
  }
}

function nodeForm(node: StepNode): Mapping {
  return node.is === 'parallel' ? { parallel: node.steps.map(stepForm) } : stepForm(node)
}

function stepForm(step: Step): Mapping {
  const when = step.when === undefined ? {} : { when: step.when }
  const after = { on_failure: step.onFailure }
  switch (step.is) {
    case 'action': {
      const { approve, retry } = step
      const references = Object.entries(step.references ?? {}).map(
        ([name, expression]) => [name, writeReference(expression)] as const,
      )
      return {
        id: step.id,
        // `<verb> <kind>`: the kind is told by the parameters.
        [step.action.slice(0, step.action.indexOf(' '))]: {
          ...step.params,
          ...Object.fromEntries(references),
        },
        ...when,
        ...(approve ? { approve: approveFormOf(approve) } : {}),
        retry: {
          attempts: retry.attempts,
          backoff: writeDuration(retry.backoffMs),
          max_backoff: writeDuration(retry.maxBackoffMs),
        },
        ...(step.onLocked === undefined ? {} : { on_locked: step.onLocked }),
        timeout: writeDuration(step.timeoutMs),
        ...after,
      }
    }
    case 'check': {
      const { probe } = step
      const symptom: Mapping =
        probe.is === 'alarm'
          ? { alarm: probe.state }
          : { metric: probe.metric, [probe.comparison]: probe.than }
      return {
        id: step.id,
        check: {
          ...symptom,
          samples: step.samples,
          every: writeDuration(step.everyMs),
          within: writeDuration(step.withinMs),
        },
        ...when,
        ...after,
      }
    }
    case 'wait':
      return { id: step.id, wait: writeDuration(step.forMs), ...when, ...after }
    default:
      return never(step)
  }
}
