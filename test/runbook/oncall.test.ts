import { compile, longForm } from './fixtures.ts'

const RUNBOOK = { path: 'x.yaml', text: longForm() }
const PEOPLE = `
people:
  ann: { channels: [{ sns: { topic_arn: "arn:aws:sns:eu-west-1:123456789012:ann" } }] }
  bob: { channels: [{ sns: { topic_arn: "arn:aws:sns:eu-west-1:123456789012:bob" } }] }
`
const TOPIC = `{ sns: { topic_arn: "arn:aws:sns:eu-west-1:123456789012:sre" } }`
const compiled = (text: string) => compile({ path: 'oncall.yaml', text }, RUNBOOK)
/** Each mistake, and what stands at its place. */
const told = (text: string) =>
  compiled(text).diagnostics.map(({ code, line, column }) => {
    const there = text.split('\n')[line - 1]?.slice(column - 1) ?? ''
    return `${code} ${/^"[^"]*"|^[\w-]+|^./.exec(there)?.[0] ?? ''}`
  })
const scheduled = (schedule: string) =>
  `${PEOPLE}schedules:\n  primary: ${schedule}\nsre: { schedule: primary }\n`
const layers = (text: string) => `{ time_zone: Europe/Berlin, layers: [${text}] }`
const WEEKS = '{ people: [ann, bob], from: "2026-11-02T09:00" }'

test('a team has whoever may be on call for it, and nobody else', () => {
  const { catalogue, diagnostics } = compiled(`
people:
  ann: { channels: [${TOPIC}] }
  bob: { channels: [${TOPIC}], time_zone: America/New_York }
  cid: { channels: [${TOPIC}] }
schedules:
  primary:
    time_zone: Europe/Berlin
    layers:
      - { people: [ann], from: "2026-11-02" }
      - people: [ann]
        from: "2026-11-02T09:00"
        turn: 12h
        during: [{ days: [mon, fri], from: "09:00", until: "17:00" }]
        off_on_holidays: true
    overrides: [{ person: bob, from: "2026-12-24T12:00", until: "2026-12-26" }]
    holidays: ["2026-12-25"]
sre: { schedule: primary, channels: [${TOPIC}] }
dev: { channels: [${TOPIC}] }
`)
  expect(diagnostics).toEqual([])
  const topic = [{ is: 'sns', topicArn: 'arn:aws:sns:eu-west-1:123456789012:sre' }]
  expect(catalogue?.teams['dev']).toEqual({ name: 'dev', channels: topic })
  expect(catalogue?.teams['sre']).toEqual({
    name: 'sre',
    channels: topic,
    rota: {
      people: { ann: { channels: topic }, bob: { channels: topic, timeZone: 'America/New_York' } },
      levels: [{ page: 'primary', forMs: 0 }],
      schedules: {
        primary: {
          name: 'primary',
          timeZone: 'Europe/Berlin',
          layers: [
            {
              people: ['ann'],
              fromLocalMs: Date.parse('2026-11-02T00:00Z'),
              turnMs: 7 * 86_400_000,
              during: [],
              offOnHolidays: false,
            },
            {
              people: ['ann'],
              fromLocalMs: Date.parse('2026-11-02T09:00Z'),
              turnMs: 43_200_000,
              during: [{ is: 'weekly', days: [1, 5], fromMinute: 540, untilMinute: 1020 }],
              offOnHolidays: true,
            },
          ],
          overrides: [
            {
              person: 'bob',
              fromLocalMs: Date.parse('2026-12-24T12:00Z'),
              // The date itself is in it.
              untilLocalMs: Date.parse('2026-12-27T00:00Z'),
            },
          ],
          holidays: [Date.parse('2026-12-25T00:00Z')],
        },
      },
    },
  })
})

test('the levels of a team name schedules and people, and links are the same for all teams', async () => {
  const { diagnostics, catalogue } = compiled(`${PEOPLE}
schedules:
  primary: { time_zone: UTC, layers: [${WEEKS}] }
acknowledge: { url: "https://firebreak.example.com/", secret: "ssm:/firebreak/links", expires: 2h }
sre:
  levels: [{ page: primary }, { page: bob, for: 15m }]
  repeat: 2
  ack_timeout: 30m
dev: { channels: [${TOPIC}] }
`)
  expect(diagnostics).toEqual([])
  const { sre, dev } = catalogue?.teams ?? {}
  expect(sre?.rota).toMatchObject({
    levels: [
      { page: 'primary', forMs: 300_000 },
      { page: 'bob', forMs: 900_000 },
    ],
    policy: { repeat: 2, ackTimeoutMs: 1_800_000 },
  })
  expect(Object.keys(sre?.rota?.people ?? {}).toSorted()).toEqual(['ann', 'bob'])
  expect(dev?.links).toEqual({
    url: 'https://firebreak.example.com',
    secret: 'ssm:/firebreak/links',
    forMs: 7_200_000,
  })
})

