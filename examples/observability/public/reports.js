/** The first wait before it connects again, and the longest, in milliseconds. */
const [shortest, longest] = [500, 8_000]

/** Listens to the reports of the server; comes back by itself, sooner at first, and never all pages at once. */
export class Reports {
  #url
  #onReport
  #onState
  #wait = shortest

  constructor (onReport, onState) {
    // After the #, so that it is in no request for the page and in no Referer.
    const token = new URLSearchParams(location.hash.slice(1)).get('token')
    this.#url = `${location.origin.replace('http', 'ws')}/ops${token === null ? '' : `?token=${encodeURIComponent(token)}`}`
    this.#onReport = onReport
    this.#onState = onState
  }

  open () {
    const socket = new WebSocket(this.#url)
    socket.onmessage = ({ data }) => {
      this.#wait = shortest
      this.#onState('open')
      this.#onReport(JSON.parse(data))
    }
    socket.onclose = () => {
      this.#onState('lost')
      setTimeout(() => this.open(), this.#wait * (0.5 + Math.random() / 2))
      this.#wait = Math.min(longest, this.#wait * 2)
    }
  }
}
