/** Numbers of a series, and how they are shown. */

export function median (values) {
  return percentile(values, 0.5)
}

/** The smallest of the values that so large a part of them does not exceed. */
export function percentile (values, part) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)]
}

export function inMilliseconds (value) {
  return value === undefined ? '–' : `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`
}

export function inBytes (value) {
  if (value < 1000) return `${value} B`
  return value < 1e6 ? `${(value / 1000).toFixed(value < 10_000 ? 1 : 0)} kB` : `${(value / 1e6).toFixed(1)} MB`
}

const charts = [
  { title: 'Median latency', value: result => median(result.latencies), format: inMilliseconds },
  { title: '95th percentile', value: result => percentile(result.latencies, 0.95), format: inMilliseconds },
  { title: 'Requests', value: result => result.requests, format: String },
  { title: 'Bytes, both ways', value: result => result.sent + result.received, format: inBytes }
]

/**
 * One chart a figure, one bar a transport.
 *
 * @param results `{ transport, title, latencies, requests, sent, received }` of each
 */
export function renderCharts (results) {
  return charts.map(({ title, value, format }) => {
    const most = Math.max(...results.map(value))
    const bars = results.map(result => {
      const bar = element('span', 'bar')
      bar.style.setProperty('--part', String(value(result) / most))
      const row = element('div', 'bar-row', element('dt', '', result.title), element('dd', '', bar, element('span', 'bar-value', format(value(result)))))
      row.dataset.transport = result.transport
      return row
    })
    return element('section', 'chart', element('h3', '', title), element('dl', '', ...bars))
  })
}

/** What the figures say, in a sentence. */
export function summarize ([polling, longPolling, webSocket], messages, milliseconds) {
  const bytes = result => result.sent + result.received
  const times = Math.round(bytes(polling) / bytes(webSocket))
  return `${messages} messages in ${(milliseconds / 1000).toFixed(1)} s. The socket needed ${webSocket.requests === 1 ? 'one request' : `${webSocket.requests} requests`}, ` +
    `long-polling ${longPolling.requests} and polling ${polling.requests}; polling moved ${times} times as many bytes as the socket.`
}

export function element (tag, className, ...children) {
  const made = document.createElement(tag)
  if (className !== '') made.className = className
  made.append(...children)
  return made
}
