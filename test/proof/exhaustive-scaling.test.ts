import { searchExhaustively } from './exhaustive.ts'

searchExhaustively(['only-scale-out', 'only-expiring'])
