import { element, inBytes, inMilliseconds, median, percentile, renderCharts, summarize } from './results.js'
import { Timeline } from './timeline.js'
import { longPolling, polling, webSocket } from './transports.js'

/** A message that is not seen after so many milliseconds is lost. */
const lostAfter = 15_000
/** The longest pause between two messages of a series, in milliseconds. */
const longestPause = 1000
/** How many messages a column shows. */
const shownMessages = 30

const starters = { polling, 'long-polling': longPolling, websocket: webSocket }
const at = Object.fromEntries([...document.querySelectorAll('[id]')].map(found => [found.id, found]))
const columns = [...document.querySelectorAll('.card')].map(newColumn)
let figures = null
let page = ''

function newColumn (card) {
  const { transport } = card.dataset
  card.append(at['card-template'].content.cloneNode(true))
  const seen = card.querySelector('.seen')
  seen.setAttribute('aria-label', `Messages by ${transport}`)
  return {
    transport,
    title: card.querySelector('h2').textContent,
    timeline: new Timeline(card.querySelector('.timeline')),
    figures: Object.fromEntries([...card.querySelectorAll('[data-figure]')].map(found => [found.dataset.figure, found])),
    seen,
    /** Our own messages on their way: by key, when they were sent and whom to tell. */
    underway: new Map(),
    latencies: [],
    client: null
  }
}

/** Begins anew, as a page that the server has not seen yet. */
async function restart () {
  page = randomKey()
  for (const column of columns) start(column)
  watchFigures()
  await Promise.all(columns.map(column => column.client.ready))
}

function start (column) {
  column.client?.stop()
  column.latencies = []
  column.underway.clear()
  column.client = starters[column.transport]({
    page,
    interval: Number(at.interval.value),
    onSaid: said => onSaid(column, said),
    onRequest: () => column.timeline.onRequest()
  })
}

function onSaid (column, { key, text }) {
  const own = column.underway.get(key)
  column.underway.delete(key)
  column.timeline.onSeen()
  if (own !== undefined) {
    const latency = performance.now() - own.sentAt
    column.latencies.push(latency)
    own.seen(latency)
  }

  const isAtEnd = column.seen.scrollHeight - column.seen.scrollTop - column.seen.clientHeight < 40
  const took = own === undefined ? 'from elsewhere' : inMilliseconds(column.latencies.at(-1))
  column.seen.append(element('li', '', element('span', 'text', text), element('span', 'took', took)))
  while (column.seen.children.length > shownMessages) column.seen.firstChild.remove()
  if (isAtEnd) column.seen.scrollTop = column.seen.scrollHeight
  column.figures.median.textContent = inMilliseconds(median(column.latencies))
  column.figures.p95.textContent = inMilliseconds(percentile(column.latencies, 0.95))
}

/** Sends by one transport, and waits until the message is seen. */
function say (column, text) {
  return new Promise((resolve, reject) => {
    const key = randomKey()
    const timer = setTimeout(() => reject(new Error(`a message by ${column.title} was lost`)), lostAfter)
    const seen = () => {
      clearTimeout(timer)
      resolve()
    }
    column.underway.set(key, { sentAt: performance.now(), seen })
    column.client.say({ key, text }).catch(reject)
  })
}

async function sayByAll (text) {
  await Promise.all(columns.map(column => column.client.ready))
  await Promise.all(columns.map(column => say(column, text)))
}

async function measure (messages) {
  await restart()
  const started = performance.now()
  for (let number = 1; number <= messages; number++) {
    at.progress.textContent = `Message ${number} of ${messages}`
    // At random, so that no message has the luck, or the bad luck, of the moment of a poll.
    await new Promise(resolve => setTimeout(resolve, Math.random() * longestPause))
    await sayByAll(`Message ${number}`)
  }
  showResults(messages, performance.now() - started, await askFigures())
}

function showResults (messages, milliseconds, costs) {
  showFigures(costs)
  const results = columns.map(({ transport, title, latencies }) => ({ transport, title, latencies: [...latencies], ...costs[transport] }))
  at.summary.textContent = summarize(results, messages, milliseconds)
  at.charts.replaceChildren(...renderCharts(results))
  at.results.hidden = false
}

/* What it costs, as the server counts it. */

async function askFigures () {
  const response = await fetch(`figures?page=${page}`, { cache: 'no-store' })
  return await response.json()
}

function watchFigures () {
  const previous = figures
  figures = null
  previous?.close()
  const socket = figures = new WebSocket(`${location.origin.replace('http', 'ws')}/figures?page=${page}`)
  socket.onmessage = ({ data }) => { if (socket === figures) showFigures(JSON.parse(data)) }
  socket.onclose = () => { if (socket === figures) setTimeout(() => { if (socket === figures) watchFigures() }, 1000) }
}

function showFigures (costs) {
  for (const { transport, figures } of columns) {
    const { requests, received, sent } = costs[transport]
    figures.requests.textContent = String(requests)
    figures.received.textContent = inBytes(received)
    figures.sent.textContent = inBytes(sent)
  }
}

/** Works on plain http, too, where `crypto.randomUUID` is missing. */
function randomKey () {
  return [...crypto.getRandomValues(new Uint8Array(8))].map(byte => byte.toString(16).padStart(2, '0')).join('')
}

at.composer.onsubmit = event => {
  event.preventDefault()
  const text = at.text.value.trim()
  if (text === '') return
  at.text.value = ''
  sayByAll(text).catch(error => { at.progress.textContent = `Stopped: ${error.message}` })
}

at.measure.onsubmit = async event => {
  event.preventDefault()
  at.start.disabled = true
  try {
    await measure(Number(at.messages.value))
    at.progress.textContent = 'Done: the figures are below.'
  } catch (error) {
    at.progress.textContent = `Stopped: ${error.message}`
  } finally {
    at.start.disabled = false
  }
}

at.interval.onchange = () => start(columns[0])

/** Once a second is enough for those who prefer no motion. */
const isCalm = window.matchMedia('(prefers-reduced-motion: reduce)')
function draw () {
  for (const { timeline } of columns) timeline.draw()
  if (isCalm.matches) setTimeout(draw, 1000)
  else window.requestAnimationFrame(draw)
}

draw()
restart().then(() => { document.body.dataset.ready = '' })
