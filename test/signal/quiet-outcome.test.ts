import { parseEvent } from '../../lib/signal/parse.ts'

const at = { receivedAtMs: Date.parse('2026-03-09T02:14:08Z') }

function became(source: string, type: string, detail: object): string | undefined {
  const event = { 'detail-type': type, source, time: '2026-03-09T02:14:07Z', resources: [], detail }
  return parseEvent(event, at)[0]?.is
}

test.each([
  ['aws.amplify', 'Deployment Status Change', { status: 'SUCCEED' }, 'ignored'],
  ['aws.amplify', 'Deployment Status Change', { status: 'FAILED' }, 'signal'],
  ['aws.emr', 'Job Run State Change', { state: 'RUNNING', previousState: 'PENDING' }, 'ignored'],
  ['aws.emr', 'Job Run State Change', { state: 'RUNNING', failureReason: 'lost a node' }, 'signal'],
  [
    'aws.cloudformation',
    'Stack Status Change',
    { 'status-details': { status: 'UPDATE_COMPLETE' } },
    'ignored',
  ],
  [
    'aws.cloudformation',
    'Stack Status Change',
    { 'status-details': { status: 'UPDATE_ROLLBACK_COMPLETE' } },
    'signal',
  ],
  ['aws.inspector2', 'Inspector2 Finding', { status: 'OK' }, 'signal'],
  ['aws.new', 'Failover State Change', { state: 'COMPLETED' }, 'signal'],
  ['aws.new', 'Something Nobody Knows', {}, 'signal'],
  ['aws.partner/acme.com', 'Incident', { status: 'ok' }, 'signal'],
  ['com.example.shop', 'PaymentOutage', { state: 'SUCCEEDED' }, 'signal'],
])('%s "%s" with %j becomes %s', (source, type, detail, is) => {
  expect(became(source, type, detail)).toBe(is)
})
