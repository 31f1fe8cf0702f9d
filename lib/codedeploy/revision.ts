import * as z from 'zod'
import type { Calls } from '../aws/aws.ts'
import { never } from '../errors.ts'
import { sha256 } from '../ids.ts'

/** Longer AppSpecs stay with AWS, which keeps them under their hash: a ledger item must stay small. */
const MAX_APPSPEC_LENGTH = 65_536

const text = z.string().max(4_096)

/** What a deployment deployed: enough to deploy it again, and to tell it from another one by content (AWS.md 5.3). */
export const revisionSchema = z.discriminatedUnion('is', [
  z.strictObject({
    is: z.literal('s3'),
    bucket: text,
    key: text,
    bundleType: text.nullable(),
    version: text.nullable(),
    eTag: text.nullable(),
  }),
  z.strictObject({ is: z.literal('github'), repository: text, commitId: text }),
  /** `content` is null where only the hash is known; `fetchContent` gets it. */
  z.strictObject({
    is: z.literal('appspec'),
    sha256: text,
    content: z.string().max(MAX_APPSPEC_LENGTH).nullable(),
  }),
])

export type Revision = z.infer<typeof revisionSchema>
export type AppSpec = Extract<Revision, { is: 'appspec' }>

type Location = NonNullable<Calls['codedeploy:CreateDeployment']['input']['revision']>

/** Reads the SDK's form; null where it names nothing that could be deployed again. */
export function revisionOf(location: Location | undefined): Revision | null {
  const { s3Location: s3, gitHubLocation: github, appSpecContent, string } = location ?? {}
  if (s3?.bucket !== undefined && s3.key !== undefined) {
    return {
      is: 's3',
      bucket: s3.bucket,
      key: s3.key,
      bundleType: s3.bundleType ?? null,
      version: s3.version ?? null,
      eTag: s3.eTag ?? null,
    }
  }
  if (github?.repository !== undefined && github.commitId !== undefined) {
    return { is: 'github', repository: github.repository, commitId: github.commitId }
  }
  const spec = appSpecContent ?? string
  return spec?.sha256 === undefined && !spec?.content ? null : appSpec(spec.content, spec.sha256)
}

/** An AppSpec by its text, its hash or both; the hash is computed where AWS did not tell it. */
export function appSpec(content: string | null | undefined, hash?: string): AppSpec {
  const kept = content && content.length <= MAX_APPSPEC_LENGTH ? content : null
  return { is: 'appspec', sha256: hash ?? sha256(content ?? ''), content: kept }
}

/** The SDK's form of a revision. An AppSpec goes by its text where that is known, else by its hash. */
export function locationOf(revision: Revision): Location {
  switch (revision.is) {
    case 's3':
      return {
        revisionType: 'S3',
        s3Location: {
          bucket: revision.bucket,
          key: revision.key,
          ...(revision.bundleType === null ? {} : { bundleType: revision.bundleType as 'zip' }),
          ...(revision.version === null ? {} : { version: revision.version }),
          ...(revision.eTag === null ? {} : { eTag: revision.eTag }),
        },
      }
    case 'github':
      return {
        revisionType: 'GitHub',
        gitHubLocation: { repository: revision.repository, commitId: revision.commitId },
      }
    case 'appspec':
      return {
        revisionType: 'AppSpecContent',
        appSpecContent:
          revision.content === null ? { sha256: revision.sha256 } : { content: revision.content },
      }
    default:
      return never(revision)
  }
}

/**
 * Whether two revisions are the same content. An S3 object that names neither a version nor an ETag is whatever lies at
 * its key now, so two such entries are the same however often the object was overwritten.
 */
export function sameRevision(a: Revision, b: Revision): boolean {
  if (a.is === 's3' && b.is === 's3') {
    const agree = (one: string | null, other: string | null) =>
      one === null || other === null || one === other
    return (
      a.bucket === b.bucket &&
      a.key === b.key &&
      agree(a.version, b.version) &&
      agree(tag(a.eTag), tag(b.eTag))
    )
  }
  if (a.is === 'github' && b.is === 'github') {
    return a.repository.toLowerCase() === b.repository.toLowerCase() && a.commitId === b.commitId
  }
  return a.is === 'appspec' && b.is === 'appspec' && (a.sha256 === b.sha256 || sameShift(a, b))
}

