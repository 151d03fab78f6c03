import { element } from './element.js'

/** What the routes are for, in the order in which they are shown. */
const kinds = new Map([
  ['/chat', 'chat'],
  ['/socket', 'the page of the lecture'],
  ['/connections/list', 'this list'],
  ['/connections/echo', 'echo']
])
const routes = [...kinds.keys()]

/** A card for each TCP connection, with a dot for each of its WebSockets. */
export function renderConnections (list, tcpConnections) {
  list.replaceChildren(...tcpConnections.map(renderConnection))
}

function renderConnection ({ number, httpVersion, webSockets }) {
  const sorted = [...webSockets].sort((a, b) => routes.indexOf(a.route) - routes.indexOf(b.route))
  return element('li', { 'data-http': httpVersion },
    element('h3', {}, element('span', {}, 'TCP connection '), String(number)),
    element('p', { class: 'version' }, `HTTP/${httpVersion.replace('.0', '')}`),
    element('p', { class: 'dots' }, ...sorted.map(renderDot)),
    element('p', { class: 'legend' }, ...renderLegend(sorted))
  )
}

function renderDot ({ route, stream }) {
  return element('i', { 'data-route': route, title: stream === null ? route : `${route}, stream ${stream}` })
}

function renderLegend (webSockets) {
  if (webSockets.length === 0) return ['No WebSocket']
  return routes.flatMap(route => {
    const { length } = webSockets.filter(webSocket => webSocket.route === route)
    return length === 0 ? [] : element('span', { 'data-route': route }, `${length} × ${kinds.get(route)}`)
  })
}
