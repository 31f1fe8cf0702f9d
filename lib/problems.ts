/**
 * Everything that can be wrong with what a person asks, by whichever surface. The HTTP API answers it as a problem document
 * (RFC 9457), the command line as an exit code, chat as a sentence; the code is the same.
 */
export const PROBLEMS = {
  'bad-request': {
    status: 400,
    title: 'The request is malformed',
    remedy: 'Read `detail`: it names the member and what is expected there. /openapi.json has every form.',
  },
  'key-missing': {
    status: 400,
    title: 'The request has no idempotency key',
    remedy:
      'Send the header Idempotency-Key with a text of your own, and the same text when you repeat the request.',
  },
  ambiguous: {
    status: 400,
    title: 'More than one thing could be meant',
    remedy: 'Name the one that is meant: the step as `subject`.',
  },
  unauthenticated: {
    status: 401,
    title: 'It is not known who is asking',
    remedy:
      'Send a bearer token that access.yaml knows by its hash and that has not expired, or sign the request.',
  },
  forbidden: {
    status: 403,
    title: 'Whoever is asking may not do this',
    remedy: 'Somebody who may edit access.yaml can give a role or a service.',
  },
  'not-found': {
    status: 404,
    title: 'There is no such thing',
    remedy: 'Look into the list for what there is. What is out of your reach is not shown as there.',
  },
  'method-not-allowed': {
    status: 405,
    title: 'This cannot be done here',
    remedy: 'The header Allow says which methods are answered.',
  },
  'not-acceptable': {
    status: 406,
    title: 'It cannot be told in that format',
    remedy: 'Ask for one of the formats that `detail` names.',
  },
  'nothing-asked': {
    status: 409,
    title: 'There is no open question that this would answer',
    remedy: 'Read `detail`: it says who was first, or what is asked about.',
  },
  changed: {
    status: 409,
    title: 'What was shown is not what would be done now',
    remedy: 'Look at the plan again, and decide about the one that stands there now.',
  },
  ended: { status: 409, title: 'It is over already', remedy: 'Nothing is left to be done.' },
  conflict: {
    status: 409,
    title: 'It conflicts with what is under way or on record',
    remedy: 'Read `detail`: it says what stands against it.',
  },
  'too-large': {
    status: 413,
    title: 'The request is too large',
    remedy: 'Send less: `detail` says how much may be sent.',
  },
  'unsupported-type': {
    status: 415,
    title: 'The body is of a type that is not read here',
    remedy: 'Send JSON, with content-type application/json.',
  },
  'key-reused': {
    status: 422,
    title: 'The idempotency key was used for another request',
    remedy: 'Take another key for another request.',
  },
  internal: {
    status: 500,
    title: 'Firebreak failed',
    remedy: 'Repeat it, with the same idempotency key. If it fails again, search the log for the request id.',
  },
} as const satisfies { readonly [code: string]: Explained }

interface Explained {
  readonly status: number
  readonly title: string
  /** What to do about it. */
  readonly remedy: string
}

export type ProblemCode = keyof typeof PROBLEMS

export function isProblemCode(text: string): text is ProblemCode {
  return Object.hasOwn(PROBLEMS, text)
}