test.each<[what: string, text: string, expected: readonly string[]]>([
  [
    'a level that nobody is behind',
    `${scheduled(layers(WEEKS))}\ndev: { levels: [{ page: eve }] }`,
    ['UNKNOWN_SCHEDULE eve'],
  ],
  [
    'a schedule and levels',
    `${scheduled(layers(WEEKS))}\ndev: { schedule: primary, levels: [{ page: ann }] }`,
    ['WRONG_VALUE ['],
  ],
  ['a repetition of nothing', `sre: { channels: [${TOPIC}], repeat: 3 }`, ['WRONG_VALUE 3']],
  [
    'a level that waits for days',
    `${PEOPLE}\nsre: { levels: [{ page: ann, for: 3d }] }`,
    ['OUT_OF_RANGE 3d'],
  ],
  ['no level', `${PEOPLE}\nsre: { levels: [] }`, ['OUT_OF_RANGE [']],
  [
    'a secret of links that is written out',
    `acknowledge: { url: "https://a.example.com", secret: abc }\nsre: { channels: [${TOPIC}] }`,
    ['LITERAL_SECRET abc'],
  ],
  [
    'links to nowhere',
    `acknowledge: { url: "ftp://a.example.com", secret: "env:A" }\nsre: { channels: [${TOPIC}] }`,
    ['BAD_FORMAT "ftp://a.example.com"'],
  ],

  ['nothing that is wrong', scheduled(layers(WEEKS)), []],
  ['nobody for a team', 'sre: {}', ['MISSING_KEY {']],
  ['a schedule that there is not', 'sre: { schedule: primary }', ['UNKNOWN_SCHEDULE primary']],
  [
    'somebody unknown in a layer',
    scheduled(layers('{ people: [ann, eve], from: "2026-11-02" }')),
    ['UNKNOWN_PERSON eve'],
  ],
  [
    'somebody unknown in an override',
    scheduled(
      `{ time_zone: UTC, layers: [${WEEKS}], overrides: [{ person: eve, from: "2026-12-24", until: "2026-12-24" }] }`,
    ),
    ['UNKNOWN_PERSON eve'],
  ],
  [
    'hours in which nobody is on call',
    scheduled(layers('{ people: [ann], from: "2026-11-02", during: [{ from: "09:00", until: "17:00" }] }')),
    ['SCHEDULE_GAP ['],
  ],
  [
    'a holiday on which nobody is',
    scheduled(
      '{ time_zone: UTC, holidays: ["2026-12-25"], layers: [{ people: [ann], from: "2026-11-02", off_on_holidays: true }] }',
    ),
    ['SCHEDULE_GAP ['],
  ],
  ['a zone that there is not', scheduled(`{ time_zone: CET+1, layers: [${WEEKS}] }`), ['BAD_FORMAT CET']],
  ['no layer', scheduled('{ time_zone: UTC, layers: [] }'), ['OUT_OF_RANGE [']],
  ['a layer of nobody', scheduled(layers('{ people: [], from: "2026-11-02" }')), ['OUT_OF_RANGE [']],
  [
    'a turn of minutes',
    scheduled(layers('{ people: [ann], from: "2026-11-02", turn: 30m }')),
    ['OUT_OF_RANGE 30m'],
  ],
  [
    'a beginning without a date',
    scheduled(layers('{ people: [ann], from: "09:00" }')),
    ['BAD_FORMAT "09:00"'],
  ],
  [
    'a window of dates',
    scheduled(
      layers('{ people: [ann], from: "2026-11-02", during: [{ from: "2026-12-01", until: "2026-12-02" }] }'),
    ),
    ['WRONG_VALUE "2026-12-01"'],
  ],
  [
    'an override that ends before it begins',
    scheduled(
      `{ time_zone: UTC, layers: [${WEEKS}], overrides: [{ person: ann, from: "2026-12-24", until: "2026-12-23" }] }`,
    ),
    ['WRONG_VALUE "2026-12-23"'],
  ],
  [
    'a holiday with a time',
    scheduled(`{ time_zone: UTC, layers: [${WEEKS}], holidays: ["2026-12-25T09:00"] }`),
    ['BAD_FORMAT "2026-12-25T09:00"'],
  ],
  ['a list of people', 'people: [ann]\nsre: { channels: [] }', ['WRONG_TYPE [', 'OUT_OF_RANGE [']],
])('%s', (_what, text, expected) => {
  expect(told(text)).toEqual(expected)
})

test('the gap is told by the clock on the wall there', () => {
  const [gap] = compiled(
    scheduled(layers('{ people: [ann], from: "2026-11-02", during: [{ from: "09:00", until: "17:00" }] }')),
  ).diagnostics
  expect(gap?.message).toBe('nobody is on call from 2026-11-02 00:00 until 2026-11-02 09:00 (Europe/Berlin)')
})
