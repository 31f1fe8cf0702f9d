import { ACTION_RUNBOOKS } from '../../sim/proof/settings.ts'
import { searchExhaustively } from './exhaustive.ts'

searchExhaustively(Object.keys(ACTION_RUNBOOKS))
