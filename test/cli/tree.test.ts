import { liveTree, plainTree } from '../../cli/live.ts'
import {
  agoText,
  jsonText,
  lineOf,
  painter,
  printable,
  printableLines,
  table,
  takesColour,
} from '../../cli/output.ts'
import { treeLines, type TreeModel, type TreeState } from '../../cli/tree.ts'
import { fitting, widthOf } from '../../cli/width.ts'
import { plain } from './terminal.ts'

// oxlint-disable-next-line no-control-regex -- what must not get through
const STEERING = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e]/

const states: readonly TreeState[] = [
  'pending',
  'running',
  'waiting',
  'done',
  'failed',
  'skipped',
  'recovered',
]
const all: TreeModel = {
  title: 'a run',
  steps: states.map((state) => ({ id: state, state, text: `is ${state}` })),
}

test('each state has an icon of its own, and the last step closes the tree', () => {
  const lines = treeLines(all, { colour: false, spinnerFrame: 0 })
  expect(lines).toEqual([
    'a run',
    '├─ ○ pending    is pending',
    '├─ ⠋ running    is running',
    '├─ ◷ waiting    is waiting',
    '├─ ✔ done       is done',
    '├─ ✖ failed     is failed',
    '├─ – skipped    is skipped',
    '└─ ↻ recovered  is recovered',
  ])
  expect(treeLines(all, { colour: true, spinnerFrame: 0 }).map(plain)).toEqual(lines)
  expect(treeLines(all, { colour: false, spinnerFrame: 1 })[2]).toContain('⠙')
  expect(treeLines(all, { colour: false, spinnerFrame: 1_000_000_007 })[2]).toMatch(/─ [⠀-⣿] running/)
})

test('attempts are shown from the second on, and how long it took', () => {
  const step = { id: 's', state: 'done', text: 'x' } as const
  const line = (more: object) =>
    treeLines({ title: '', steps: [{ ...step, ...more }] }, { colour: false, spinnerFrame: 0 })[1]
  expect(line({ attempt: 1 })).toBe('└─ ✔ s  x')
  expect(line({ attempt: 2, durationMs: 83_000 })).toBe('└─ ✔ s  x (attempt 2, 1 m 23 s)')
})

test('no line is wider than the terminal, whatever it says', () => {
  const texts = [
    'x'.repeat(500),
    '漢字'.repeat(200),
    '👩‍🚀'.repeat(100),
    'e\u0301'.repeat(300),
    '\ud800\ud800'.repeat(50),
    'a\nb\u001b[31m',
  ]
  for (const columns of [1, 10, 40, 80]) {
    for (const text of texts) {
      for (const line of treeLines(
        { title: text, steps: [{ id: text, state: 'running', text }] },
        { colour: true, spinnerFrame: 0, columns },
      )) {
        // A tree needs its branches, an icon and a name; below that it may not fit.
        expect(widthOf(plain(line))).toBeLessThanOrEqual(Math.max(columns, 34))
        // oxlint-disable-next-line no-control-regex -- what must not get through
        expect(plain(line)).not.toMatch(/[\n\u001b]/)
      }
    }
  }
})

test('in place, each drawing erases the one before, and the cursor comes back at the end', () => {
  let written = ''
  const live = liveTree({ write: (text) => void (written += text), columns: 80, rows: 24 }, { colour: false })
  const show = (state: TreeState) =>
    live.show(new Map([['k', { title: 't', steps: [{ id: 's', state, text: '' }] }]]))
  show('running')
  expect(written).toBe('\u001b[?25lt\n└─ ⠋ s\n')
  written = ''
  live.note('a line that stays')
  expect(written).toBe('\u001b[?25l\u001b[2A\u001b[0Ja line that stays\nt\n└─ ⠋ s\n')
  written = ''
  show('done')
  live.end()
  expect(written).toBe('\u001b[?25l\u001b[2A\u001b[0Jt\n└─ ✔ s\n\u001b[2A\u001b[0Jt\n└─ ✔ s\n\u001b[?25h')
})

test('what stays at the end is not cut', () => {
  let written = ''
  const live = liveTree({ write: (text) => void (written += text), columns: 30, rows: 24 }, { colour: false })
  const reason = 'a reason that is longer than the window is wide'
  live.show(new Map([['k', { title: 't', steps: [{ id: 's', state: 'failed', text: reason }] }]]))
  expect(written).not.toContain(reason)
  live.end()
  expect(written).toContain(reason)
})

