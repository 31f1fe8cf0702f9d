import type { Log } from '../../lib/log.ts'
const say = (level: string) => (message: string, fields?: unknown) => void process.stdout.write(`${level} ${message} ${JSON.stringify(fields, (_k, v) => v instanceof Error ? v.stack : v)}\n`)
export const consoleLog = { debug: say('d'), info: () => {}, warn: say('w'), error: say('E') } as unknown as Log
