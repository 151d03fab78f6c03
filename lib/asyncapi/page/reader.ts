import { asParsed } from './model/parsed.ts'
import type { Json } from './model/pointer.ts'

declare const AsyncApiStandalone: {
  render (properties: { schema: Json, config: Json }, element: Element): void
}

/** How long the renderer may still move what it shows, in milliseconds. */
const settling = 3000

const place = document.querySelector<HTMLElement>('#document')
if (place !== null) {
  try {
    const response = await fetch(place.dataset.document ?? '', { headers: { accept: 'application/json' } })
    if (!response.ok) throw new Error(`The document was answered with status ${response.status}.`)
    const read: Json = await response.json()
    place.replaceChildren()
    showFragment(place)
    AsyncApiStandalone.render({ schema: asParsed(read), config: { show: { sidebar: true, errors: false, messageExamples: true } } }, place)
  } catch (error) {
    place.textContent = `The document cannot be shown. ${error instanceof Error ? error.message : ''}`
  }
}

/** Browsers look for what the URL's fragment names before it is there. The renderer shows it, and then lays it out anew: it is scrolled to until the reader acts. */
function showFragment (place: Element): void {
  const id = decodeURIComponent(location.hash.slice(1))
  if (id === '') return
  const observer = new ResizeObserver(() => document.getElementById(id)?.scrollIntoView())
  observer.observe(place)
  const stop = (): void => observer.disconnect()
  for (const act of ['wheel', 'keydown', 'pointerdown', 'touchstart']) addEventListener(act, stop, { once: true, passive: true })
  setTimeout(stop, settling)
}
