import { command } from '../lib/command.ts'
import { lambda } from './middleware.ts'

/** Serves the command line against a deployed stack: one request of lib/command.ts. IAM decides who may invoke it. */
export const handler = lambda(async (event: unknown, { app, turn }) => command(app, event, turn()))
