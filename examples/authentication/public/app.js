const at = Object.fromEntries([...document.querySelectorAll('[id]')].map(found => [found.id, found]))
let socket = null

async function showWho () {
  const response = await fetch('me')
  at.who.dataset.state = response.ok ? 'open' : 'closed'
  at.who.textContent = response.ok ? `Logged in as ${(await response.json()).name}` : 'Not logged in'
}

function connect () {
  socket?.close()
  let wasOpen = false
  const opened = socket = new WebSocket(`${location.origin.replace('http', 'ws')}/private`)
  at.connection.dataset.state = 'connecting'
  at.connection.textContent = 'Connecting…'

  opened.onopen = () => {
    wasOpen = true
    showConnected('Connected')
  }
  // A page is not told the status of a refused upgrade; the console is: 401.
  opened.onclose = () => { if (opened === socket) showConnected(wasOpen ? 'Not connected' : 'Refused') }
  opened.onmessage = ({ data }) => {
    const { user, text } = JSON.parse(data)
    const item = document.createElement('li')
    const name = document.createElement('strong')
    name.textContent = user
    item.append(name, ` ${text}`)
    at.received.append(item)
  }
}

function showConnected (text) {
  const isOpen = text === 'Connected'
  at.connection.dataset.state = isOpen ? 'open' : 'closed'
  at.connection.textContent = text
  at.text.disabled = at.send.disabled = at.disconnect.disabled = !isOpen
}

at.login.onsubmit = async event => {
  event.preventDefault()
  const response = await fetch('login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: at.name.value, password: at.password.value })
  })
  if (response.ok) await showWho()
  else at.who.textContent = (await response.json()).message
}

at.logout.onclick = async () => {
  await fetch('logout', { method: 'POST' })
  socket?.close()
  await showWho()
}

at.connect.onclick = connect
at.disconnect.onclick = () => socket.close()

at.composer.onsubmit = event => {
  event.preventDefault()
  socket.send(JSON.stringify({ text: at.text.value }))
  at.text.value = ''
}

showWho()
