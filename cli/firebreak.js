#!/usr/bin/env node
// What `npm link` puts on the PATH. It must be readable to old versions of Node, which then hear what to do.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const entry = fileURLToPath(new URL('./firebreak.ts', import.meta.url))
const pinned = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url))
const [major, minor] = process.versions.node.split('.').map(Number)

if (major > 22 || (major === 22 && minor >= 18)) {
  try {
    await import('./firebreak.ts')
  } catch (error) {
    if (error?.code !== 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING') throw error
    console.error(
      'error: Node does not run TypeScript inside node_modules: clone the repository, then `npm ci` and `npm link`',
    )
    process.exitCode = 2
  }
} else if (existsSync(pinned) && !process.env.FIREBREAK_LAUNCHED) {
  // The clone brings a newer Node of its own. Ctrl-C reaches both processes; the child decides what it means.
  process.on('SIGINT', () => {})
  const env = { ...process.env, FIREBREAK_LAUNCHED: '1' }
  const child = spawn(pinned, [entry, ...process.argv.slice(2)], { stdio: 'inherit', env })
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  child.on('error', (error) => {
    console.error(`error: ${pinned} cannot be run: ${error.message}`)
    process.exitCode = 2
  })
  child.on(
    'exit',
    (code, signal) => (process.exitCode = signal === 'SIGINT' ? 130 : code === null ? 1 : code),
  )
} else {
  console.error(`error: firebreak needs Node 22.18 or newer, this is ${process.versions.node}`)
  console.error(
    '  Install Node 24 from https://nodejs.org, or run `npm ci` in the clone, which brings it along.',
  )
  process.exitCode = 2
}
