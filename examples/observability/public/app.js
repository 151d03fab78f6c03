import { connect } from '/client/index.js'
import { Chart } from './chart.js'
import { duration, formats, meanings } from './format.js'
import { History } from './history.js'
import { Simulator } from './simulator.js'

/** How much the charts show, in milliseconds. */
const span = 180_000

const at = Object.fromEntries([...document.querySelectorAll('[id]')].map(found => [found.id, found]))
const figures = [...document.querySelectorAll('[data-stat]')]
const maps = [...document.querySelectorAll('[data-map]')]
const charts = [...document.querySelectorAll('[data-chart]')].map(figure => ({ name: figure.dataset.chart, chart: new Chart(figure, span) }))
const history = new History(span)

/** @param path such as `'memory.held'` */
function find (stats, path) {
  return path.split('.').reduce((value, name) => value[name], stats)
}

function onReport (report) {
  showState('open')
  history.add(report)
  for (const figure of figures) show(figure, find(report.stats, figure.dataset.stat), figure.dataset.unit)
  for (const map of maps) showMap(map, find(report.stats, map.dataset.map))
  for (const { name, chart } of charts) chart.draw(history.of(name), report.time)
  show(at.rss, report.rss, 'bytes')
  at.uptime.textContent = `up ${duration(report.time - report.startedAt)}`
}

function show (figure, value, unit = 'count') {
  figure.value = value
  figure.textContent = formats[unit](value)
}

/** Counts by name, with how much of the whole each is. */
function showMap (list, counts) {
  const total = Object.values(counts).reduce((sum, value) => sum + value, 0)
  const rows = Object.entries(counts).map(([name, value]) => newRow(name, meanings[list.dataset.map][name], value, value / total))
  list.replaceChildren(...(rows.length > 0 ? rows : [newRow(list.dataset.empty)]))
}

function newRow (name, meaning = '', value, part) {
  const row = document.createElement('div')
  const term = document.createElement('dt')
  const figure = document.createElement('dd')
  if (value === undefined) {
    term.textContent = name
  } else {
    const label = document.createElement('b')
    label.textContent = name
    term.append(label, ` ${meaning}`)
    figure.textContent = formats.count(value)
    figure.dataset.name = name
    figure.dataset.share = ''
    figure.style.setProperty('--share', `${100 * part}%`)
  }
  row.append(term, figure)
  return row
}

function showState (state) {
  if (at.dashboard.dataset.state === state) return
  at.dashboard.dataset.state = state
  at.state.textContent = state === 'open' ? 'Live' : `Connecting again; figures are of ${new Date().toLocaleTimeString('en-GB')}`
}

const simulator = new Simulator(() => {
  at.run.textContent = simulator.isRunning ? 'Stop' : 'Start'
  at.running.textContent = simulator.isRunning ? `${simulator.open} of ${simulator.size} connected` : 'none is connected'
  for (const button of document.querySelectorAll('[data-act]')) button.disabled = !simulator.can(button.dataset.act)
})
simulator.stop()

at.simulator.onsubmit = event => {
  event.preventDefault()
  if (simulator.isRunning) simulator.stop()
  else simulator.start(at.clients.valueAsNumber, at.rate.valueAsNumber)
}
for (const button of document.querySelectorAll('[data-act]')) button.onclick = () => simulator.act(button.dataset.act)

// Not every browser lets a page leave a WebSocket unread.
document.querySelector('[data-act=deaf]').hidden = !('WebSocketStream' in window)

// After the #, so that it is in no request for the page and in no Referer.
const token = new URLSearchParams(location.hash.slice(1)).get('token')
const socket = connect('/ops', {
  reconnect: { cap: 8_000 },
  authenticate: () => ({ query: token === null ? {} : { token } })
})
socket.on('report', onReport)
socket.onState(({ state }) => { if (state === 'waiting' || state === 'closed') showState('lost') })
