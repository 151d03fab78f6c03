import { asParsed } from './parsed.ts'
import type { Json } from './pointer.ts'

declare const AsyncApiStandalone: {
  render (properties: { schema: Json, config: Json }, element: Element): void
}

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

/** What the URL's fragment names is there once the renderer is done, and browsers do not look for it again. */
function showFragment (place: Element): void {
  const id = decodeURIComponent(location.hash.slice(1))
  if (id === '') return
  const observer = new MutationObserver(() => {
    const target = document.getElementById(id)
    if (target === null) return
    observer.disconnect()
    target.scrollIntoView()
  })
  observer.observe(place, { childList: true, subtree: true })
}
