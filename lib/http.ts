/** Outgoing HTTP for channels. Lint forbids `fetch` elsewhere in `lib/`. */
export interface Http {
  /** Throws on a network failure or when the time is over; answers of any status are returned. */
  post(request: HttpRequest): Promise<HttpAnswer>
}

export interface HttpRequest {
  readonly url: string
  readonly headers: { readonly [name: string]: string }
  readonly body: string
  readonly timeoutMs: number
}

export interface HttpAnswer {
  readonly status: number
  /** Lower-case names. */
  readonly headers: { readonly [name: string]: string }
  /** At most 64 KiB are read. */
  readonly body: string
}
