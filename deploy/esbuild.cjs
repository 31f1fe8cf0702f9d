// serverless-esbuild asks for a CommonJS file that exports a function.
const { bundleOptions } = require('./bundle.ts')

module.exports = () => ({
  ...bundleOptions,
  outputFileExtension: '.mjs',
  // Everything is bundled, the SDK too: it loads faster so than from the runtime's own copy.
  exclude: [],
  concurrency: 2,
  // A build that may be repeated keeps esbuild running, and with it the tool when the build has failed.
  skipRebuild: true,
  // The bundles stay in .esbuild, where their sizes and load times are measured.
  keepOutputDirectory: true,
})
