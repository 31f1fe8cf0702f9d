import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { bundleSizes } from './sizes.ts'

// `node deploy/run.ts package|deploy|remove [options of the deployment tool]`, from the repository's root.

/** Says which lockfile the tool was installed from. */
const STAMP = 'deploy/node_modules/.installed-from'

function run(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' })
  if (error) throw error
  if (status !== 0) process.exit(status ?? 1)
}

/** The tool lives in a place of its own, since only deploying needs its 100 MB. */
function install(): void {
  const lock = createHash('sha256').update(readFileSync('deploy/package-lock.json')).digest('hex')
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === lock) return
  console.log('installing the deployment tool into deploy/node_modules (first use)')
  run('npm', ['ci', '--prefix', 'deploy', '--no-audit', '--no-fund', '--loglevel=error'])
  writeFileSync(STAMP, lock)
}

function printSizes(): void {
  for (const { name, bytes, startBytes } of bundleSizes()) {
    console.log(`  ${name.padEnd(8)} ${kB(bytes)} minified, ${kB(startBytes)} loaded at a cold start`)
  }
}

function kB(bytes: number): string {
  return `${Math.round(bytes / 1000).toLocaleString('en')} kB`.padStart(8)
}

install()
// What an earlier packaging left would be packed again.
rmSync('.esbuild', { recursive: true, force: true })
rmSync('.serverless', { recursive: true, force: true })
// The engine's policies follow from the runbooks as they are now, not as they were when somebody last looked.
run(process.execPath, ['deploy/gen.ts'])
run(process.execPath, ['deploy/node_modules/osls/bin/serverless.js', ...process.argv.slice(2)])
if (process.argv[2] === 'package') {
  printSizes()
  console.log('  template: .serverless/cloudformation-template-update-stack.json')
}
