import { createHmac, timingSafeEqual } from 'node:crypto'

/** A request that is older is a replay. */
const MAX_AGE_S = 300

/**
 * Whether Slack has signed this very body, within five minutes (AWS.md 16.4; Slack, "Verifying requests from Slack").
 * `body` is what came in, before anything was read of it.
 */
export function isSignedBySlack(
  secret: string,
  {
    timestamp,
    signature,
    body,
  }: { readonly timestamp: string; readonly signature: string; readonly body: string },
  nowMs: number,
): boolean {
  if (!/^\d{1,12}$/.test(timestamp) || !/^v0=[0-9a-f]{64}$/.test(signature)) return false
  if (Math.abs(nowMs / 1_000 - Number(timestamp)) > MAX_AGE_S) return false
  const wanted = createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest()
  return timingSafeEqual(wanted, Buffer.from(signature.slice(3), 'hex'))
}
