/* global sendMessage, socket */

const fields = { username: document.getElementById('username'), message: document.getElementById('message') }

/** The code of the lecture sends two variables, and leaves it to its page to set them. */
document.getElementById('form').onsubmit = event => {
  event.preventDefault()
  window.username = fields.username.value
  window.message = fields.message.value
  sendMessage()
  fields.message.value = ''
}

/** The code of the lecture sends whether or not its socket is open, and would be answered with an error where it still opens. */
document.addEventListener('DOMContentLoaded', () => {
  const send = document.getElementById('send')
  const enable = () => { send.disabled = false }
  if (socket.readyState === WebSocket.OPEN) enable()
  else socket.addEventListener('open', enable)
})

/** The lecture says ws:, which pages that came by https: may not open. */
if (location.protocol === 'https:') {
  window.WebSocket = class extends WebSocket {
    constructor (url) {
      super(url.replace(/^ws:/, 'wss:'))
    }
  }
}

/** The lecture writes to the console; so that nobody needs to open it, the page shows the same lines. */
const toConsole = console.log
console.log = line => {
  toConsole.call(console, line)
  const item = document.createElement('li')
  item.textContent = line
  document.getElementById('received').append(item)
}
