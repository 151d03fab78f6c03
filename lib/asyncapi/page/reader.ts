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
    place.replaceChildren()
    AsyncApiStandalone.render({ schema: asParsed(await response.json()), config: { show: { sidebar: true, errors: false, messageExamples: true } } }, place)
  } catch (error) {
    place.textContent = `The document cannot be shown. ${error instanceof Error ? error.message : ''}`
  }
}
