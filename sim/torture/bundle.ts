import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { bundleOptions } from '../../deploy/bundle.ts'

/**
 * Bundles the worker as the packaged functions are bundled, so that it is their code that is killed, and a new process is
 * there in half the time. Answers the program's path in that folder.
 */
export async function bundleWorker(folder: string): Promise<string> {
  await build({
    ...bundleOptions,
    entryPoints: [fileURLToPath(new URL('../worker.ts', import.meta.url))],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    logLevel: 'error',
  })
  return join(folder, 'worker.mjs')
}
