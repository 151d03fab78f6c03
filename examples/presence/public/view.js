import { element } from './element.js'

export const at = {
  ...Object.fromEntries([...document.querySelectorAll('[id]')].map(found => [found.id, found])),
  documents: [...document.querySelectorAll('[data-document]')]
}

const stateTexts = { connecting: 'Connecting…', open: 'Connected', waiting: 'Lost, coming back…', closed: 'Closed' }
const timeFormat = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
/** The most that are shown, and kept. */
const [mostShown, mostNotices] = [48, 100]

export function renderState (state) {
  at.app.dataset.state = state
  at.state.textContent = stateTexts[state]
}

export function renderCounts (counts) {
  for (const count of document.querySelectorAll('[data-count]')) count.textContent = String(counts[count.dataset.count] ?? 0)
}

export function renderRoom (name) {
  for (const button of at.documents) {
    if (button.dataset.document !== name) button.removeAttribute('aria-current')
    else button.setAttribute('aria-current', 'page')
  }
  at['room-title'].textContent = `${name.charAt(0).toUpperCase()}${name.slice(1)}`
}

/** @param tone `'bad'`, or nothing */
export function appendNotice (text, tone = '') {
  at['no-notices'].hidden = true
  const now = new Date()
  at.notices.prepend(element('li', { 'data-tone': tone }, element('time', { datetime: now.toISOString() }, timeFormat.format(now)), ` ${text}`))
  while (at.notices.childElementCount > mostNotices) at.notices.lastElementChild.remove()
}

export function clearNotices () {
  at.notices.replaceChildren()
  at['no-notices'].hidden = false
}

/** Who is in the room: those who come grow, those who go fade. */
export class Crowd {
  me = null
  #people = new Map()
  #count = 0

  has (id) {
    return this.#people.has(id)
  }

  /** Whether somebody who could be shown is not known. */
  get knowsTooFew () {
    return this.#people.size < Math.min(this.#count, mostShown)
  }

  setCount (count) {
    this.#count = count
    at.count.textContent = String(count)
    const others = count - this.#people.size
    at.more.hidden = others <= 0
    at.more.textContent = `and ${others} more`
  }

  clear () {
    this.#people.clear()
    at.people.replaceChildren()
    this.setCount(0)
  }

  setAll (members, count) {
    const ids = new Set(members.map(({ id }) => id))
    for (const id of this.#people.keys()) if (!ids.has(id)) this.remove(id)
    for (const { id, data } of members) this.put(id, data)
    this.setCount(count)
  }

  put (id, { name, hue, status }) {
    let item = this.#people.get(id)
    if (item === undefined) {
      // Oneself is shown whoever else is there.
      if (this.#people.size >= mostShown && id !== this.me) return
      item = newPerson(name, hue, id === this.me)
      this.#people.set(id, item)
      if (id === this.me) at.people.prepend(item)
      else at.people.append(item)
    }
    item.dataset.status = status
    item.querySelector('small').textContent = status
  }

  remove (id) {
    const item = this.#people.get(id)
    if (item === undefined) return
    this.#people.delete(id)
    item.dataset.leaves = ''
    // Where nothing moves, nothing ends.
    if (item.getAnimations().length === 0) item.remove()
    else item.addEventListener('animationend', () => item.remove())
  }
}

function newPerson (name, hue, isMe) {
  const avatar = element('span', { class: 'avatar', 'aria-hidden': 'true' }, initialsOf(name))
  avatar.style.setProperty('--hue', String(hue))
  return element('li', isMe ? { class: 'me' } : {}, avatar, element('b', {}, isMe ? 'You' : name), element('small', {}))
}

function initialsOf (name) {
  return name.split(/\s+/).map(([first]) => first).join('').slice(0, 2)
}
