import { element } from './element.js'

export const at = Object.fromEntries([...document.querySelectorAll('[id]')].map(found => [found.id, found]))

const format = new Intl.NumberFormat('en')
const mostPayments = 120

/** @param retryIn in how many milliseconds the next attempt is made; null where none is planned */
export function renderState (state, lost, retryIn) {
  at.app.dataset.state = state
  at.retry.hidden = state !== 'waiting'
  if (state === 'open') at.state.textContent = 'Open'
  else if (state === 'connecting') at.state.textContent = 'Connecting…'
  else if (state === 'closed') at.state.textContent = 'Closed'
  else at.state.textContent = retryIn === null ? 'Waiting for the network' : `Waiting: next attempt in ${(retryIn / 1000).toFixed(1)} s`
  if (state === 'waiting' && lost !== null) at.server.textContent = `lost with code ${lost.code}`
  for (const button of document.querySelectorAll('.actions button')) button.disabled = state !== 'open'
}

export function renderFigures ({ number, sum, total, missing, twice }) {
  if (number === null) return
  at.number.textContent = format.format(number)
  at.sum.textContent = format.format(sum)
  at.total.textContent = format.format(total)
  at.missing.textContent = format.format(missing)
  at.twice.textContent = format.format(twice)
  at.missing.dataset.tone = missing > 0 ? 'bad' : 'good'
  at.twice.dataset.tone = twice > 0 ? 'bad' : 'good'
  at.sum.dataset.tone = sum === total ? 'good' : 'bad'
}

export function renderReturn (recovered, replayed) {
  at.return.textContent = recovered ? `recovered, ${replayed} replayed` : 'not recovered: read anew'
  at.return.dataset.tone = recovered ? 'good' : 'bad'
}

export function renderQueue (queued) {
  at.queue.textContent = queued === 0 ? 'Nothing waits.' : queued === 1 ? 'One message waits for a connection.' : `${queued} messages wait for a connection.`
}

export class Payments {
  append (number, missing, isReplayed) {
    if (missing > 0) at.payments.append(element('li', { 'data-kind': 'missing' }, `${missing} missing`))
    at.payments.append(element('li', { 'data-kind': isReplayed ? 'replayed' : 'live' }, String(number)))
    while (at.payments.childElementCount > mostPayments) at.payments.firstElementChild.remove()
    at.payments.scrollTop = at.payments.scrollHeight
  }
}
