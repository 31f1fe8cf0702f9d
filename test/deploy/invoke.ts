import { registerHooks } from 'node:module'
import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

// Invokes a packaged function as Lambda would, in a process of its own: `node invoke.ts <bundle> <event as JSON>`.
// The last line of the output says what it answered and which files it loaded.

const [bundle = '', event = 'null'] = process.argv.slice(2)
const loaded: string[] = []
registerHooks({
  load(url, context, next) {
    if (url.startsWith('file:')) loaded.push(fileURLToPath(url))
    return next(url, context)
  },
})

const { handler } = (await import(pathToFileURL(resolve(bundle)).href)) as {
  handler: (event: unknown, context: unknown) => Promise<unknown>
}
const context = { awsRequestId: 'request-1', getRemainingTimeInMillis: () => 20_000 }
const answer = await handler(JSON.parse(event), context).catch((error: unknown) => ({ threw: String(error) }))
console.log(JSON.stringify({ answer, loaded }))
