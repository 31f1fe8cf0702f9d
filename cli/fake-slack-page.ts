import { html } from 'hono/html'
import type { SlackBlock, SlackMessage, SlackWorld } from '../sim/slack.ts'
import { documentText, type Html } from '../web/page/document.ts'

/*
 * A Slack channel, drawn from the very Block Kit JSON that a workspace would be sent, with buttons and forms that work: what
 * people see of Firebreak in their chat, without one.
 */

interface Text {
  readonly type: string
  readonly text: string
}

interface Element {
  readonly type: string
  readonly action_id?: string
  readonly text?: Text
  readonly value?: string
  readonly url?: string
  readonly style?: string
  readonly placeholder?: Text
  readonly options?: readonly { readonly text: Text; readonly value: string }[]
}

interface Task {
  readonly title: string
  readonly status: 'pending' | 'in_progress' | 'complete' | 'error'
  readonly details?: {
    readonly elements: readonly { readonly elements: readonly { readonly text: string }[] }[]
  }
}

const MARKS = { pending: '○', in_progress: '◐', complete: '●', error: '✗' } as const
const LEVELS = { pending: 'quiet', in_progress: 'attention', complete: 'good', error: 'bad' } as const

/** `replies`: what was answered at once to a command, newest last. */
export function fakeSlackPage(slack: SlackWorld, replies: readonly SlackMessage[]): string {
  const own = slack.messages.filter(({ channel, thread }) => !channel.startsWith('/') && thread === undefined)
  const answers = [...slack.messages.filter(({ channel }) => channel.startsWith('/')), ...replies]
  const form = slack.views.at(-1)
  return documentText({
    title: 'A chat',
    live: true,
    body: html`<h1>#incidents</h1>
      <p class="quiet">Drawn from the Block Kit JSON that Slack would be sent. <a href="/">The pages</a></p>
      <form class="inline" method="post" action="/fake-slack/command">
        <label><code>/firebreak</code> <input name="text" placeholder="help" size="50" /></label
        ><button class="primary">Send</button>
      </form>
      ${form ? formOf(form.view) : ''}
      ${own.map(
        (message) =>
          html`<article class="panel" aria-label="${message.text}">
            ${blocksOf(message)}
            ${message.edits > 0 ? html`<p class="quiet">(edited ${message.edits} times)</p>` : ''}
            ${threadOf(slack, message)}
          </article>`,
      )}
      ${own.length === 0 ? html`<p class="quiet">Nothing was said yet.</p>` : ''}
      <h2>Answers</h2>
      ${answers
        .slice(-5)
        .toReversed()
        .map(
          (message) =>
            html`<article class="notice">
              ${message.only === undefined ? '' : html`<p class="quiet">Only you can see this.</p>`}
              ${blocksOf(message)}
            </article>`,
        )}`,
  })
}

function threadOf({ messages }: SlackWorld, { channel, ts }: SlackMessage): Html {
  const said = messages.filter((one) => one.channel === channel && one.thread === ts)
  if (said.length === 0) return html``
  return html`<details data-of="${ts}">
    <summary>${said.length === 1 ? 'One reply' : `${said.length} replies`}</summary>
    <ul>
      ${said.map(({ text }) => html`<li>${mrkdwn(text)}</li>`)}
    </ul>
  </details>`
}

function blocksOf(message: SlackMessage): Html {
  if (message.blocks.length === 0) return html`<p>${mrkdwn(message.text)}</p>`
  return html`${message.blocks.map((block) => blockOf(block, message))}`
}

