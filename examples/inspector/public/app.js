import { element } from './element.js'
import { Frame } from './frame.js'
import { Log } from './log.js'
import { Pane } from './pane.js'
import { mayClose, Session } from './session.js'

const experiments = [
  ['Not against the rules', { fragments: 'a message in fragments, with a ping between them' }],
  ['Refused with 1002', {
    unmasked: 'a frame that is not masked',
    'reserved-bit': 'a frame with RSV2 set',
    'reserved-opcode': 'opcode 3',
    'long-ping': 'a ping of 126 bytes',
    'fragmented-ping': 'a ping in fragments',
    continuation: 'a continuation of nothing',
    'long-length': '5 bytes with a 16-bit length',
    'close-code': 'close code 1005'
  }],
  ['Refused with 1007 or 1009', { utf8: 'text that is no UTF-8', 'too-big': 'a header that announces 65,537 bytes' }]
]

const at = Object.fromEntries([...document.querySelectorAll('[id]')].map(found => [found.id, found]))
const pane = new Pane(at.pane)
const log = new Log(at.log, () => { awaited = null })
/** By number: who the client is, and its handshake. */
const connections = new Map()
/** Which of the next frames is shown as it comes; null for none. */
let awaited = null

for (const [label, options] of experiments) {
  const group = element('optgroup', { label })
  for (const [name, text] of Object.entries(options)) group.append(element('option', { value: name }, text))
  at.name.append(group)
}

const session = new Session({
  onState (state, closed) {
    const words = { connecting: 'Connecting', open: 'Connected' }
    at.state.dataset.state = state
    at.state.textContent = words[state] ?? `Closed with ${closed.code}${closed.wasClean ? '' : ', not cleanly'}`
    at.reconnect.hidden = state !== 'closed'
    const isOpen = state === 'open'
    at.text.disabled = at.send.disabled = !isOpen
    for (const group of document.querySelectorAll('[data-needs="open"]')) {
      for (const control of group.querySelectorAll('button, input')) control.disabled = !isOpen
    }
    if (isOpen && window.matchMedia('(pointer: fine)').matches) at.text.focus()
  },
  onSeen: seen => onSeen[seen.type](seen),
  onNotice: text => { at.notice.textContent = text }
})

const onSeen = {
  request (request) {
    const handshake = { request, response: null, heading: `Connection ${request.connection}: ${request.client === 'raw' ? 'a client written by hand' : 'your browser'}` }
    connections.set(request.connection, handshake)
    addHandshake(request, 'in', 'GET', request.lines[0].split(' ')[1].split('?')[0])
  },

  response (response) {
    const handshake = connections.get(response.connection)
    if (handshake === undefined) return
    handshake.response = response
    const [, status, ...reason] = response.lines[0].split(' ')
    addHandshake(response, 'out', status, reason.join(' '))
  },

  frame (seen) {
    const handshake = connections.get(seen.connection)
    if (handshake === undefined) return
    const frame = new Frame({ ...seen, client: handshake.request.client })
    const show = () => pane.showFrame(frame)
    const button = log.entry({
      heading: handshake.heading,
      way: frame.way,
      kind: frame.opcode,
      text: frame.problem === null ? frame.summary : frame.problem.message,
      size: `${Number(frame.length).toLocaleString('en')} B`,
      isBroken: frame.problem !== null,
      show
    })
    if (awaited?.(frame)) {
      awaited = null
      log.choose(button, show)
    }
  },

  end ({ connection, isReset }) {
    log.remark(isReset ? 'The TCP connection was reset.' : 'The TCP connection is closed.', connections.get(connection)?.heading)
    connections.delete(connection)
  },

  skipped: ({ count }) => log.remark(`${count} more went over the wire, faster than this page could be told.`)
}

function addHandshake ({ connection }, way, kind, text) {
  const handshake = connections.get(connection)
  const show = () => pane.showHandshake(handshake)
  const button = log.entry({ heading: handshake.heading, way, kind, text, size: '', show })
  // As long as there are no frames to look at, and whenever a browser connects.
  if (handshake.request.client === 'browser') log.choose(button, show)
}

/** Shows the next frame of the browser's that goes this way, or of the client written by hand. */
function expect (way, client = 'browser') {
  awaited = frame => frame.way === way && frame.client === client
}

function send (data) {
  expect('in')
  session.send(data)
}

at.composer.onsubmit = event => {
  event.preventDefault()
  send(at.text.value)
  if (!at.live.checked) at.text.value = ''
}
at.text.oninput = () => { if (at.live.checked) send(at.text.value) }

for (const button of document.querySelectorAll('[data-send]')) {
  const [, kind, value] = /^(\w+):(.*)$/.exec(button.dataset.send)
  button.onclick = () => send(made[kind](value))
}

const made = {
  text: text => text,
  length: length => 'abcdefghijklmnopqrstuvwxyz'.repeat(Math.ceil(length / 26)).slice(0, length),
  binary: length => crypto.getRandomValues(new Uint8Array(Number(length)))
}

at.ping.onclick = () => {
  expect('out')
  session.ask({ type: 'ping' })
}

at.fragments.onclick = () => {
  expect('out')
  session.ask({ type: 'fragments', text: at.text.value.length > 5 ? at.text.value.slice(0, 1000) : 'One message, three frames.', parts: 3 })
}

at.close.onsubmit = event => {
  event.preventDefault()
  const code = at.code.valueAsNumber
  at.code.setCustomValidity(mayClose(code) ? '' : 'Applications may choose 1000, and 3000 to 4999.')
  if (!at.code.reportValidity()) return
  const side = event.submitter?.value ?? 'browser'
  expect(side === 'browser' ? 'in' : 'out')
  if (side === 'browser') session.close(code, at.reason.value)
  else session.ask({ type: 'close', code, reason: at.reason.value })
}
at.code.oninput = () => at.code.setCustomValidity('')

at.experiment.onsubmit = event => {
  event.preventDefault()
  expect('in', 'raw')
  session.ask({ type: 'experiment', name: at.name.value })
}

at.compressed.onchange = () => {
  session.isCompressed = at.compressed.checked
  session.open()
}

at.reconnect.onclick = () => session.open()
