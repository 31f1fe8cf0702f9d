import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { Role } from '../../lib/runbook/runbook.ts'
import { withFakeSlack } from '../../cli/fake-slack.ts'
import type { Stack } from '../../sim/stack.ts'
import {
  asksFor,
  entriesOfKind,
  fire,
  play,
  calmStack,
  desired,
  catalogueOf,
  runbookText,
} from '../line/calm.ts'
import { apiStack, MINUTE_MS, START_AT_MS } from '../line/world.ts'
import { openBrowser, serve, tokenOf, type Served } from './served.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

let browser: Browser
const open: (BrowserContext | Served)[] = []
beforeAll(async () => {
  browser = await openBrowser()
})
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})
afterAll(async () => browser.close())

/** A page of somebody of that role, who has signed in by the form. */
async function visit(
  stack: Stack,
  role: Role,
  { javaScriptEnabled = true, dark = false } = {},
): Promise<{ readonly page: Page; readonly url: string }> {
  const served = await serve(stack)
  const context = await browser.newContext({
    javaScriptEnabled,
    viewport: { width: 1200, height: 900 },
    colorScheme: dark ? 'dark' : 'light',
  })
  context.setDefaultTimeout(8_000)
  open.push(context, served)
  const page = await context.newPage()
  const wrong: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') wrong.push(message.text())
  })
  page.on('pageerror', (error) => void wrong.push(String(error)))
  await page.goto(served.url)
  await page.getByLabel('Token').fill(tokenOf(role))
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Incidents' }).waitFor()
  // The sign-in page itself is answered by 401, which a browser reports.
  expect(wrong.filter((text) => !text.includes('401'))).toEqual([])
  return { page, url: served.url }
}

