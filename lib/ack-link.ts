import { createHmac, timingSafeEqual } from 'node:crypto'
import { sha256 } from './ids.ts'

/** What a link says, and its signature guards. Names are those of oncall.yaml. */
export interface AckClaims {
  readonly incidentId: string
  readonly team: string
  /** Who was paged; absent where it went to the team's own channels. */
  readonly person?: string
  readonly untilMs: number
  /** Of the page: each page has a link of its own, which can be used once. */
  readonly page: string
}

/** What is read of a link before its signature: only to know whose secret is asked. */
export interface UnprovenLink {
  readonly claims: AckClaims
  isSignedWith(secret: string): boolean
}

const MIN_SECRET_LENGTH = 32
/** 128 bits of the HMAC: a link must fit into a text message. */
const SIGNATURE_BYTES = 16
const LINK =
  /^(inc-[0-9a-z]{12})~([A-Za-z0-9][\w.-]{0,63})~((?:[A-Za-z0-9][\w.-]{0,63})?)~([0-9a-z]{6,10})~([0-9a-f]{12})\.([\w-]{22})$/

/** The path of a link below the API's address. Throws where the secret is too short to sign anything. */
export function ackPath(secret: string, { incidentId, team, person = '', untilMs, page }: AckClaims): string {
  if (secret.length < MIN_SECRET_LENGTH)
    throw new Error(`the secret that signs links must have ${MIN_SECRET_LENGTH} characters`)
  const until = Math.floor(untilMs / 1_000).toString(36)
  const said = [incidentId, team, person, until, page].join('~')
  return `/ack/${said}.${signatureOf(secret, said).toString('base64url')}`
}

/** Names a page by its key, short enough for a link. */
export function pageInLink(key: string): string {
  return sha256(key).slice(0, 12)
}

/** The parts of a link; `undefined` where the text has not its form. */
export function readAckLink(text: string): UnprovenLink | undefined {
  const [, incidentId, team, person, until, page, signature] = LINK.exec(text) ?? []
  if (!incidentId || !team || !until || !page || !signature) return undefined
  const said = text.slice(0, text.lastIndexOf('.'))
  const given = Buffer.from(signature, 'base64url')
  // The last character has bits that say nothing: one link is one text.
  if (given.toString('base64url') !== signature) return undefined
  return {
    claims: {
      incidentId,
      team,
      ...(person ? { person } : {}),
      untilMs: Number.parseInt(until, 36) * 1_000,
      page,
    },
    isSignedWith: (secret) =>
      secret.length >= MIN_SECRET_LENGTH && timingSafeEqual(given, signatureOf(secret, said)),
  }
}

function signatureOf(secret: string, said: string): Buffer {
  return createHmac('sha256', secret).update(`firebreak.ack.v1:${said}`).digest().subarray(0, SIGNATURE_BYTES)
}
