const [form, text, send, received] = ['form', 'text', 'send', 'received'].map(id => document.getElementById(id))
const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/echo`)

socket.onopen = () => enable(true)
socket.onclose = () => enable(false)

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

function enable (isOpen) {
  text.disabled = send.disabled = !isOpen
  if (isOpen) text.focus()
}
