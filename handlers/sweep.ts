import { sweep } from '../lib/sweep.ts'
import { lambda } from './middleware.ts'

/** Finds, each minute, what is overdue or abandoned. */
export const handler = lambda(async (_event: unknown, { app, turn }) => sweep(app, turn()))
