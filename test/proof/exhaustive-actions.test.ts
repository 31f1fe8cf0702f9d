import { ACTION_RUNBOOKS } from '../../sim/proof/settings.ts'
import { searchExhaustively } from './exhaustive.ts'

const IN_A_FILE_OF_THEIR_OWN = new Set(['only-scale-out', 'only-expiring'])

searchExhaustively(Object.keys(ACTION_RUNBOOKS).filter((name) => !IN_A_FILE_OF_THEIR_OWN.has(name)))
