/* eslint-disable */
let socket = new WebSocket('ws://' + window.location.host + '/socket');
socket.onmessage = renderMessages;

function sendMessage() {
    socket.send(JSON.stringify({'username': username, 'message': message}))
}

function renderMessages(message) {
    console.log(message.data);
}
