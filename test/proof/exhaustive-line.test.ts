import { searchExhaustively } from './exhaustive.ts'

searchExhaustively(['line'])
