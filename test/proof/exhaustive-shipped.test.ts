import { SHIPPED } from '../../sim/proof/settings.ts'
import { searchExhaustively } from './exhaustive.ts'

searchExhaustively(SHIPPED.slice(0, 1))
