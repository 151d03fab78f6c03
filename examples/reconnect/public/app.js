import { connect } from '/client/index.js'
import { Ledger } from './ledger.js'
import { Outbox } from './outbox.js'
import { Timeline } from './timeline.js'
import { at, Payments, renderFigures, renderQueue, renderReturn, renderState } from './view.js'

const drawEvery = 100

const socket = connect('/feed', { reconnect: { base: 400, cap: 3_000 } })
const ledger = new Ledger()
const payments = new Payments()
const timeline = new Timeline(at.timeline)
const outbox = new Outbox(socket, at.said)

/** When the next attempt is made, by the clock of this page. */
let retryAt = null
/** How many of the next messages were missed, and come now. */
let toReplay = 0
let isFirst = true

/* What the client tells. */

socket.onState(({ state, lost, retryIn }) => {
  retryAt = retryIn === null ? null : Date.now() + retryIn
  timeline.add(state)
  renderState(state, lost, retryIn)
})

socket.join('feed', ({ pid, recovered, replayed }) => {
  at.server.textContent = `process ${pid}`
  toReplay = replayed
  if (!recovered) readAnew()
  if (!isFirst) renderReturn(recovered, replayed)
  isFirst = false
  // What was missed is delivered in this very tick.
  queueMicrotask(() => outbox.settle(recovered))
}).catch(tell)

socket.on('payment', payment => {
  const isReplayed = takeReplayed()
  for (const { number, missing } of ledger.take(payment)) payments.append(number, missing, isReplayed)
  renderFigures(ledger)
})

socket.on('said', ({ key, text }) => {
  takeReplayed()
  outbox.arrived(key, text)
})

// The history was lost while this page was connected.
socket.on('gap', () => readAnew())
socket.on('error', tell)

function takeReplayed () {
  if (toReplay === 0) return false
  toReplay--
  return true
}

/** What was missed is not to be had: how it stands is asked instead. What comes meanwhile waits for that. */
async function readAnew () {
  ledger.forget()
  try {
    for (const { number, missing } of ledger.begin(await socket.request({ type: 'balance' }))) payments.append(number, missing, false)
    renderFigures(ledger)
  } catch (error) {
    // The next connection joins again, and asks again.
    if (socket.state === 'open') tell(error)
  }
}

function tell (error) {
  at.server.textContent = error.message
}

/* What the user does. */

for (const button of document.querySelectorAll('[data-away]')) {
  button.onclick = () => socket.send({ type: 'kill', away: Number(button.dataset.away), forget: 'forget' in button.dataset })
}
at.drop.onclick = () => socket.send({ type: 'drop' })
at.retry.onclick = () => socket.retry()
at.composer.onsubmit = event => {
  event.preventDefault()
  const text = at.text.value.trim()
  if (text === '') return
  at.text.value = ''
  outbox.say(text)
}

setInterval(() => {
  timeline.draw()
  renderQueue(socket.queued)
  if (retryAt !== null) renderState('waiting', null, Math.max(0, retryAt - Date.now()))
}, drawEvery)
