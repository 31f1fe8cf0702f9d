import type { BuildOptions, Plugin } from 'esbuild'
import { readCatalogue } from '../handlers/catalogue.ts'

/**
 * How the functions are bundled. ESM with code splitting: what is imported on demand, such as an SDK client that only one
 * action needs, lies in a file of its own and costs a cold start nothing until it is asked for.
 */
export const bundleOptions = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  splitting: true,
  minify: true,
  // Errors name our files and lines; the sources themselves need not lie on Lambda.
  sourcemap: true,
  sourcesContent: false,
  // The ESM builds of the SDK are smaller, and only they can be shaken and split.
  mainFields: ['module', 'main'],
  // The parts that are CommonJS call `require` for Node's own modules.
  banner: { js: "import{createRequire as _cr}from'node:module';const require=_cr(import.meta.url);" },
  external: [],
  plugins: [ownChunks(), runbooksInside()],
} satisfies BuildOptions

/**
 * Names a function's chunks after the function: serverless-esbuild leaves a file that begins with another function's
 * name out of the archive, so each archive holds its own only.
 */
function ownChunks(): Plugin {
  return {
    name: 'own-chunks',
    setup({ initialOptions }) {
      const { entryPoints } = initialOptions
      const entry = Array.isArray(entryPoints) ? entryPoints[0] : undefined
      if (typeof entry !== 'string') return
      const name = entry.replace(/^.*\//, '').replace(/\.ts$/, '')
      initialOptions.chunkNames = `${name}.[name]-[hash]`
    },
  }
}

/** Puts the compiled runbooks into the bundle, so that a cold start parses no YAML and carries no parser. */
function runbooksInside(): Plugin {
  return {
    name: 'runbooks-inside',
    setup(build) {
      build.onLoad({ filter: /handlers\/catalogue\.ts$/ }, () => ({
        contents: `export const readCatalogue = () => JSON.parse(${JSON.stringify(JSON.stringify(readCatalogue()))})`,
        loader: 'js',
      }))
    },
  }
}