test('a tree that is taller than the window is drawn as far as it can be erased', () => {
  let written = ''
  const live = liveTree({ write: (text) => void (written += text), columns: 80, rows: 5 }, { colour: false })
  const steps = Array.from({ length: 50 }, (_one, i) => ({ id: `s${i}`, state: 'done' as const, text: '' }))
  live.show(new Map([['k', { title: 't', steps }]]))
  live.show(new Map([['k', { title: 't', steps }]]))
  expect(written).toContain('\u001b[4A')
  expect(written).toContain('s49')
  expect(written).not.toContain('s10')
})

test('in lines, only what has changed is said, and nothing moves', () => {
  let written = ''
  const live = plainTree((text) => void (written += text), { colour: false, stamp: () => 'T' })
  const show = (state: TreeState, durationMs: number) =>
    live.show(new Map([['k', { title: 't', steps: [{ id: 's', state, text: 'x', durationMs }] }]]))
  show('pending', 0)
  show('running', 1_000)
  show('running', 2_000)
  show('done', 3_000)
  live.end()
  expect(written).toBe('T t\nT   s running: x (1 s)\nT   s done: x (3 s)\n')
})

test.each([
  [true, {}, true, true],
  [false, {}, true, false],
  [true, { NO_COLOR: '1' }, true, false],
  [true, { NO_COLOR: '' }, true, true],
  [true, { TERM: 'dumb' }, true, false],
  [true, {}, false, false],
  [false, { FORCE_COLOR: '1' }, true, true],
  [true, { FORCE_COLOR: '0' }, true, false],
  [false, { FORCE_COLOR: '1', NO_COLOR: '1' }, true, false],
] as const)('a terminal: %j, %j, asked: %j: colours %j', (tty, env, asked, expected) => {
  expect(takesColour(tty, env, asked)).toBe(expected)
})

test('foreign text keeps its words and loses what steers a terminal', () => {
  expect(
    printable('\u001b[31mred\u001b[0m \u001b]0;title\u0007\r\nnext\tcell \u202eback \u200bhidden \u009b2J'),
  ).toMatch(/^red .*next cell back hidden/)
  const every = String.fromCharCode(...Array.from({ length: 0x2100 }, (_one, i) => i))
  expect(printable(every)).not.toMatch(STEERING)
  expect(printableLines('a\n\tb\u0007\r')).toBe('a\n\tb')
  expect(printable('\ud800')).toBe('\ufffd')
  expect(lineOf('\u001b[31mred\u001b[39m \u001b[2J\u001b]0;t\u0007\u009b1A\nx')).toBe(
    '\u001b[31mred\u001b[39m [2J]0;t1A\nx',
  )
})

test('JSON for a terminal is the same value', () => {
  const value = { a: '\u009b31m\u202e\u{e0001}\u007f"\\é漢👍', b: [1, null] }
  // oxlint-disable-next-line no-control-regex -- what must not get through
  expect(jsonText(value)).not.toMatch(/[\u007f-\u009f\u202e]|\u{e0001}/u)
  expect(JSON.parse(jsonText(value))).toEqual(value)
})

test('a table is aligned by what is seen, and its last column is cut', () => {
  const lines = table(
    ['A', 'B'],
    [
      ['漢', 'one'],
      ['xyz', 'y'.repeat(50)],
    ],
    { paint: painter(false), columns: 20 },
  )
  expect(lines).toEqual(['A    B', '漢   one', `xyz  ${'y'.repeat(14)}…`])
})

test('widths and cuts count what a terminal shows', () => {
  expect([widthOf('abc'), widthOf('漢字'), widthOf('e\u0301'), widthOf('✔'), widthOf('👍')]).toEqual([
    3, 4, 1, 1, 2,
  ])
  expect([fitting('abcdef', 4), fitting('漢字漢', 4), fitting('abc', 3), fitting('abc', 0)]).toEqual([
    'abc…',
    '漢…',
    'abc',
    '…',
  ])
})

test('a time ahead of ours is now', () => {
  expect([agoText(5_000, 1_000), agoText(0, 90_000)]).toEqual(['just now', '1 m 30 s ago'])
})
