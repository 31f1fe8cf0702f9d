import { EXHAUSTED, faultFreePuts } from '../../sim/proof/exhaustive.ts'

/*
 * What an alarm that comes and goes costs without a fault, its way back included (CORE.md 1.3 and 2, check 10). OPEN: each
 * change of state is put and later taken out, and the second one meets what stands there. LIMIT: a place in both windows, and
 * the end of it. REC, LOCK: the steps, the verdicts, and each slow step of the way back. A figure that grows is a cost for
 * everybody; one that shrinks is to be written down here.
 */

const FIXED = { OPEN: 5, LIMIT: 3, RUNBOOK: 1 }

const PUTS: { readonly [runbook: string]: { readonly [kind: string]: number } } = {
  'only-scale-out': { ...FIXED, REC: 12, LOCK: 8 },
  'only-expiring': { ...FIXED, REC: 11, LOCK: 8 },
  'only-weight': { ...FIXED, REC: 12, LOCK: 8 },
  'only-rollback': { ...FIXED, REC: 7, LOCK: 2 },
  'only-notify': { ...FIXED, REC: 6 },
  'only-paged': { ...FIXED, REC: 13 },
  'only-wait': { ...FIXED, REC: 6 },
  line: { ...FIXED, REC: 20, LOCK: 12 },
  'api-5xx-spike.yaml': { ...FIXED, REC: 22, LOCK: 15 },
  'examples/api-5xx-rich.yaml': { ...FIXED, REC: 28, LOCK: 25 },
}

test.each(EXHAUSTED)('%s puts what it did, and nothing of another kind', async (runbook) => {
  expect(await faultFreePuts(runbook)).toEqual(PUTS[runbook])
})