function blockOf(block: SlackBlock, message: SlackMessage): Html {
  const { type, text, fields, elements, title, tasks } = block as unknown as {
    readonly type: string
    readonly text?: Text
    readonly fields?: readonly Text[]
    readonly elements?: readonly Element[]
    readonly title?: string
    readonly tasks?: readonly Task[]
  }
  switch (type) {
    case 'header':
      return html`<h3>${text?.text ?? ''}</h3>`
    case 'section':
      return html`${text ? html`<p>${mrkdwn(text.text)}</p>` : ''}${
        fields
          ? html`<div class="facts">
              ${fields.map(({ text: field }) => html`<div>${mrkdwn(field)}</div>`)}
            </div>`
          : ''
      }`
    case 'context':
      return html`<p class="quiet">
        ${(elements as unknown as readonly Text[]).map((one) => mrkdwn(one.text))}
      </p>`
    case 'plan':
      return html`<p><strong>${title ?? ''}</strong></p>
        <ul>
          ${(tasks ?? []).map(
            ({ title: name, status, details }) =>
              html`<li>
                <span class="${LEVELS[status]}">${MARKS[status]}</span> ${name}
                <span class="quiet">${details?.elements[0]?.elements[0]?.text ?? ''}</span>
              </li>`,
          )}
        </ul>`
    case 'actions':
      return html`<p>${(elements ?? []).map((element) => elementOf(element, message))}</p>`
    default:
      return html`<p class="bad">a block of the unknown type ${type}</p>`
  }
}

function elementOf(
  { type, action_id: action = '', text, value = '', url, style, options = [] }: Element,
  { channel }: SlackMessage,
): Html {
  if (url !== undefined) return html`<a href="${url}">${text?.text ?? ''}</a> `
  const hidden = html`<input type="hidden" name="action" value="${action}" /><input
      type="hidden"
      name="channel"
      value="${channel}"
    />`
  if (type === 'static_select')
    return html`<form class="inline" method="post" action="/fake-slack/press">
      ${hidden}<label
        >Choose
        <select name="selected">
          ${options.map((option) => html`<option value="${option.value}">${option.text.text}</option>`)}
        </select></label
      ><button>Take it</button>
    </form>`
  return html`<form class="inline" method="post" action="/fake-slack/press">
    ${hidden}<input type="hidden" name="value" value="${value}" /><button class="${style ?? ''}">
      ${text?.text ?? ''}
    </button>
  </form>`
}

function formOf(view: SlackBlock): Html {
  const {
    title,
    submit,
    blocks,
    private_metadata: metadata,
  } = view as unknown as {
    readonly title: Text
    readonly submit: Text
    readonly private_metadata: string
    readonly blocks: readonly (SlackBlock & {
      readonly block_id?: string
      readonly label?: Text
      readonly text?: Text
      readonly element?: Element
    })[]
  }
  return html`<section class="panel" aria-label="${title.text}">
    <h2>${title.text}</h2>
    <form method="post" action="/fake-slack/submit">
      <input type="hidden" name="metadata" value="${metadata}" />
      ${blocks.map(({ type, block_id: id = '', label, text, element }) =>
        type === 'input'
          ? html`<p>
              <label
                >${label?.text ?? ''}
                ${
                  element?.type === 'static_select'
                    ? html`<select name="${id}">
                        <option value="">${element.placeholder?.text ?? ''}</option>
                        ${(element.options ?? []).map((option) => html`<option value="${option.value}">${option.text.text}</option>`)}
                      </select>`
                    : html`<input name="${id}" size="50" />`
                }</label
              >
            </p>`
          : html`<p>${mrkdwn(text?.text ?? '')}</p>`,
      )}
      <button class="primary">${submit.text}</button>
    </form>
  </section>`
}

/** Slack's own markup, as far as ours uses it: bold, code, links and moments. */
function mrkdwn(text: string): Html {
  const parts = text.split(/(\*[^*\n]+\*|`[^`\n]+`|<[^<>]+>|\n)/)
  return html`${parts.map((part): Html | string => {
    if (part === '\n') return html`<br />`
    if (/^\*[^*]+\*$/.test(part)) return html`<strong>${unescaped(part.slice(1, -1))}</strong>`
    if (/^`[^`]+`$/.test(part)) return html`<code>${unescaped(part.slice(1, -1))}</code>`
    const moment = /^<!date\^\d+\^[^|]*\|([^>]*)>$/.exec(part)?.[1]
    if (moment !== undefined)
      return html`<time datetime="${moment}">${moment.slice(0, 19).replace('T', ' ')}</time>`
    const [, url, label] = /^<(https?:[^|>]+)\|([^>]*)>$/.exec(part) ?? []
    if (url !== undefined) return html`<a href="${url}">${unescaped(label ?? url)}</a>`
    return unescaped(part)
  })}`
}

/** As Slack reads it back; the page escapes it for itself. */
function unescaped(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
}
