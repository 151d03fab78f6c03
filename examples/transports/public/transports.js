/**
 * The same chat client three times. Each is started with
 * `{ page, interval, onSaid(said), onRequest() }`, where `onRequest` answers a function to call when that request is over,
 * and has `ready` (a promise), `say(words)` and `stop()`.
 */

/** How long to wait after a failure, in milliseconds. */
const pause = 1000

/** More than any number that a message has: the first answer then brings none of the old ones. */
const nothingOld = Number.MAX_SAFE_INTEGER

export function polling ({ interval, ...options }) {
  return asking('polling', interval, options)
}

export function longPolling (options) {
  return asking('long-polling', 0, options)
}

/** Asks what is new, waits a while, and asks again. */
function asking (transport, interval, { page, onSaid, onRequest }) {
  const stopped = new AbortController()
  let since = nothingOld
  let isReady
  const ready = new Promise(resolve => { isReady = resolve })

  async function ask () {
    const over = onRequest()
    try {
      const response = await fetch(`${transport}?page=${page}&since=${since}`, { signal: stopped.signal, cache: 'no-store' })
      const news = await response.json()
      since = news.last
      news.messages.forEach(onSaid)
      isReady()
      return interval
    } catch {
      return pause
    } finally {
      over()
    }
  }

  async function goOn () {
    while (!stopped.signal.aborted) await wait(await ask())
  }

  async function say (words) {
    const over = onRequest()
    try {
      await fetch(`${transport}?page=${page}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(words)
      })
    } finally {
      over()
    }
  }

  goOn()
  return { ready, say, stop: () => stopped.abort() }
}

/** Opens a socket once; then both sides just send. */
export function webSocket ({ page, onSaid, onRequest }) {
  const url = `${location.origin.replace('http', 'ws')}/websocket?page=${page}`
  let isStopped = false
  let socket
  let isReady
  const ready = new Promise(resolve => { isReady = resolve })

  function open () {
    const over = onRequest()
    socket = new WebSocket(url)
    socket.onopen = isReady
    socket.onmessage = ({ data }) => onSaid(JSON.parse(data))
    socket.onclose = () => {
      over()
      if (!isStopped) setTimeout(() => { if (!isStopped) open() }, pause)
    }
  }

  open()
  return {
    ready,
    say: async words => socket.send(JSON.stringify(words)),
    stop () {
      isStopped = true
      socket.close()
    }
  }
}

function wait (milliseconds) {
  return milliseconds === 0 ? undefined : new Promise(resolve => setTimeout(resolve, milliseconds))
}
