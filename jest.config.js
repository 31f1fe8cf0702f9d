export default {
  testEnvironment: 'node',
  transform: {},
  extensionsToTreatAsEsm: ['.ts'],
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // The deep proofs run in processes of their own; with one worker less than cores, two cores would play all of them in a row.
  maxWorkers: 2,
  testSequencer: './test/longest-first.js',
  // No test measures time: a slow machine must not fail one.
  testTimeout: 60_000,
}