/** What axe-core finds serious or worse. */
async function audit(page: Page): Promise<readonly string[]> {
  // By the debugger, past the page's policy, which allows no script but its own.
  const found = await page.evaluate(`(() => { ${AXE}; return axe.run(document) })()`)
  const { violations } = found as {
    readonly violations: readonly {
      readonly id: string
      readonly impact: string
      readonly nodes: readonly { readonly html: string }[]
    }[]
  }
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 200)}`)
}

/** A picture to be looked at, where somebody wants one: SCREENSHOTS names the folder. */
async function shoot(page: Page, name: string): Promise<void> {
  const folder = process.env['SCREENSHOTS']
  if (folder !== undefined) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true })
}

async function demoIncident(minutes = 30): Promise<Stack> {
  const stack = apiStack()
  await stack.runUntil(START_AT_MS + minutes * MINUTE_MS)
  return stack
}

test('an incident is read with its steps, curve, executions and record, with and without JavaScript', async () => {
  const stack = await demoIncident()
  for (const javaScriptEnabled of [true, false]) {
    const { page } = await visit(stack, 'reader', { javaScriptEnabled })
    await shoot(page, `incidents${javaScriptEnabled ? '' : '-plain'}`)
    await page
      .getByRole('link', { name: /api-5xx/ })
      .first()
      .click()
    for (const name of ['Steps', 'Metric', 'Executions', 'Record'])
      await page.getByRole('heading', { name, exact: true }).waitFor()
    await page.getByText('The incident was opened', { exact: false }).first().waitFor()
    await page.getByText(/records are consistent/).waitFor()
    // A reader is shown nothing that they may not do.
    expect(await page.getByRole('button', { name: /Acknowledge|Abort|Resolve/ }).count()).toBe(0)
    await shoot(page, `incident${javaScriptEnabled ? '' : '-plain'}`)
    if (javaScriptEnabled) {
      expect(await audit(page)).toEqual([])
      const before = await page.locator('main time').first().textContent()
      await page.getByRole('button', { name: 'Show local time' }).click()
      expect(await page.locator('main time').first().textContent()).not.toBe(before)
    }
    const bytes = Buffer.byteLength(await page.content())
    expect(bytes).toBeLessThan(100_000)
  }
}, 120_000)

test('each entry has an address of its own, and only what failed can be shown', async () => {
  const stack = await demoIncident(6)
  const { page } = await visit(stack, 'reader')
  await page
    .getByRole('link', { name: /api-5xx/ })
    .first()
    .click()
  await page.getByRole('heading', { name: 'Record' }).waitFor()
  const rows = await page.locator('tbody tr[id^="e-"]').count()
  await page.locator('tbody tr[id^="e-"] a').nth(2).click()
  expect(page.url()).toMatch(/#e-/)
  await page.getByRole('link', { name: /Only what failed/ }).click()
  await page.getByText('Only what failed or needs attention.').waitFor()
  expect(await page.locator('tbody tr[id^="e-"]').count()).toBeLessThan(rows)
}, 60_000)

test('somebody approves what is asked, and it is done', async () => {
  const stack = calmStack(asksFor('30m'))
  fire(stack)
  await play(stack, 1)
  const { page } = await visit(stack, 'approver')
  await page
    .getByRole('link', { name: /api-5xx/ })
    .first()
    .click()
  const question = page.getByRole('region', { name: /Approval of/ })
  await question.waitFor()
  await shoot(page, 'approval')
  expect(await audit(page)).toEqual([])
  await question.getByRole('button', { name: /^Approve/ }).click()
  await page.getByText(/approved scale_out \(plan/).waitFor()
  await play(stack, 5)
  expect(desired(stack)).toBe(9)
  expect(await entriesOfKind(stack, 'step.approved')).toMatchObject([
    { actor: { is: 'person', name: 'approver', via: 'page' } },
  ])
}, 60_000)

test('somebody aborts an execution, acknowledges and resolves its incident, also without JavaScript', async () => {
  const stack = calmStack(catalogueOf([runbookText('- wait: 20m\n- scale_out: { ecs: api, by: 50% }')]))
  fire(stack)
  await play(stack, 1)
  const { page } = await visit(stack, 'responder', { javaScriptEnabled: false })
  await page
    .getByRole('link', { name: /api-5xx/ })
    .first()
    .click()
  await page.getByRole('button', { name: 'Acknowledge' }).click()
  await page.getByText(/responder took ownership/).waitFor()
  const execution = page.getByRole('region', { name: 'spike (auto)' })
  await execution.getByLabel('Reason').fill('we do it by hand')
  await execution.getByRole('button', { name: 'Abort' }).click()
  await page.getByText(/responder aborted: no further step begins/).waitFor()
  await page.getByLabel('Why it is over').fill('nothing is left')
  await page.getByRole('button', { name: 'Resolve' }).click()
  await page.getByText('The incident was resolved by a person.').waitFor()
  await play(stack, 1)
  expect(desired(stack)).toBe(6)
}, 60_000)

test('the page follows what happens while it is looked at', async () => {
  const stack = calmStack(catalogueOf([runbookText('- wait: 20m')]))
  fire(stack)
  await play(stack, 1)
  const { page, url } = await visit(stack, 'reader')
  await page
    .getByRole('link', { name: /api-5xx/ })
    .first()
    .click()
  await page.getByText('under way', { exact: false }).first().waitFor({ state: 'attached' })
  const { addNote } = await import('../../lib/decide.ts')
  const id = page.url().slice(`${url}/incidents/`.length)
  await addNote(stack.app, id, { name: 'bob', via: 'cli' }, 'seen from elsewhere')
  await page.getByText('Note: seen from elsewhere').waitFor({ timeout: 15_000 })
}, 60_000)

test('the services and the runbooks are shown, in the dark as well', async () => {
  const stack = await demoIncident()
  const { page } = await visit(stack, 'responder', { dark: true })
  await page.getByRole('link', { name: 'Services' }).click()
  await page.getByRole('rowheader', { name: 'api' }).waitFor()
  await shoot(page, 'services')
  expect(await audit(page)).toEqual([])
  await page.getByRole('link', { name: 'Run' }).click()
  await page.getByRole('link', { name: 'api-5xx-spike', exact: true }).click()
  await page.getByRole('button', { name: 'Start api-5xx-spike' }).waitFor()
  await shoot(page, 'run')
  expect(await audit(page)).toEqual([])
}, 60_000)

test('in the chat somebody approves the plan of an incident, and acknowledges it', async () => {
  const stack = calmStack(withFakeSlack(asksFor('30m'), 'ann'))
  fire(stack)
  // The workspace's secrets stand in the account once it is served.
  const { page, url } = await visit(stack, 'approver')
  await play(stack, 1)
  await page.goto(`${url}/fake-slack`)
  const message = page.getByRole('article').first()
  await message.getByText('sre is asked: scale_out').waitFor()
  await shoot(page, 'chat')
  expect(await audit(page)).toEqual([])
  await message.getByRole('button', { name: 'Approve' }).click()
  await page.getByText('ann: approved scale_out').waitFor()
  await play(stack, 5)
  expect(desired(stack)).toBe(9)
  expect(await entriesOfKind(stack, 'step.approved')).toMatchObject([
    { actor: { is: 'person', name: 'ann', via: 'slack' } },
  ])
  await page.reload()
  await page.getByText(/scale_out: ECS service prod\/api desired 6 -> 9/).waitFor()
  expect(await page.getByRole('button', { name: 'Approve' }).count()).toBe(0)
  await page.getByRole('button', { name: 'Acknowledge' }).click()
  await page.getByText('ann (slack)').first().waitFor()
}, 60_000)

test('in the chat somebody types a command, picks a runbook and starts it by the form', async () => {
  const stack = calmStack(withFakeSlack(catalogueOf([runbookText('- wait: 20m')]), 'ann'))
  const { page, url } = await visit(stack, 'approver')
  await page.goto(`${url}/fake-slack`)
  await page.getByLabel('/firebreak').fill('run')
  await page.getByRole('button', { name: 'Send' }).click()
  await page.getByLabel('Choose').selectOption('spike')
  await page.getByRole('button', { name: 'Take it' }).click()
  await page.getByLabel('Why').fill('the site is slow')
  await shoot(page, 'chat-form')
  await page.getByRole('button', { name: 'Start', exact: true }).click()
  await page.getByText('ann started spike').waitFor()
  expect(await entriesOfKind(stack, 'execution.started')).toMatchObject([
    { occasion: { by: 'ann', via: 'slack', reason: 'the site is slow' } },
  ])
}, 60_000)
