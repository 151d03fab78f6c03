import { connect } from '/client/index.js'
import { RoundTrips } from './round-trips.js'
import { renderConnections } from './view.js'

const count = 100
/** Browsers delay the opening of WebSockets of which many are about to open; so few are not delayed. */
const openAtOnce = 4
/** How often each socket sends, in milliseconds. */
const sendEvery = 1000

const stateTexts = { connecting: 'Connecting…', open: 'Connected', waiting: 'Lost, coming back…', closed: 'Closed' }
const notes = {
  h2: 'This page came by HTTP/2, and its WebSockets by the same TCP connection. Tabs of this browser share it, those of the chat, too; another browser has one of its own.',
  other: 'This page came by HTTP/1.1, over which each WebSocket is a TCP connection of its own. Browsers choose HTTP/2 where they may.'
}

const at = Object.fromEntries([...document.querySelectorAll('[id]')].map(found => [found.id, found]))
const url = `${location.origin.replace('http', 'ws')}/connections/echo`
const trips = new RoundTrips(at.trips)
/** Whether sockets are to be open, or about to be. */
let isWanted = false

/* What the server tells. */

const socket = connect('/connections/list', {
  reconnect: { cap: 5_000 },
  async authenticate () {
    // A WebSocket takes a session that is there, and opens none: without a request before it, it would come back over HTTP/1.1. One that fails is a lost
    // attempt, too.
    await fetch('list', { method: 'HEAD' })
    return {}
  }
})
socket.onState(({ state }) => {
  at.app.dataset.state = state
  at.state.textContent = stateTexts[state]
})
socket.on('list', ({ tcpConnections }) => {
  at.connections.textContent = String(tcpConnections.length)
  at.sockets.textContent = String(tcpConnections.reduce((sum, { webSockets }) => sum + webSockets.length, 0))
  renderConnections(at.carried, tcpConnections)
})

/* What the user does. */

async function openAll () {
  isWanted = true
  showButtons()
  let missing = count - trips.size
  const openInTurn = async () => { while (isWanted && missing-- > 0) await openOne() }
  await Promise.all(Array.from({ length: openAtOnce }, openInTurn))
  trips.send()
}

/** Settles when it is open, or can't be opened. */
function openOne () {
  return new Promise(resolve => {
    const opened = new WebSocket(url)
    opened.onopen = () => {
      if (isWanted) trips.add(opened)
      else opened.close()
      resolve()
    }
    opened.onclose = () => {
      trips.delete(opened)
      if (trips.size === 0) isWanted = false
      showButtons()
      resolve()
    }
  })
}

function closeAll () {
  isWanted = false
  trips.close()
  showButtons()
}

function showButtons () {
  const [enabled, disabled] = isWanted ? [at.close, at.open] : [at.open, at.close]
  // A button that is disabled loses the focus: whoever uses the keyboard goes on at the other one.
  const hadFocus = document.activeElement === disabled
  enabled.disabled = false
  disabled.disabled = true
  if (hadFocus) enabled.focus()
}

function showTrips () {
  const { median, longest } = trips
  at.median.textContent = inMilliseconds(median)
  at.longest.textContent = inMilliseconds(longest)
}

function inMilliseconds (milliseconds) {
  return milliseconds === undefined ? '–' : `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`
}

const [page] = performance.getEntriesByType('navigation')
at.note.textContent = page.nextHopProtocol === 'h2' ? notes.h2 : notes.other
at.open.onclick = openAll
at.close.onclick = closeAll
trips.onChange = showTrips
setInterval(() => trips.send(), sendEvery)
