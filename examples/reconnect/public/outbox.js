import { element } from './element.js'

/** How long a message may wait for a connection, in milliseconds. */
const timeout = 120_000
const mostShown = 50

const texts = {
  waits: 'waits for a connection',
  sent: 'sent',
  unknown: 'sent, and not answered: it will be in the feed, or is sent again',
  taken: 'answered',
  arrived: 'in the feed',
  twice: 'in the feed twice',
  perhaps: 'nobody knows: the history was lost'
}

/**
 * What is said here. A message that was sent when the connection was lost may have arrived or not: the feed says which, by its key, and it is sent again only where it has
 * not.
 */
export class Outbox {
  #socket
  #list
  #messages = new Map()
  #next = 1
  /** Tells this page's messages from those of others. */
  #page = `${Date.now().toString(36)}${Math.random().toString(36).slice(2)}`

  constructor (socket, list) {
    this.#socket = socket
    this.#list = list
  }

  say (text) {
    const key = `${this.#page}-${this.#next++}`
    const message = { key, text, item: this.#append(text), state: '' }
    this.#messages.set(key, message)
    this.#send(message)
  }

  /** Something is in the feed, ours or not. */
  arrived (key, text) {
    const message = this.#messages.get(key)
    if (message === undefined) show(this.#append(text), 'arrived', 'somebody else')
    else this.#set(message, message.state === 'arrived' || message.state === 'twice' ? 'twice' : 'arrived')
  }

  /** All that was missed has come. */
  settle (isRecovered) {
    for (const message of this.#messages.values()) {
      if (message.state !== 'unknown') continue
      if (isRecovered) this.#send(message)
      else this.#set(message, 'perhaps')
    }
  }

  async #send (message) {
    this.#set(message, this.#socket.state === 'open' ? 'sent' : 'waits')
    try {
      await this.#socket.request({ type: 'say', key: message.key, text: message.text }, { timeout })
      // It may be in the feed before it is answered.
      if (message.state !== 'arrived') this.#set(message, 'taken')
    } catch (error) {
      if (message.state === 'arrived') return
      if (error.code === 'WS_CLIENT_LOST') this.#set(message, 'unknown')
      else show(message.item, 'failed', error.message)
    }
  }

  #set (message, state) {
    message.state = state
    show(message.item, state, texts[state])
  }

  #append (text) {
    const item = element('li', {}, element('span', {}, text), element('small', {}))
    this.#list.prepend(item)
    while (this.#list.childElementCount > mostShown) this.#list.lastElementChild.remove()
    return item
  }
}

function show (item, state, text) {
  item.dataset.message = state
  item.lastElementChild.textContent = text
}
