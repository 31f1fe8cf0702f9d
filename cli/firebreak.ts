#!/usr/bin/env node
import { main } from './main.ts'
import { processTerminal } from './terminal.ts'

// Not `process.exit`: what was written to a pipe must still get out.
process.exitCode = await main(process.argv.slice(2), processTerminal())
