import { checkPayload, renderCheck } from '../../lib/signal/check-folder.ts'
import { manualSignal } from '../../lib/signal/manual.ts'

const alarm = (name: string) =>
  JSON.stringify({ AlarmName: name, NewStateValue: 'ALARM', StateChangeTime: '2026-03-09T02:14:07.412+0000' })

test('each part of each file has its line, in columns, and the last line counts', () => {
  const results = [
    checkPayload('a.json', `[${alarm('x')},{"a":1}]`),
    checkPayload('longer-name.txt', 'command=%2Fgo&team_id=T'),
  ]
  expect(renderCheck(results)).toBe(
    [
      'a.json           signal alarm            cloudwatch/-/-/x at 2026-03-09T02:14:07.412Z',
      'a.json           refused unknown-source  no parser knows an object with a',
      'longer-name.txt  ignored slack           the Slack command /go is what a person asked for, not an incident',
      '2 files: 1 signals, 1 ignored, 1 refused',
    ].join('\n'),
  )
  expect(renderCheck([])).toBe('0 files: 0 signals, 0 ignored, 0 refused')
})

test('what strangers wrote cannot steer the terminal', () => {
  const text = renderCheck([checkPayload('\u001b[2J.json', alarm('\u001b[31mred\u202e'))])
  expect(text).not.toMatch(/[\p{Cf}]|(?!\n)\p{Cc}/u)
})

test('a start by hand is a signal of its service that never clears by itself', () => {
  const start = {
    runbook: 'api-5xx-spike',
    service: 'api',
    reason: 'customers\nreport errors',
    by: 'dana',
    atMs: 1_773_022_447_412,
  }
  expect(manualSignal(start)).toEqual({
    signalId: expect.stringMatching(/^sig-[0-9a-z]{12}$/) as string,
    source: 'manual',
    via: 'manual',
    key: 'manual/api',
    name: 'api-5xx-spike',
    state: 'occurred',
    stateAtMs: 1_773_022_447_412,
    reason: 'dana: customers report errors',
  })
  expect(manualSignal({ ...start, reason: ' ' }).reason).toBe('dana started api-5xx-spike')
})
