// Loads one module in a fresh process and says how many milliseconds that took: `node load-module.mjs <URL>`.
const beganMs = performance.now()
await import(process.argv[2])
process.stdout.write(String(performance.now() - beganMs))
