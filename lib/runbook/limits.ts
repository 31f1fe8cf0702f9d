/*
 * A limit on everything that a file can say, so that no file can exhaust the linter, a worker or a DynamoDB item (400 kB,
 * of which a pinned runbook with its service and teams must leave most free).
 */

/** A runbook that a person reads at three in the morning has tens of lines; this leaves room for a hundred of them. */
export const MAX_FILE_BYTES = 256 * 1024
/** The deepest legal node (a step's parameter inside `parallel`, an event pattern's operator) lies at about ten. */
export const MAX_DEPTH = 20
/** More than this is one mistake made many times; the rest is counted, not listed. */
export const MAX_DIAGNOSTICS_PER_FILE = 100
/** Enough for a whole estate; every one is matched against every signal. */
export const MAX_RUNBOOKS = 500
/** Each step is at least one ledger record; an execution of more steps is a program, not a mitigation. */
export const MAX_STEPS = 50
/** Each is tested against every signal. */
export const MAX_TRIGGERS = 20
/** Names stand in keys of the ledger, in ARNs of pages and in Slack buttons. */
export const MAX_NAME_LENGTH = 64
/** CloudWatch allows 255 characters in an alarm's name. */
export const MAX_GLOB_LENGTH = 255
/** One or two sentences. */
export const MAX_SUMMARY_LENGTH = 500
/** The longest compact form of any action is under 100 characters. */
export const MAX_COMPACT_LENGTH = 300
/** An expression longer than this cannot be read at three in the morning, and is where slow expressions begin. */
export const MAX_EXPRESSION_LENGTH = 500
/** A longer value of any other text (names, ARNs, URLs) is a pasted file. */
export const MAX_TEXT_LENGTH = 2_048
/** DynamoDB keeps an execution for ever, people do not: anything longer is a slip of the unit. */
export const MAX_DURATION_MS = 30 * 86_400_000
/** Ten attempts with backoff already take longer than a person needs to arrive. */
export const MAX_ATTEMPTS = 10
/**
 * Repeated attempts over all steps of an execution. By default a step repeats twice, so this is enough for ten steps that all
 * use up their own; where more is refused than that, the account has a trouble that further calls only feed.
 */
export const RETRY_BUDGET = 20
/** What the steps could use up between them: fifty, with nine repeats each. */
export const MAX_RETRY_BUDGET = 450
/** Good samples in a row; at the shortest interval this is already more than an hour. */
export const MAX_SAMPLES = 100
/** CloudWatch has no metric finer than ten seconds by default; asking more often only costs calls. */
export const MIN_SAMPLE_EVERY_MS = 5_000
/** State changes that flapping can count: one fewer than are remembered of an alarm. */
export const MAX_FLAPPING_CHANGES = 19
/** ECS allows 5,000 tasks per service unless the quota was raised, other targets less. */
export const MAX_CAPACITY = 100_000
/** One execution every 3.6 seconds is no longer a guardrail. */
export const MAX_EXECUTIONS_PER_HOUR = 1_000
/** Each is looked at when something starts; more than this is a calendar of another system. */
export const MAX_FREEZES = 100
/** More than this nobody would find again. */
export const MAX_APPROVAL_RULES = 100
/** Services, teams, records, metrics: what one account holds, and what a cold start still loads at once. */
export const MAX_ENTRIES = 1_000
/** Channels of a team, receivers of an e-mail: each is tried in turn before the page is given up. */
export const MAX_CHANNELS = 10
/** More people than this are not found at three in the morning. */
export const MAX_QUORUM = 5
/** CloudWatch's own limit of dimensions of a metric. */
export const MAX_DIMENSIONS = 30
/** Levels of an escalation policy, and how often they are repeated: a night is over before all of them were paged. */
export const MAX_LEVELS = 10
export const MAX_REPEAT = 10
