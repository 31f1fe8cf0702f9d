/*
 * What a page does beyond what its server has drawn: it loads itself again while it is looked at, and tells times of the
 * reader's own zone. Everything works without it. The text of the function is what the browser is given.
 */

/** What a browser offers of which this makes use; the compiler knows no browser here. */
interface Element {
  textContent: string | null
  innerHTML: string
  hidden: boolean
  readonly dataset: { [name: string]: string | undefined }
  getAttribute(name: string): string | null
  append(...nodes: unknown[]): void
  addEventListener(name: string, listener: () => void): void
  contains(other: unknown): boolean
}
declare const document: {
  readonly hidden: boolean
  readonly body: Element
  readonly activeElement: unknown
  querySelector(selector: string): Element | null
  querySelectorAll(selector: string): readonly Element[]
  createElement(name: string): Element
}
declare const location: { readonly href: string }
declare const DOMParser: new () => { parseFromString(text: string, type: string): typeof document }

function live(): void {
  const EVERY_MS = 3_000
  const controls = document.querySelector('[data-controls]')
  let isLocal = false
  let isPaused = false
  let etag = ''

  function tellTimes(): void {
    for (const one of document.querySelectorAll('time')) {
      const iso = one.getAttribute('datetime') ?? ''
      one.textContent = isLocal ? new Date(iso).toLocaleString() : iso.slice(0, 19).replace('T', ' ')
    }
  }

  function button(text: () => string, press: () => void): void {
    const made = document.createElement('button')
    made.textContent = text()
    made.addEventListener('click', () => {
      press()
      made.textContent = text()
    })
    controls?.append(made)
  }

  async function look(): Promise<void> {
    const main = document.querySelector('main')
    // Whoever is filling in a form is not disturbed.
    const isBusy = main?.contains(document.activeElement) && document.activeElement !== document.body
    if (isPaused || document.hidden || isBusy || !main) return
    const answer = await fetch(location.href, { headers: etag === '' ? {} : { 'if-none-match': etag } })
    etag = answer.headers.get('etag') ?? ''
    if (answer.status !== 200) return
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('main')
    if (fresh && fresh.innerHTML !== main.innerHTML) {
      const open = new Set<string | undefined>()
      for (const one of document.querySelectorAll('details[open]')) open.add(one.dataset['of'])
      main.innerHTML = fresh.innerHTML
      for (const one of document.querySelectorAll('details'))
        if (open.has(one.dataset['of'])) Object.assign(one, { open: true })
      if (isLocal) tellTimes()
    }
  }

  button(
    () => (isLocal ? 'Show UTC' : 'Show local time'),
    () => {
      isLocal = !isLocal
      tellTimes()
    },
  )
  if (document.body.dataset['live'] === undefined) return
  button(
    () => (isPaused ? 'Go on updating' : 'Pause updating'),
    () => {
      isPaused = !isPaused
    },
  )
  setInterval(() => void look().catch(() => {}), EVERY_MS)
}

export const LIVE = `(${live.toString()})()`
