/** What the envelopes around a payload said; each envelope that is opened adds to it. */
export interface Delivery {
  /** When we took it in. */
  readonly receivedAtMs: number
  /** When the envelope says it was sent; the time of a state whose own time is missing. */
  readonly sentAtMs?: number
  readonly topicArn?: string
  /** SNS's subject line, which repeats an alarm's name and state. */
  readonly subject?: string
  /** Set where only what a parser knows for certain is looked for; an alert of an unknown sender is then nobody's. */
  readonly certain?: true
  /** How many envelopes have been opened. */
  readonly layers: number
  /** Shared by all parts of one delivery, so that what is nested or compressed in it cannot multiply the work. */
  readonly budget: { parts: number; bytes: number }
}

/** An SQS message, and a webhook's body, may have 1 MiB; EventBridge allows 256 KB. */
export const MAX_TEXT_BYTES = 1_048_576
/** The deepest that is known to occur: EventBridge in SNS in SQS in HTTP, with its strings and lists 10 layers, and some in reserve. */
export const MAX_LAYERS = 16
/** Envelopes and payloads together: a full batch of 10,000 records with the layers of each. */
export const MAX_PARTS = 60_000
/** All texts of one delivery after decoding and inflating; a Lambda payload has at most 6 MB. */
const MAX_DECODED_BYTES = 32 * 1_048_576

export function deliveryAt(receivedAtMs: number): Delivery {
  return { receivedAtMs, layers: 0, budget: { parts: MAX_PARTS, bytes: MAX_DECODED_BYTES } }
}