/** Two Lambda AppSpecs that bring one alias to one version leave the same code live, wherever they start. */
function sameShift(a: AppSpec, b: AppSpec): boolean {
  const [one, other] = [lambdaSpec(a), lambdaSpec(b)]
  return (
    one?.target !== undefined &&
    one.target === other?.target &&
    one.name === other.name &&
    one.alias === other.alias
  )
}

/** S3 puts ETags between quotes, people write them without. */
function tag(eTag: string | null): string | null {
  return eTag === null ? null : eTag.replaceAll('"', '')
}

/** For people: `s3://bucket/key version 3`. */
export function revisionLabel(revision: Revision): string {
  switch (revision.is) {
    case 's3': {
      const exact = revision.version ?? revision.eTag
      return `s3://${revision.bucket}/${revision.key}${exact === null ? '' : ` (${exact})`}`
    }
    case 'github':
      return `${revision.repository}@${revision.commitId.slice(0, 12)}`
    case 'appspec': {
      const wanted = taskDefinition(revision) ?? lambdaSpec(revision)?.target
      return wanted === undefined ? `AppSpec ${revision.sha256.slice(0, 12)}` : `AppSpec of ${wanted}`
    }
    default:
      return never(revision)
  }
}

/** The task definition that an ECS AppSpec, JSON or YAML, names. */
export function taskDefinition(spec: AppSpec): string | undefined {
  return only(spec, 'TaskDefinition')
}

/** What a Lambda AppSpec shifts, and from which version to which. */
export interface LambdaSpec {
  readonly name: string
  readonly alias: string
  readonly current: string
  readonly target: string
}

/** Reads a Lambda AppSpec; `undefined` where its text is unknown or does not name exactly one shift. */
export function lambdaSpec(spec: AppSpec): LambdaSpec | undefined {
  const [name, alias] = [only(spec, 'Name'), only(spec, 'Alias')]
  const [current, target] = [only(spec, 'CurrentVersion'), only(spec, 'TargetVersion')]
  return name === undefined || alias === undefined || current === undefined || target === undefined
    ? undefined
    : { name, alias, current, target }
}

/**
 * The AppSpec that brings a Lambda alias to the version that `good` deployed. An old one cannot be sent again, since it
 * starts at the version before it; the new one starts at what `live` left the alias at.
 */
export function lambdaSpecFrom(live: AppSpec, good: AppSpec): { spec: AppSpec } | { reason: string } {
  const [from, to] = [lambdaSpec(live), lambdaSpec(good)]
  if (!from || !to || good.content === null)
    return { reason: 'the AppSpecs do not name one alias and its two versions each' }
  if (from.name !== to.name || from.alias !== to.alias) {
    return {
      reason: `the alias changed from ${to.name}:${to.alias} to ${from.name}:${from.alias} between the two`,
    }
  }
  if (from.target === to.target) return { reason: `both deploy version ${to.target} of ${to.name}` }
  if (to.current === from.target) return { spec: good }
  return {
    spec: appSpec(
      good.content.replace(
        field('CurrentVersion'),
        (whole: string, value: string) => `${whole.slice(0, whole.length - value.length)}${from.target}`,
      ),
    ),
  }
}

/** One `Key: value` of an AppSpec, with or without JSON's or YAML's quotes; the value is the only group. */
function field(key: string): RegExp {
  return new RegExp(`(?<![\\w])["']?${key}["']?[ \\t]*:[ \\t]*["']?([^\\s"',{}\\[\\]]+)`, 'g')
}

/** The value of a key that the text names exactly once; a second one would make it a guess. */
function only(spec: AppSpec, key: string): string | undefined {
  const found = spec.content === null ? [] : [...spec.content.matchAll(field(key))]
  return found.length === 1 ? found[0]?.[1] : undefined
}
