const [form, text, send, received, state] = ['form', 'text', 'send', 'received', 'state'].map(id => document.getElementById(id))
const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/echo`)

socket.onopen = () => show('open', 'Connected')
socket.onclose = () => show('closed', 'The connection is lost: load the page again')

socket.onmessage = ({ data }) => {
  const item = document.createElement('li')
  item.textContent = data
  received.append(item)
}

form.onsubmit = event => {
  event.preventDefault()
  socket.send(text.value)
  text.value = ''
}

function show (now, words) {
  state.dataset.state = now
  state.textContent = words
  text.disabled = send.disabled = now !== 'open'
  text.focus()
}
