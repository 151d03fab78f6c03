/** How often the figures of the server are asked for, in milliseconds. */
const statsEvery = 1000

const at = Object.fromEntries([...document.querySelectorAll('[id]')].map(found => [found.id, found]))
/** What is shown of each symbol. */
let rows = new Map()
/** What came since the page was last drawn: the latest of each symbol. */
const changed = new Map()
let socket = null

function connect () {
  socket?.close()
  const opened = socket = new WebSocket(`${location.origin.replace('http', 'ws')}/prices?market=${at.market.value}`)
  at.connection.textContent = 'Connecting…'

  opened.onopen = () => showConnected(true)
  opened.onclose = () => { if (opened === socket) showConnected(false) }
  opened.onmessage = ({ data }) => {
    if (opened !== socket) return
    const message = JSON.parse(data)
    if (message.prices === undefined) changed.set(message.symbol, message)
    else showAll(message.prices)
  }
}

function disconnect () {
  socket.close()
  socket = null
  showConnected(false)
}

function showConnected (isOpen) {
  at.connection.textContent = isOpen ? `Connected${socket.extensions === '' ? '' : `, with ${socket.extensions.split(';')[0]}`}` : 'Not connected'
  at.connect.textContent = isOpen ? 'Disconnect' : 'Connect'
}

function showAll (prices) {
  changed.clear()
  rows = new Map(prices.map(({ symbol, price }) => [symbol, newRow(symbol, price)]))
  at.prices.replaceChildren(...[...rows.values()].map(({ item }) => item))
}

function newRow (symbol, price) {
  const item = document.createElement('li')
  const name = document.createElement('span')
  const value = document.createElement('strong')
  name.textContent = symbol
  value.textContent = price.toFixed(2)
  item.append(name, value)
  return { item, value, price }
}

/** No more often than the screen can show. */
function draw () {
  for (const [symbol, { price }] of changed) {
    const row = rows.get(symbol)
    row.item.dataset.moved = price > row.price ? 'up' : price < row.price ? 'down' : ''
    row.value.textContent = price.toFixed(2)
    row.price = price
  }
  changed.clear()
  window.requestAnimationFrame(draw)
}

async function showStats () {
  const { connections, memory, slowConsumers } = await (await fetch('stats', { cache: 'no-store' })).json()
  const figures = {
    'Connections open': connections.open,
    'Bytes held': memory.held,
    'Most bytes held': memory.peak,
    'Prices replaced': slowConsumers.replaced
  }
  at.stats.replaceChildren(...Object.entries(figures).map(([name, value]) => newFigure(name, value.toLocaleString('en'))))
}

function newFigure (name, value) {
  const group = document.createElement('div')
  const [term, figure] = [document.createElement('dt'), document.createElement('dd')]
  term.textContent = name
  figure.textContent = value
  group.append(term, figure)
  return group
}

/** A server that has gone is asked again. */
async function watchStats () {
  try {
    await showStats()
  } finally {
    setTimeout(() => { watchStats().catch(() => {}) }, statsEvery)
  }
}

at.market.onchange = connect
at.connect.onclick = () => { if (socket?.readyState === WebSocket.OPEN) disconnect(); else connect() }

connect()
draw()
watchStats().catch(() => {})
