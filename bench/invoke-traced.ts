import { appendFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

// Invokes a packaged function in a fresh process and writes down each file when it is loaded, before it is evaluated:
// `node invoke-traced.ts <URL of the bundle> <event as JSON> <file for the list>`.

const [bundle = '', event = 'null', list = ''] = process.argv.slice(2)
registerHooks({
  load(url, context, next) {
    if (url.startsWith('file:')) appendFileSync(list, `${fileURLToPath(url)}\n`)
    return next(url, context)
  },
})
const { handler } = (await import(bundle)) as {
  handler: (event: unknown, context: unknown) => Promise<unknown>
}
await handler(JSON.parse(event), { awsRequestId: 'bench', getRemainingTimeInMillis: () => 20_000 })
