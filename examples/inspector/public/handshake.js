import { element } from './element.js'

const rules = {
  'sec-websocket-key': ['16 random bytes in base64, new for each connection.', '4.1'],
  'sec-websocket-accept': ['Proves that the server has read the key, and speaks the protocol.', '4.2.2'],
  'sec-websocket-version': ['13 is the version of the RFC; there is no other in use.', '4.1'],
  'sec-websocket-extensions': ['What the browser could do besides, such as compression. The server need not agree.', '9.1'],
  'sec-websocket-protocol': ['The subprotocol.', '1.9'],
  upgrade: ['What the connection is to become.', '4.1'],
  connection: ['Says that Upgrade is meant for this connection.', '4.1'],
  origin: ['The page that asks. Browsers always send it, and a server may refuse strangers.', '10.2'],
  host: ['Which server is meant, as in any HTTP request.', '4.1']
}

/** The request, the reply, and what leads from one to the other. Either may not be there yet. */
export function drawHandshake ({ request, response }) {
  const pane = element('div', { class: 'handshake' })
  if (request !== null) pane.append(drawHead('↑ The request', request.lines))
  const right = element('div', {})
  if (response !== null) right.append(drawHead('↓ The reply', response.lines))
  if (request !== null && request.accept !== null) right.append(drawAccept(request.accept))
  pane.append(right)
  return pane
}

function drawHead (title, [first, ...lines]) {
  const list = element('dl', { class: 'headers' })
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon)
    const [rule, section] = rules[name.toLowerCase()] ?? []
    const entry = element('div', rule === undefined ? {} : { class: 'ruled' }, element('dt', {}, `${name}:`), element('dd', {}, line.slice(colon + 1).trim()))
    entry.dataset.header = name.toLowerCase()
    if (rule !== undefined) entry.append(element('dd', { class: 'rule' }, rule, ' ', linkTo(section)))
    list.append(entry)
  }
  return element('section', { class: 'head' }, element('h3', {}, title), element('p', { class: 'first-line' }, first), list)
}

function drawAccept (accept) {
  const input = element('input', { id: 'key', value: accept.key, maxlength: '200', spellcheck: 'false', autocomplete: 'off', 'aria-label': 'Sec-WebSocket-Key' })
  const sha1 = element('code', { id: 'sha1' })
  const result = element('code', { id: 'accept' })
  const joined = element('code', { id: 'joined' })
  const note = element('p', { class: 'hint', id: 'accept-note' })
  const show = (steps, isOwn) => {
    joined.replaceChildren(steps.key, element('span', { class: 'guid' }, steps.guid))
    sha1.textContent = steps.sha1.replace(/..(?=.)/g, '$& ')
    result.textContent = steps.accept
    note.textContent = isOwn
      ? 'The value in the reply above. Type another key, and the server computes what it would have answered.'
      : 'What the server would have answered to this key.'
  }
  show(accept, true)

  let asked = 0
  input.oninput = async () => {
    const mine = ++asked
    const key = input.value.trim()
    try {
      const response = await fetch(`accept?${new URLSearchParams({ key })}`)
      const steps = await response.json()
      // An answer that took longer than the next one is of no use.
      if (mine === asked) show(steps, key === accept.key)
    } catch {
      note.textContent = 'The server is away.'
    }
  }

  const sample = element('button', { type: 'button', class: 'quiet' }, "The RFC's key")
  sample.onclick = () => {
    input.value = 'dGhlIHNhbXBsZSBub25jZQ=='
    input.oninput()
  }
  return element('section', { class: 'accept' },
    element('h3', {}, 'From the key to the accept value'),
    element('ol', {},
      element('li', {}, element('span', { class: 'step' }, 'The key, as the client sent it'), element('span', { class: 'key-row' }, input, sample)),
      element('li', {}, element('span', { class: 'step' }, 'Append the GUID that all servers know ', linkTo('1.3')), joined),
      element('li', {}, element('span', { class: 'step' }, 'SHA-1 of these characters: 20 bytes'), sha1),
      element('li', {}, element('span', { class: 'step' }, 'These bytes in base64: Sec-WebSocket-Accept'), result)),
    note)
}

export function linkTo (section) {
  return element('a', { class: 'rfc', href: `https://www.rfc-editor.org/rfc/rfc6455#section-${section}`, target: '_blank', rel: 'noreferrer' }, `§ ${section}`)
}
