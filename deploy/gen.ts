import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { generatedFiles } from './generated.ts'

// Writes everything in the repository that is derived from something else in it. With --check it writes nothing and
// fails where a file is stale.
const check = process.argv.includes('--check')
const stale = generatedFiles().filter(
  ({ path, text }) => !existsSync(path) || readFileSync(path, 'utf8') !== text,
)

for (const { path, text } of stale) {
  if (!check) writeFileSync(path, text)
  console.log(`${path} ${check ? 'is stale: run `npm run gen` and commit it' : 'was written'}`)
}
if (stale.length === 0) console.log('generated files are up to date')
if (check && stale.length > 0) process.exitCode = 1
